"""Gaia, 2MASS and APOGEE from their archives as one source: what is asked of each, and in which order."""

from pathlib import Path

from stellarfm.addresses import public_url
from stellarfm.archives import apogee, twomass, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.counting import Counting, labelled_here, refuse_unfit
from stellarfm.archives.crosswalk import Crosswalk
from stellarfm.archives.fetching import Fetching
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.healpix import SkyPart, divide
from stellarfm.archives.network import refuse_no_network
from stellarfm.archives.profile_check import refuse_other_schema
from stellarfm.archives.source import Query
from stellarfm.atomic import content_key
from stellarfm.conditions import refuse_odd_condition
from stellarfm.config import Settings
from stellarfm.dust.reddening import Reddenings
from stellarfm.errors import StellarError
from stellarfm.landing.expected import Expected, too_few_labels
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.parts import Landing, explain_full_disk
from stellarfm.landing.selection import Asked, Selection
from stellarfm.progress import ProgressCallback, console
from stellarfm.surveys.profile import CROSSWALK
from stellarfm.surveys.selection import release_key


class Esa:
    """Gaia, 2MASS and APOGEE as a source.

    Parameters
    ----------
    settings
        Which stars, from where, and how often a request is made.

    Raises
    ------
    StellarError
        If nothing selects stars, ``gaia.where`` is not one condition, or there is no profile of the release.
    """

    unit = "rows"

    def __init__(self, settings: Settings) -> None:
        gaia, archive = settings.gaia, settings.archive
        if settings.apogee.source == "none" and not gaia.where.strip():
            raise StellarError(
                "nothing selects stars: give an ADQL condition with gaia.where, or take the stars of APOGEE with "
                "apogee.source = file"
            )
        if gaia.where.strip():
            # before anything is asked: the condition is pasted into every query that follows
            refuse_odd_condition(gaia.where.strip())
        self.settings = settings
        self.clients = Clients(settings)
        self.reddenings = Reddenings(settings.extinction, settings.seed)
        chosen = (
            release_key(gaia.release),
            gaia.where.strip(),
            gaia.xp,
            settings.twomass.by,
            settings.twomass.radius_arcsec,
        )
        sizes = (archive.rows_per_part, archive.spectra_per_part, settings.apogee.source)
        # all that changes the parts is in the name: another selection never mixes with this one
        self.folder = f"esa-{content_key(chosen, sizes, self.reddenings.key)}"
        self.selection = _selection(settings)

    def plan(self) -> list[Query]:
        """Return the queries, with the number of rows where the archive can count them; nothing but counts is asked.

        Raises
        ------
        StellarError
            If the selection is empty, larger than was agreed to, or refused.
        """
        clients, settings = self.clients, self.settings
        refuse_no_network(self._urls())
        refuse_unfit(settings, clients.gaia)
        planned = []
        if settings.apogee.source != "none":
            survey = clients.surveys.apogee
            there = f"{survey.table_at('vizier', apogee.TABLE)} of {public_url(clients.vizier.url)}"
            planned.append(
                Query(
                    apogee.TABLE, "all", public_url(clients.allstar.url) if settings.apogee.source == "file" else there
                )
            )
        if settings.gaia.where.strip():
            most, whole = settings.archive.rows_per_part, SkyPart(clients.gaia.identifier)
            planned += [
                Query(GAIA, p.name, clients.gaia.query_of_part(p), n)
                for p, n in divide(whole, clients.gaia.count, most)
            ]
        else:
            planned.append(Query(GAIA, "ids-…", clients.gaia.query_of_ids()))
        if clients.surveys.gaia.crosswalk is not None:
            planned.append(Query(CROSSWALK, "…", Crosswalk(clients.gaia.tap, clients.surveys).text("source_id")))
        if settings.gaia.xp != "none":
            bulk_url = clients.bulk_url if settings.gaia.xp == "bulk" else ""
            urls = {"datalink": clients.data_link.url, "tap": clients.gaia.tap.url, "bulk": bulk_url}
            words = clients.data_link.retrieval_type
            planned.append(Query(xp.TABLE, "…", f"{words} of these stars from {public_url(urls[settings.gaia.xp])}"))
        if settings.twomass.by != "none":
            planned.append(Query(twomass.TABLE, "…", self._twomass_text()))
        return planned

    def expect(self, landing: Landing) -> Expected:
        """Return what the selection will bring; nothing but counts is asked.

        Raises
        ------
        StellarError
            If the selection is empty, larger than was agreed to, or refused.
        """
        refuse_no_network(self._urls())
        return Counting(self.settings, self.clients, landing).expect()

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Fetch the parts that are not there yet.

        Raises
        ------
        StellarError
            If the selection is empty, larger than was agreed to, or refused, or an archive has not what the profile of its
            release says, all before anything is fetched; or an archive fails.
        """
        if not all(map(landing.is_complete, self._tables())):
            refuse_no_network(self._urls())
        if not landing.is_complete(GAIA):
            refuse_other_schema(self.settings, self.clients)
            refuse_unfit(self.settings, self.clients.gaia)
        fetching = Fetching(self.settings, self.clients, landing, progress)
        with explain_full_disk(landing):
            # APOGEE first: its identifiers may be the selection. Then Gaia: the other tables follow its parts
            fetching.apogee()
            fetching.gaia()
            fetching.crosswalk()
            # before the spectra, which take longest; a selection that is not learned from needs no labels
            labels = None if self.settings.learns_from_others else labelled_here(landing, self.clients.surveys)
            for warning in [] if labels is None else too_few_labels(labels):
                console.print(f"warning: {warning}", soft_wrap=True, markup=False)
            fetching.spectra()
            fetching.twomass()
            # last, because a map is asked for the positions and parallaxes of the stars that came
            self.reddenings.write(landing)
        fetching.end()

    def _tables(self) -> list[str]:
        """Return the tables that an archive is asked for."""
        settings = self.settings
        asked = {apogee.TABLE: settings.apogee.source, xp.TABLE: settings.gaia.xp, twomass.TABLE: settings.twomass.by}
        return [GAIA, *(table for table, how in asked.items() if how != "none")]

    def _urls(self) -> list[str]:
        """Return the addresses of the services that are asked."""
        clients, settings, asked = self.clients, self.settings, self._tables()
        urls = [clients.gaia.tap.url]
        if apogee.TABLE in asked:
            urls.append(clients.allstar.url if settings.apogee.source == "file" else clients.vizier.url)
        if xp.TABLE in asked:
            urls.append(clients.bulk_url if settings.gaia.xp == "bulk" else clients.data_link.url)
        if settings.twomass.by == "position":
            urls.append(clients.irsa.url)
        return urls

    def _twomass_text(self) -> str:
        unused = Jobs(Path())
        by_position = self.settings.twomass.by == "position"
        return (self.clients.positions if by_position else self.clients.neighbours)(unused).text


def _selection(settings: Settings) -> Selection:
    """Return how each table is asked for, for the checks."""
    gaia, two_mass = settings.gaia, settings.twomass.by
    # a map is asked for the stars at hand; a table of one's own is read whole and may hold others
    reddening: Asked = (
        "ids" if settings.extinction.map else "none" if settings.extinction.table is None else "selection"
    )
    asked: dict[str, Asked] = {
        GAIA: "selection" if gaia.where.strip() else "ids",
        xp.TABLE: "none" if gaia.xp == "none" else "ids",
        twomass.TABLE: {"neighbours": "ids", "position": "position", "none": "none"}[two_mass],  # type: ignore[dict-item]
        apogee.TABLE: "none" if settings.apogee.source == "none" else "all",
        "extinction": reddening,
        CROSSWALK: "ids",
    }
    return Selection(gaia.where.strip(), asked)
