"""Landing to warehouse: staging, checks, crossmatch, marts, checks."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from stellarfm.archives.landing import Landing
from stellarfm.atomic import content_key, fresh_file, fresh_folder, write_json
from stellarfm.catalog.hashing import table_hash
from stellarfm.checks import check_tables
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.progress import progress_bar
from stellarfm.resources import resource_folder
from stellarfm.stages.ingest import Snapshot, landing_of, snapshot_of
from stellarfm.warehouse import STAGING, build_marts, build_staging, connect, sql_texts

CHECKED_STAGING = tuple(f"staging.{name}" for name in STAGING)
CHECKED_MARTS = ("crossmatch.gaia_twomass", "crossmatch.gaia_apogee", "marts.stars", "marts.training_set")
_STEPS = 4


@dataclass(frozen=True)
class Prepared:
    """A warehouse that is ready to learn from.

    Attributes
    ----------
    key
        Hash of the landing's content, the SQL, the expectations and the settings that it was made with.
    archive, archive_release, snapshot_hash
        The landing it was made from.
    training_set_hash
        Hash of the rows of ``marts.training_set``.
    quarantined_rows
        Rows set aside by the checks.
    checks
        Folder with Data Docs and quarantined rows, relative to the home.
    summary
        What the expectations found, in Markdown.
    """

    key: str
    archive: str
    archive_release: str
    snapshot_hash: str
    training_set_hash: str
    quarantined_rows: int
    checks: str
    summary: str


def prepare(settings: Settings, home: Home, snapshot: Snapshot) -> Prepared:
    """Build and check the warehouse, or return the one that was made from the same inputs.

    Raises
    ------
    StellarError
        If a table is missing or bad; the warehouse that is there is kept.
    """
    key = content_key(snapshot.hash, sql_texts(), _suites(), settings.checks.model_dump())
    made = _read(home)
    if made is not None and made.key == key and home.warehouse.is_file():
        return made
    landing, limits = landing_of(settings, home), settings.warehouse
    checks = home.checks / key
    with (
        progress_bar("prepare", "steps") as advance,
        fresh_folder(checks) as folder,
        fresh_file(home.warehouse) as path,
    ):
        advance(0, _STEPS, "staging")
        with connect(path, memory_limit=limits.memory_limit, threads=limits.threads) as con:
            build_staging(con, {table: landing.files(table) for table in STAGING.values()})
        advance(1, _STEPS, "checking the archives' tables")
        found = [check_tables(path, CHECKED_STAGING, folder, settings.checks)]
        advance(2, _STEPS, "crossmatch and marts")
        with connect(path, memory_limit=limits.memory_limit, threads=limits.threads) as con:
            build_marts(con)
            training_set_hash = table_hash(con, "marts.training_set", "source_id")
        advance(3, _STEPS, "checking the marts")
        found.append(check_tables(path, CHECKED_MARTS, folder, settings.checks))
        advance(4, _STEPS, "done")
    prepared = Prepared(
        key=key,
        archive=landing.archive,
        archive_release=snapshot.release,
        snapshot_hash=snapshot.hash,
        training_set_hash=training_set_hash,
        quarantined_rows=sum(sum(report.quarantined_rows.values()) for report in found),
        checks=str(checks.relative_to(home.path)),
        summary="\n\n".join(report.summary for report in found),
    )
    write_json(_record(home), asdict(prepared))
    return prepared


def prepare_landing(settings: Settings, home: Home) -> Prepared:
    """Build the warehouse from the landing as it lies.

    Raises
    ------
    StellarError
        If the landing is empty or does not have the content that its manifests vouch for.
    """
    landing: Landing = landing_of(settings, home)
    if not landing.tables():
        raise StellarError(f"the landing {landing.folder} is empty; run `stellarfm ingest` first")
    landing.verify()
    return prepare(settings, home, snapshot_of(landing))


def prepared_of(home: Home) -> Prepared:
    """Return the record of a home's warehouse.

    Raises
    ------
    StellarError
        If there is none yet.
    """
    made = _read(home)
    if made is None or not home.warehouse.is_file():
        raise StellarError(f"the home {home.path} has no warehouse yet; run `stellarfm prepare` first")
    return made


def _record(home: Home) -> Any:
    return home.path / "warehouse.json"


def _read(home: Home) -> Prepared | None:
    path = _record(home)
    return Prepared(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _suites() -> dict[str, str]:
    folder = resource_folder("expectations")
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
