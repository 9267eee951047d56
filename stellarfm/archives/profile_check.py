"""The check before anything is fetched: whether every service has what the profiles of the releases say."""

from collections.abc import Iterator
from dataclasses import dataclass

from stellarfm.archives import apogee, twomass, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.tap import Tap
from stellarfm.archives.tap_schema import fetch_schema
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.progress import console
from stellarfm.surveys.differences import Difference, compare
from stellarfm.surveys.profile import CROSSWALK, SERVICE, UNKNOWN, Survey, unknown_name


@dataclass(frozen=True)
class Asked:
    """A service that an ingest asks, and for which tables of the landing."""

    survey: Survey
    service: str
    tap: Tap
    tables: tuple[str, ...]


def refuse_other_schema(settings: Settings, clients: Clients) -> None:
    """Compare the profiles with the services that an ingest would ask, before anything is fetched.

    Raises
    ------
    StellarError
        If a service does not have what its profile says: names the difference, and how to look and to go on.
    """
    _say_what_is_unknown(settings, clients.surveys.gaia)
    for asked in _asked(settings, clients):
        schema = fetch_schema(asked.tap, asked.survey, asked.service, asked.tables)
        blocking = [d for d in compare(asked.survey, asked.service, schema, asked.tables) if d.blocks]
        if blocking:
            raise StellarError(_sentence(asked, blocking, settings.gaia.release))
    # of a published release the words are known, those of a draft are tried
    if settings.gaia.xp == "datalink" and clients.surveys.gaia.status == "draft":
        clients.data_link.probe(clients.gaia.one_with_spectrum())


def _say_what_is_unknown(settings: Settings, gaia: Survey) -> None:
    """Refuse a way that needs a name which nobody knows; say where the product goes on without one."""
    if settings.gaia.xp == "none":
        return
    if settings.gaia.xp == "tap":
        gaia.table_at(SERVICE, xp.TABLE)  # raises where its name is not known
    renamed = gaia.tables[GAIA].at[SERVICE].renamed if SERVICE in gaia.tables[GAIA].at else {}
    if renamed.get("has_xp_continuous") == UNKNOWN:
        key = f"tables.{GAIA}.at.{SERVICE}.renamed.has_xp_continuous"
        told = unknown_name(gaia, key, gaia.tables[GAIA].about_column("has_xp_continuous").description)
        console.print(f"note: every selected star is asked for its spectrum, for {told}", soft_wrap=True, markup=False)


def _asked(settings: Settings, clients: Clients) -> Iterator[Asked]:
    surveys = clients.surveys
    of_gaia = [GAIA, *([xp.TABLE] if settings.gaia.xp == "tap" else [])]
    of_gaia += [CROSSWALK] if surveys.gaia.crosswalk is not None else []
    yield Asked(surveys.gaia, SERVICE, clients.gaia.tap, tuple(of_gaia))
    if settings.twomass.by == "neighbours":
        yield Asked(surveys.twomass, "gaia", clients.gaia.tap, (twomass.TABLE,))
    if settings.twomass.by == "position":
        yield Asked(surveys.twomass, "irsa", clients.irsa, (twomass.TABLE,))
    if settings.apogee.source == "vizier":
        yield Asked(surveys.apogee, apogee.VIZIER, clients.vizier, (apogee.TABLE,))


def _sentence(asked: Asked, blocking: list[Difference], release: str) -> str:
    first, more = blocking[0], len(blocking) - 1
    others = f", and {more} more differences" if more > 1 else ", and one more difference" if more else ""
    name = release if asked.survey.survey == "gaia" else asked.survey.release
    return (
        f"{asked.tap.name} differs from the profile of {asked.survey.release} in the table {first.table}: {first.text}{others}; "
        f"nothing was fetched. `stellarfm survey check {name!r} --write proposal.toml` lists all of them and proposes a profile"
        + (", which gaia.release = proposal.toml selects" if asked.survey.survey == "gaia" else "")
    )
