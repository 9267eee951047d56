"""The clients of Gaia, 2MASS and APOGEE, built from settings and profiles; none is connected before it is needed."""

from functools import cached_property

from stellarfm.archives.apogee import AllStarFile
from stellarfm.archives.credentials import Credentials, refuse_account, without_account
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.gaia import GaiaSources
from stellarfm.archives.retry import RetryPolicy
from stellarfm.archives.tap import Tap
from stellarfm.archives.twomass import Neighbours, Positions
from stellarfm.archives.xp import BulkSpectra, DataLink, MirrorSpectra
from stellarfm.config import Settings
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.parts import Landing
from stellarfm.landing.schema import TableSchema, landing_schemas
from stellarfm.surveys.profile import UNKNOWN, unknown_name
from stellarfm.surveys.selection import Surveys, choose_surveys


class Clients:
    """One client a service; an address of the settings wins over that of the release's profile.

    Parameters
    ----------
    settings
        Releases, addresses and how often services are asked.
    """

    def __init__(self, settings: Settings) -> None:
        retry = settings.retry
        self._settings = settings
        self.surveys: Surveys = choose_surveys(settings.gaia.release)
        self.schemas: dict[str, TableSchema] = landing_schemas(self.surveys)
        self.retry = RetryPolicy(retry.attempts, retry.wait_s, retry.timeout_s, retry.deadline_s)

    @cached_property
    def credentials(self) -> Credentials | None:
        """The account at the Gaia archive, if the environment names one."""
        return Credentials.of_environment("GAIA")

    @cached_property
    def gaia(self) -> GaiaSources:
        """The table of Gaia's sources."""
        url = self._settings.gaia.tap_url or self.surveys.gaia.services["tap"]
        tap = Tap("the Gaia archive", refuse_account(url, "gaia.tap_url"), self.retry, credentials=self.credentials)
        return GaiaSources(tap, self.surveys.gaia, self.schemas[GAIA], self._settings.gaia.where)

    @cached_property
    def data_link(self) -> DataLink:
        """Spectra by DataLink."""
        url = self._settings.gaia.data_url or self.surveys.gaia.services["data"]
        # XP coefficients are not in the TAP service of ESA: DataLink and the bulk files alone have them
        url = refuse_account(url, "gaia.data_url")
        return DataLink(url, self.surveys.gaia, self.retry, self._settings.gaia.xp_structure, self.credentials)

    @cached_property
    def irsa(self) -> Tap:
        """IRSA's TAP service."""
        url = self._settings.twomass.irsa_url or self.surveys.twomass.services["irsa"]
        # FITS is parsed faster, but not every service writes it
        return Tap("IRSA", refuse_account(url, "twomass.irsa_url"), self.retry, answer_format="votable")

    @cached_property
    def vizier(self) -> Tap:
        """VizieR's TAP service."""
        url = self._settings.apogee.vizier_url or self.surveys.apogee.services["vizier"]
        return Tap("VizieR", refuse_account(url, "apogee.vizier_url"), self.retry, answer_format="votable")

    @cached_property
    def allstar(self) -> AllStarFile:
        """APOGEE's file at SDSS."""
        chosen, survey = self._settings.apogee, self.surveys.apogee
        # None is "the profile says", "" is "there is no list": the two must not be confused
        checksums = survey.files["checksums"] if chosen.checksums is None else chosen.checksums
        return AllStarFile(without_account(chosen.url or survey.services["file"]), checksums, self.retry)

    @property
    def bulk_url(self) -> str:
        """Folder of Gaia's bulk files of spectra."""
        url = self._settings.gaia.bulk_url or self.surveys.gaia.services["bulk"]
        if url == UNKNOWN:
            raise unknown_name(self.surveys.gaia, "services.bulk", "the folder of the bulk files")
        return without_account(url)

    def bulk(self, landing: Landing) -> BulkSpectra:
        """Return the spectra of the bulk files, which are brought to the landing's downloads."""
        return BulkSpectra(self.bulk_url, landing.downloads, self.retry, self.surveys.gaia)

    def mirror(self, jobs: Jobs) -> MirrorSpectra:
        """Return the spectra of a mirror's TAP service."""
        return MirrorSpectra(self.gaia.tap, self.surveys.gaia, jobs)

    def neighbours(self, jobs: Jobs) -> Neighbours:
        """Return 2MASS by Gaia's table of best neighbours."""
        return Neighbours(self.gaia.tap, self.surveys, jobs)

    def positions(self, jobs: Jobs) -> Positions:
        """Return 2MASS by position."""
        return Positions(self.irsa, self.surveys, jobs, self._settings.twomass.radius_arcsec)
