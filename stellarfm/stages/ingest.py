"""Archive to landing."""

from dataclasses import dataclass, field
from pathlib import Path

from stellarfm.archives.simulated import SimulatedSky
from stellarfm.archives.source import Query, Source
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home, changes_home
from stellarfm.landing.expected import Expected
from stellarfm.landing.parts import Landing
from stellarfm.progress import progress_bar, tell
from stellarfm.sky.release import SURVEYS as SIMULATED
from stellarfm.surveys.selection import choose_surveys


@dataclass(frozen=True)
class Snapshot:
    """What lies in the landing.

    Attributes
    ----------
    archive
        Folder of the selection below ``landing``.
    hash
        Key of the content of all parts.
    release
        Data releases of the archives.
    rows
        Rows of each table.
    missing
        Stars that the archive was asked for and did not give, of each table that has any.
    """

    archive: str
    hash: str
    release: str
    rows: dict[str, int]
    missing: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Prospect:
    """What an ingest would do.

    Attributes
    ----------
    expected
        Rows, requests, size and time.
    queries
        What would be asked for.
    """

    expected: Expected
    queries: list[Query]


def source_of(settings: Settings) -> Source:
    """Return the archive, and the selection of its stars, that the settings describe.

    Raises
    ------
    StellarError
        If the archive reads a file and none is named, or the file is not what it should be.
    """
    archive, room = settings.archive, settings.warehouse
    if archive.name == "esa":
        # each archive is imported when it is asked for: astroquery, h5py and others take seconds
        from stellarfm.archives.esa import Esa

        return Esa(settings)
    if archive.name == "files":
        from stellarfm.archives.files import Files

        surveys = choose_surveys(settings.gaia.release)
        return Files(_path(settings), surveys, settings.seed, memory_limit=room.memory_limit, threads=room.threads)
    if archive.name == "leung-bovy-2024":
        from stellarfm.archives.leung_bovy import LeungBovy

        return LeungBovy(_path(settings))
    release = choose_surveys(settings.gaia.release).gaia.release
    if release != SIMULATED.gaia.release:
        raise StellarError(
            f"the simulated sky is one of {SIMULATED.gaia.release}: its spectra are made with matrices of that release, and "
            f"there are none of {release} yet; take {release} from an archive (archive.name = esa): the one on loopback serves "
            "the simulated sky in its shape"
        )
    return SimulatedSky(archive.num_stars, settings.seed, room.threads)


def _path(settings: Settings) -> Path:
    if settings.archive.path is None:
        raise StellarError(
            f"the archive {settings.archive.name} reads a file; name it with --path FILE or --set archive.path=FILE"
        )
    return settings.archive.path


@changes_home
def ingest(settings: Settings, home: Home) -> Snapshot:
    """Fetch the parts that are not there yet, and anew those that are damaged, and vouch for all of them.

    Raises
    ------
    StellarError
        If the archive refuses or fails; the parts that are complete stay.
    """
    source = source_of(settings)
    landing = Landing(home.landing, source.folder)
    # before anything is added: parts that were changed must not be vouched for together with new ones
    landing.mend(tell)
    with progress_bar("ingest", source.unit) as progress:
        source.fetch(landing, progress)
    # after the fetch: the checks judge by it, and only whole landings are checked
    landing.note_selection(source.selection)
    return snapshot_of(landing)


def look_ahead(settings: Settings, home: Home) -> Prospect:
    """Return what an ingest would do; nothing but counts is asked of the archives, and nothing is written.

    Parameters
    ----------
    settings
        Which stars, from where.
    home
        Where they would go; it need not exist.

    Raises
    ------
    StellarError
        If the archive refuses or fails, or the selection is one that an ingest would refuse.
    """
    source = source_of(settings)
    return Prospect(source.expect(Landing(home.landing, source.folder)), source.plan())


def snapshot_of(landing: Landing) -> Snapshot:
    """Return what lies in a landing."""
    releases = sorted({manifest.release for manifest in landing.manifests()} - {""})
    missing = {table: len(landing.missing(table).ids()) for table in landing.tables()}
    missing = {table: number for table, number in missing.items() if number}
    return Snapshot(landing.archive, landing.snapshot_hash(), ", ".join(releases), landing.rows(), missing)
