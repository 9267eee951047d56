"""Archive to landing."""

from dataclasses import dataclass

from stellarfm.archives import simulated
from stellarfm.archives.landing import Landing
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.progress import progress_bar


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
    """

    archive: str
    hash: str
    release: str
    rows: dict[str, int]


def landing_of(settings: Settings, home: Home) -> Landing:
    """Return the landing of the selection that the settings describe."""
    archive = settings.archive
    return Landing(home.landing, f"{archive.name}-{archive.num_stars}-seed{settings.seed}")


def ingest(settings: Settings, home: Home) -> Snapshot:
    """Fetch the parts that are not there yet and vouch for all of them.

    Raises
    ------
    StellarError
        If a part does not have the content that its manifest vouches for.
    """
    landing = landing_of(settings, home)
    landing.verify()
    with progress_bar("ingest", "stars") as advance:
        simulated.fetch(
            landing,
            settings.archive.num_stars,
            settings.seed,
            lambda done, total: advance(done, total, ""),
            processes=settings.warehouse.threads,
        )
    return snapshot_of(landing)


def snapshot_of(landing: Landing) -> Snapshot:
    """Return what lies in a landing."""
    releases = sorted({manifest.release for manifest in landing.manifests()})
    return Snapshot(landing.archive, landing.snapshot_hash(), ", ".join(releases), landing.rows())
