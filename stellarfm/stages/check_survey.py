"""A profile against its archive: what differs, what of the product rests on it, and a profile that fits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stellarfm.archives.clients import Clients
from stellarfm.archives.tap import Tap
from stellarfm.archives.tap_schema import fetch_schema, read_schema, save_schema
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.landing.xp_raw import TABLE as XP_TABLE
from stellarfm.surveys.differences import Difference, compare
from stellarfm.surveys.profile import SERVICE, UNKNOWN, Survey
from stellarfm.surveys.proposal import unsolved, write_proposal
from stellarfm.surveys.reading import find_survey
from stellarfm.surveys.selection import Surveys, choose_surveys
from stellarfm.warehouse.build import STAGING
from stellarfm.warehouse.lineage import Lineage, read_lineage

_AT_GAIA = "gaia"
"""Service of another survey that lies at the archive of Gaia."""


@dataclass(frozen=True)
class Checked:
    """A profile and what differs from it.

    Attributes
    ----------
    name
        As it was asked for: stem or path.
    survey, service
        Profile, and key of the service in it.
    against
        What it was compared with.
    differences, rests_on
        What differs, and for each what of the product rests on it.
    """

    name: str
    survey: Survey
    service: str
    against: str
    differences: tuple[Difference, ...]
    rests_on: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether an ingest may begin."""
        return not any(one.blocks for one in self.differences)

    @property
    def unsolved(self) -> list[Difference]:
        """What a proposal cannot mend."""
        return unsolved(self.survey, self.differences)

    @property
    def proposal(self) -> str:
        """A profile that fits, in TOML."""
        return write_proposal(self.survey, self.name, self.service, self.differences)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        lines = [asdict(d) | {"rests_on": on} for d, on in zip(self.differences, self.rests_on, strict=True)]
        facts = {"release": self.survey.release, "service": self.service, "against": self.against, "fits": self.fits}
        return {"profile": self.name, **facts, "differences": lines}


def check_survey(
    name: str, settings: Settings, service: str = "", against: Path | None = None, save: Path | None = None
) -> Checked:
    """Compare a profile with what a service says of itself, or once said.

    Parameters
    ----------
    name
        Profile: its stem, the name of the release, or the path of a TOML file.
    settings
        Addresses of services, and how often they are asked.
    service
        Key of a TAP service in the profile; the release's own if "".
    against
        A saved TAP_SCHEMA, in place of the service.
    save
        File to keep what the service says in.

    Raises
    ------
    StellarError
        If there is no such profile or service, or it does not have the release.
    """
    stem, survey = find_survey(name)
    chosen = service or _own_service(survey)
    schema = fetch_schema(_tap(survey, chosen, settings), survey, chosen) if against is None else read_schema(against)
    if save is not None:
        save_schema(schema, save)
    differences = (*compare(survey, chosen, schema), *([] if against else _products(survey, name, chosen, settings)))
    lineage = read_lineage(_with(survey), STAGING)
    return Checked(
        stem, survey, chosen, schema.called, differences, tuple(_rests(lineage, survey, d) for d in differences)
    )


def _products(survey: Survey, name: str, service: str, settings: Settings) -> list[Difference]:
    """Return what differs in the products of DataLink, by asking for the spectrum of one star."""
    if survey.xp is None or service != SERVICE:
        return []
    release = name if name.endswith(".toml") else survey.release
    clients = Clients(settings.model_copy(update={"gaia": settings.gaia.model_copy(update={"release": release})}))
    try:
        clients.data_link.probe(clients.gaia.one_with_spectrum())
    except StellarError as error:
        return [Difference("product", XP_TABLE, "", survey.xp.retrieval_type, str(error), blocks=True)]
    return []


def tap_services(survey: Survey) -> Mapping[str, str]:
    """Return the TAP services of a survey by their keys."""
    return {key: url for key, url in survey.services.items() if url.lower().endswith("/tap") or url == UNKNOWN}


def _own_service(survey: Survey) -> str:
    return SERVICE if SERVICE in survey.services else next(iter(tap_services(survey)))


def _tap(survey: Survey, service: str, settings: Settings) -> Tap:
    """Return the client of a service; an address of the settings wins over that of the profile."""
    services = tap_services(survey)
    if service not in services:
        raise StellarError(
            f"the profile of {survey.release} has no TAP service {service!r}; it has {', '.join(services)}"
        )
    clients = Clients(settings)
    of_settings = {
        SERVICE: settings.gaia.tap_url,
        _AT_GAIA: settings.gaia.tap_url,
        "irsa": settings.twomass.irsa_url,
        "vizier": settings.apogee.vizier_url,
    }
    url = of_settings.get(service, "") or services[service]
    if url == UNKNOWN:
        raise StellarError(
            f"the profile of {survey.release} does not know the address of {service}; fill in services.{service}"
        )
    return Tap(f"the service {service}", url, clients.retry, answer_format="votable")


def _with(survey: Survey) -> Surveys:
    """Return the releases that a product is made of, with this one among them."""
    usual = choose_surveys()
    return Surveys(**{one.survey: survey if one.survey == survey.survey else one for one in usual.all})


def _rests(lineage: Lineage, survey: Survey, one: Difference) -> str:
    """Return what of the product rests on a column, or on all columns of a table."""
    if one.kind == "new":
        return "nothing"
    if one.column:
        return str(lineage.rests_on(one.table, one.column))
    return str(lineage.rests_on_any(one.table, survey.tables[one.table].columns))
