"""Gaia, 2MASS and APOGEE from their archives as one source: what is asked of each, and in which order."""

from functools import cached_property
from pathlib import Path

from stellarfm.archives import apogee, spectra, twomass
from stellarfm.archives.credentials import Credentials
from stellarfm.archives.fetching import Fetching, told_of_full_disk
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.gaia import GaiaSources
from stellarfm.archives.jobs import Jobs
from stellarfm.archives.landing import Landing
from stellarfm.archives.patience import Patience
from stellarfm.archives.reddenings import Reddenings
from stellarfm.archives.sky_parts import SkyPart, divide
from stellarfm.archives.source import Query
from stellarfm.archives.tap import Tap
from stellarfm.atomic import content_key
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.progress import Advance


class Esa:
    """Gaia, 2MASS and APOGEE as a source.

    Parameters
    ----------
    settings
        Which stars, from where, and how patiently.

    Raises
    ------
    StellarError
        If nothing selects stars.
    """

    unit = "rows"

    def __init__(self, settings: Settings) -> None:
        gaia, asking = settings.gaia, settings.asking
        if settings.apogee.source == "none" and not gaia.where.strip():
            raise StellarError(
                "nothing selects stars: give an ADQL condition with gaia.where, or take the stars of APOGEE with "
                "apogee.source = file"
            )
        self.settings = settings
        self.patience = Patience(asking.attempts, asking.wait_s, asking.timeout_s, asking.deadline_s)
        self.reddenings = Reddenings(settings.extinction, settings.seed)
        chosen = (gaia.release, gaia.where.strip(), gaia.xp, settings.twomass.by, settings.twomass.radius_arcsec)
        sizes = (asking.rows_per_part, asking.spectra_per_part, settings.apogee.source)
        self.folder = f"esa-{content_key(chosen, sizes, self.reddenings.key)}"

    def plan(self) -> list[Query]:
        """Return the queries, with the number of rows where the archive can count them; nothing but counts is asked."""
        gaia, settings = self.gaia, self.settings
        planned = []
        if settings.apogee.source != "none":
            of_file = settings.apogee.source == "file"
            where = settings.apogee.url if of_file else f"{apogee.VIZIER_TABLE} of {settings.apogee.vizier_url}"
            planned.append(Query(apogee.TABLE, "all", where))
        if settings.gaia.where.strip():
            most = settings.asking.rows_per_part
            planned += [Query(GAIA, p.name, gaia.query_of_part(p), n) for p, n in divide(SkyPart(), gaia.count, most)]
        else:
            planned.append(Query(GAIA, "ids-…", gaia.query_of_ids()))
        if settings.gaia.xp != "none":
            urls = {"datalink": settings.gaia.data_url, "tap": settings.gaia.tap_url, "bulk": settings.gaia.bulk_url}
            planned.append(Query(spectra.TABLE, "…", f"XP_CONTINUOUS of these stars from {urls[settings.gaia.xp]}"))
        if settings.twomass.by != "none":
            planned.append(Query(twomass.TABLE, "…", self._twomass_text()))
        return planned

    def fetch(self, landing: Landing, advance: Advance) -> None:
        """Fetch the parts that are not there yet."""
        fetching = Fetching(self, landing, advance)
        with told_of_full_disk(landing):
            fetching.apogee()
            fetching.gaia()
            fetching.spectra()
            fetching.twomass()
            self.reddenings.write(landing)
        fetching.end()

    @cached_property
    def credentials(self) -> Credentials | None:
        """The account at the Gaia archive, if the environment names one."""
        return Credentials.of_environment("GAIA")

    @cached_property
    def gaia(self) -> GaiaSources:
        """The table ``gaia_source``."""
        tap = Tap("the Gaia archive", self.settings.gaia.tap_url, self.patience, credentials=self.credentials)
        return GaiaSources(tap, self.settings.gaia)

    @cached_property
    def data_link(self) -> spectra.DataLink:
        """Spectra by DataLink."""
        return spectra.DataLink(self.settings.gaia, self.patience, self.credentials)

    @cached_property
    def irsa(self) -> Tap:
        """IRSA's TAP service."""
        return Tap("IRSA", self.settings.twomass.irsa_url, self.patience, answer_format="votable")

    @cached_property
    def vizier(self) -> Tap:
        """VizieR's TAP service."""
        return Tap("VizieR", self.settings.apogee.vizier_url, self.patience, answer_format="votable")

    def neighbours(self, jobs: Jobs) -> twomass.Neighbours:
        """Return 2MASS by Gaia's table of best neighbours."""
        return twomass.Neighbours(self.gaia.tap, self.gaia.schema, jobs)

    def positions(self, jobs: Jobs) -> twomass.Positions:
        """Return 2MASS by position."""
        return twomass.Positions(self.irsa, jobs, self.settings.twomass.radius_arcsec)

    def _twomass_text(self) -> str:
        unused = Jobs(Path())
        return (self.positions if self.settings.twomass.by == "position" else self.neighbours)(unused).text
