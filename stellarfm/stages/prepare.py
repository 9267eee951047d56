"""Landing to warehouse: staging, checks, crossmatch, marts, checks."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from stellarfm.atomic import content_key, fresh_file
from stellarfm.catalog.hashing import table_hash
from stellarfm.checks.accepted import accept, read_accepted
from stellarfm.checks.folders import FAILED, forget_failed, kept_checks
from stellarfm.checks.report import CheckFailedError, CheckReport
from stellarfm.checks.run import check_tables
from stellarfm.checks.validator import DOCS_INDEX
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home, changes_home
from stellarfm.integrity import DamagedError, FileSum, read_record, write_record
from stellarfm.landing.parts import Landing
from stellarfm.leftovers import forget_checks
from stellarfm.progress import progress_bar, tell
from stellarfm.resources import folder_texts, resource_folder
from stellarfm.stages.ingest import Snapshot, snapshot_of, source_of
from stellarfm.surveys.selection import Surveys, choose_surveys
from stellarfm.warehouse.build import empty_tables, read_cuts, warehouse_texts
from stellarfm.warehouse.connection import connect, scalar
from stellarfm.warehouse.recipes import recipe_of

_STEPS = 4
_REMEDY = "run `stellarfm prepare`: it is built anew from the landing, and nothing is lost"


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
        Rows set aside by the checks, of all tables.
    warnings
        What the checks found and let pass.
    checks
        Folder with Data Docs and quarantined rows, below the home's ``checks``.
    summary
        What the expectations found, in Markdown.
    file
        What the warehouse held when it was complete.
    home
        The home that it lies in.
    """

    key: str
    archive: str
    archive_release: str
    snapshot_hash: str
    training_set_hash: str
    quarantined_rows: int
    warnings: tuple[str, ...]
    checks: str
    summary: str
    file: FileSum
    home: Path

    @property
    def docs(self) -> str:
        """First page of the Data Docs."""
        return str(self.home / "checks" / self.checks / DOCS_INDEX)


@changes_home
def prepare(settings: Settings, home: Home, snapshot: Snapshot | None = None) -> Prepared:
    """Build and check the warehouse, or return the one that was made from the same inputs.

    Parameters
    ----------
    settings
        Releases of the surveys, limits of the checks, what DuckDB may take.
    home
        Where landing and warehouse lie.
    snapshot
        What `ingest` left; the landing as it lies, verified first, if not given.

    Raises
    ------
    StellarError
        If the landing is empty or damaged, or a table is missing or bad; the warehouse that is there is kept.
    """
    snapshot = snapshot or _snapshot(settings, home)
    surveys = choose_surveys(settings.gaia.release)
    selection = Landing(home.landing, snapshot.archive).selection()
    # all that the tables and the verdict depend on; memory and threads are not among it
    what = (warehouse_texts(), surveys.to_dict(), selection.to_dict(), _suites(), settings.checks.model_dump())
    key = content_key(snapshot.hash, *what)
    made = _intact(home)
    if made is not None and made.key == key:
        forget_failed(home.checks)
        return made
    # the outer block sees the failure of the checks, the inner one keeps the warehouse of before in its place
    with kept_checks(home.checks, key) as folder, fresh_file(home.warehouse) as path:
        training_set_hash, report = _build(settings, home, snapshot, surveys, path, folder)
        file = FileSum.of(path)
    # the first sound warehouse of a selection is what the later ones are compared with
    if not read_accepted(home.checks, report.where):
        accept(home.checks, report, snapshot.hash)
    prepared = Prepared(
        key=key,
        archive=snapshot.archive,
        archive_release=snapshot.release,
        snapshot_hash=snapshot.hash,
        training_set_hash=training_set_hash,
        quarantined_rows=sum(report.quarantined_rows.values()),
        warnings=report.warnings,
        checks=key,
        summary=report.summary,
        file=file,
        home=home.path,
    )
    # after the file it speaks of; the home itself is left out, for it may be moved
    write_record(_record(home), {name: value for name, value in asdict(prepared).items() if name != "home"})
    forget_checks(home, {key, *_checks_in_use(home)})
    return prepared


def _build(
    settings: Settings, home: Home, snapshot: Snapshot, surveys: Surveys, path: Path, folder: Path
) -> tuple[str, CheckReport]:
    """Build and check a warehouse; return the hash of its training set, and what was found."""
    landing = Landing(home.landing, snapshot.archive)
    recipe = recipe_of(landing)
    room = settings.warehouse
    opened = partial(connect, memory_limit=room.memory_limit, threads=room.threads)
    check = partial(
        check_tables,
        memory_limit=room.memory_limit,
        threads=room.threads,
        accepted=read_accepted(home.checks, landing.selection().where),
        raise_drift=False,
        surveys=surveys,
        selection=landing.selection(),
        not_given=recipe.not_given,
    )
    rows = landing.rows()
    with progress_bar("prepare", "steps") as progress:
        progress(0, _STEPS, "staging")
        # closed before the checks attach the file, and opened again after them: a DuckDB file has one writer at a time
        with opened(path) as con:
            recipe.build_staging(con, {table: landing.files(table) for table in recipe.staging.values()})
            # a table that was asked for and came without rows is as good as not given: rules that need it cannot be judged
            check = partial(check, not_given=recipe.not_given | empty_tables(con, recipe.staging))
        progress(1, _STEPS, "checking the archives' tables")
        # the numbers of the manifests: a rule compares them with what staging has kept
        landed = {f"staging.{table}": {"landing_rows": rows[archive]} for table, archive in recipe.staging.items()}
        staged = check(path, recipe.checked_staging, folder, settings.checks, parameters=landed)
        progress(2, _STEPS, "crossmatch and marts")
        with opened(path) as con:
            recipe.build_marts(con, surveys)
            sources = {"marts.stars": {"source_rows": scalar(con, recipe.source_rows)}}
            cuts = read_cuts(con)
        progress(3, _STEPS, "checking the marts")
        marts = check(path, recipe.checked_marts, folder, settings.checks, parameters=sources, cuts=cuts)
        report = staged.joined(marts)
        # raised only now: a drift in staging runs on into the marts, and a person accepts both at once
        if report.error:
            raise CheckFailedError(report.error, report)
        with opened(path) as con:
            training_set_hash = table_hash(con, "marts.training_set", "source_id")
        progress(4, _STEPS, "done")
    return training_set_hash, report


def _snapshot(settings: Settings, home: Home) -> Snapshot:
    """Return what lies in the landing of these settings, after comparing every part with its hash."""
    landing = Landing(home.landing, source_of(settings).folder)
    if not landing.tables():
        raise StellarError(f"the landing {landing.folder} is empty; run `stellarfm ingest` first")
    landing.verify()
    return snapshot_of(landing)


def has_warehouse(home: Home) -> bool:
    """Whether a home has a warehouse that is complete."""
    return home.warehouse.is_file() and _record(home).is_file()


def prepared_of(home: Home, *, whole: bool = False) -> Prepared:
    """Return the record of a home's warehouse.

    Parameters
    ----------
    home
        The home.
    whole
        Read every byte of a large warehouse; otherwise some blocks of it, see `FileSum.difference`.

    Raises
    ------
    StellarError
        If there is none yet, or it is damaged.
    """
    made = _read(home, whole=whole)
    if made is None:
        raise StellarError(f"the home {home.path} has no warehouse yet; run `stellarfm prepare` first")
    return made


def forget_warehouse(home: Home) -> None:
    """Remove the record of a home's warehouse: the next preparation builds it anew."""
    _record(home).unlink(missing_ok=True)


def checks_of(home: Home) -> Path:
    """Return the folder of a home's last checks: of the run that they stopped, or of the warehouse.

    Raises
    ------
    StellarError
        If there are none yet.
    """
    failed = home.checks / FAILED
    return failed if failed.is_dir() else home.checks / prepared_of(home).checks


def _record(home: Home) -> Path:
    return home.warehouse.with_suffix(".json")


def _checks_in_use(home: Home) -> Iterator[str]:
    """Return the names of the checks of both warehouses of a home, of those that there are."""
    for record in map(_record, (Home(home.path), home.for_learning)):
        with suppress(DamagedError):
            yield str(read_record(record, "").get("checks"))


def _intact(home: Home) -> Prepared | None:
    """Return the record of the warehouse, None if there is none or it must be built anew, which is said."""
    try:
        return _read(home)
    except DamagedError as error:
        tell(f"{error.path} is damaged ({error.why}): it is built anew from the landing")
        return None


def _read(home: Home, *, whole: bool = False) -> Prepared | None:
    """Return the record of the warehouse after comparing the file with it."""
    path = _record(home)
    if not path.is_file() or not home.warehouse.is_file():
        return None
    data = read_record(path, _REMEDY)
    try:
        made = {**data, "warnings": tuple(data["warnings"]), "file": FileSum.from_dict(data["file"]), "home": home.path}
        prepared = Prepared(**made)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(path, f"a field is missing or unknown: {error}", _REMEDY) from error
    if difference := prepared.file.difference(home.warehouse, whole=whole):
        raise DamagedError(home.warehouse, difference, _REMEDY)
    return prepared


def _suites() -> dict[str, str]:
    return folder_texts(resource_folder("expectations"), "*.json")
