"""Gaia, 2MASS and APOGEE from their archives as one source: what is asked of each, and in which order."""

from pathlib import Path

from stellarfm.archives import apogee, twomass, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.fetching import Fetching
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.healpix import SkyPart, divide
from stellarfm.archives.source import Query
from stellarfm.atomic import content_key
from stellarfm.config import Settings
from stellarfm.dust.reddening import Reddenings
from stellarfm.errors import StellarError
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.parts import Landing, explain_full_disk
from stellarfm.progress import ProgressCallback


class Esa:
    """Gaia, 2MASS and APOGEE as a source.

    Parameters
    ----------
    settings
        Which stars, from where, and how often a request is made.

    Raises
    ------
    StellarError
        If nothing selects stars, or there is no profile of the release.
    """

    unit = "rows"

    def __init__(self, settings: Settings) -> None:
        gaia, archive = settings.gaia, settings.archive
        if settings.apogee.source == "none" and not gaia.where.strip():
            raise StellarError(
                "nothing selects stars: give an ADQL condition with gaia.where, or take the stars of APOGEE with "
                "apogee.source = file"
            )
        self.settings = settings
        self.clients = Clients(settings)
        self.reddenings = Reddenings(settings.extinction, settings.seed)
        chosen = (gaia.release, gaia.where.strip(), gaia.xp, settings.twomass.by, settings.twomass.radius_arcsec)
        sizes = (archive.rows_per_part, archive.spectra_per_part, settings.apogee.source)
        self.folder = f"esa-{content_key(chosen, sizes, self.reddenings.key)}"

    def plan(self) -> list[Query]:
        """Return the queries, with the number of rows where the archive can count them; nothing but counts is asked."""
        clients, settings = self.clients, self.settings
        planned = []
        if settings.apogee.source != "none":
            survey = clients.surveys.apogee
            there = f"{survey.table_at('vizier', apogee.TABLE)} of {clients.vizier.url}"
            planned.append(
                Query(apogee.TABLE, "all", clients.allstar.url if settings.apogee.source == "file" else there)
            )
        if settings.gaia.where.strip():
            most, whole = settings.archive.rows_per_part, SkyPart(clients.gaia.identifier)
            planned += [
                Query(GAIA, p.name, clients.gaia.query_of_part(p), n)
                for p, n in divide(whole, clients.gaia.count, most)
            ]
        else:
            planned.append(Query(GAIA, "ids-…", clients.gaia.query_of_ids()))
        if settings.gaia.xp != "none":
            urls = {"datalink": clients.data_link.url, "tap": clients.gaia.tap.url, "bulk": clients.bulk_url}
            words = clients.data_link.retrieval_type
            planned.append(Query(xp.TABLE, "…", f"{words} of these stars from {urls[settings.gaia.xp]}"))
        if settings.twomass.by != "none":
            planned.append(Query(twomass.TABLE, "…", self._twomass_text()))
        return planned

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Fetch the parts that are not there yet."""
        fetching = Fetching(self.settings, self.clients, landing, progress)
        with explain_full_disk(landing):
            fetching.apogee()
            fetching.gaia()
            fetching.spectra()
            fetching.twomass()
            self.reddenings.write(landing)
        fetching.end()

    def _twomass_text(self) -> str:
        unused = Jobs(Path())
        by_position = self.settings.twomass.by == "position"
        return (self.clients.positions if by_position else self.clients.neighbours)(unused).text
