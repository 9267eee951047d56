"""The landing: immutable Parquet parts as an archive gave them, each with a manifest that vouches for it."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stellarfm.atomic import content_key, file_hash, fresh_file
from stellarfm.errors import StellarError
from stellarfm.integrity import DamagedError, read_record, write_record
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Missing
from stellarfm.landing.selection import Selection

NOT_GIVEN = "not-given"
"""Name of the only part of a table that a selection does without: no rows, all columns."""

_SELECTION = "selection.json"
_REMEDY = "run `stellarfm ingest`: it is fetched anew"


@dataclass(frozen=True)
class Manifest:
    """What is known of one part: where it came from and what it holds."""

    table: str
    part: str
    query: str
    release: str
    rows: int
    sha256: str
    created_at: str
    job_id: str = ""
    seconds: float = 0.0


class Landing:
    """The parts of one selection from one archive.

    Parameters
    ----------
    root
        The landing folder of a home.
    archive
        Name of the archive and selection; a folder below `root`.
    """

    def __init__(self, root: Path, archive: str) -> None:
        self.archive = archive
        self.folder = root / archive

    def has(self, table: str, part: str) -> bool:
        """Whether a part is complete: its manifest is written last."""
        return self._manifest(table, part).is_file() and self._parquet(table, part).is_file()

    def write(
        self,
        table: str,
        part: str,
        data: pa.Table | pa.RecordBatchReader,
        query: str,
        release: str,
        *,
        job_id: str = "",
        seconds: float = 0.0,
    ) -> None:
        """Add a part; a part that is complete already is left as it is.

        Parameters
        ----------
        table, part
            Names of the archive's table and of this piece of it.
        data
            The rows, at once or streamed.
        query
            What was asked for, so that the part can be asked for again.
        release
            Data release of the archive.
        job_id
            What the archive called the work, if it was a job.
        seconds
            How long it took.
        """
        if self.has(table, part):
            return
        target = self._parquet(table, part)
        with fresh_file(target) as path:
            num_rows = _write_parquet(path, data)
            # of the bytes under their temporary name: what is renamed is what was hashed
            sha256 = file_hash(path)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(table, part, query, release, num_rows, sha256, now, job_id, round(seconds, 3))
        # last: Parquet without a manifest is a part that a kill left, and is written again; the other order could vouch for
        # a part that is not there
        write_record(self._manifest(table, part), asdict(manifest))

    def take_over(self, other: "Landing", table: str) -> None:
        """Take over a table that another selection of the same home has whole; where links are possible it lies there once.

        Raises
        ------
        StellarError
            If a part of the other is damaged.
        """
        for manifest in other.manifests():
            if manifest.table != table or self.has(table, manifest.part):
                continue
            other.check_part(table, manifest.part)
            with fresh_file(self._parquet(table, manifest.part)) as path:
                _link_or_copy(other.file(table, manifest.part), path)
            write_record(self._manifest(table, manifest.part), asdict(manifest))
        self.mark_complete(table)

    def manifests(self) -> list[Manifest]:
        """Return the manifests of all complete parts, by table and part."""
        # <table>/<part>.json; jobs lie one folder deeper, the selection one higher
        return [_read_manifest(path) for path in self._manifest_files()]

    def tables(self) -> list[str]:
        """Return the names of the tables that have at least one complete part."""
        return sorted({manifest.table for manifest in self.manifests()})

    def not_given(self) -> set[str]:
        """Return the names of the tables that this selection does without."""
        parts: dict[str, set[str]] = {}
        for manifest in self.manifests():
            parts.setdefault(manifest.table, set()).add(manifest.part)
        return {table for table, names in parts.items() if names == {NOT_GIVEN}}

    def files(self, table: str) -> list[Path]:
        """Return the Parquet files of the complete parts of a table."""
        return [self._parquet(m.table, m.part) for m in self.manifests() if m.table == table]

    def rows(self) -> dict[str, int]:
        """Return the number of rows that were written of each table."""
        totals: dict[str, int] = {}
        for manifest in self.manifests():
            totals[manifest.table] = totals.get(manifest.table, 0) + manifest.rows
        return totals

    def snapshot_hash(self) -> str:
        """Return one key for the content of all parts, independent of when they were fetched."""
        # without times and jobs: what was fetched twice is the same snapshot
        return content_key(*[(m.table, m.part, m.sha256) for m in self.manifests()])

    def verify(self) -> None:
        """Compare every part with the hash it had when it was written.

        Raises
        ------
        StellarError
            If a part is missing or its content has changed.
        """
        for error in self.damaged():
            raise error

    def damaged(self) -> Iterator[DamagedError]:
        """Compare every part with its manifest, and give what is wrong with those that do not fit."""
        for file in self._manifest_files():
            try:
                self._check(file)
            except DamagedError as error:
                yield error

    def mend(self, tell: Callable[[str], None]) -> None:
        """Withdraw the manifest of each part that is not what was written, so that it is fetched anew.

        Parameters
        ----------
        tell
            Called with a sentence about each of them.
        """
        for error in self.damaged():
            tell(f"{error.path} is damaged ({error.why}): it is fetched anew")
            # the rows stay until those that replace them are complete
            error.path.with_suffix(".json").unlink()
            self._complete(error.path.parent.name).unlink(missing_ok=True)
        for file in sorted(self.folder.glob("missing/*.parquet")):
            if sentence := Missing(file).mend():
                tell(sentence)
                self._complete(file.stem).unlink(missing_ok=True)

    def check_part(self, table: str, part: str) -> None:
        """Compare one part with its manifest.

        Raises
        ------
        DamagedError
            If it is not what was written.
        """
        self._check(self._manifest(table, part))

    def _check(self, file: Path) -> None:
        """Compare a part with its manifest."""
        manifest = _read_manifest(file)
        path = self._parquet(manifest.table, manifest.part)
        if path.with_suffix(".json") != file:
            raise DamagedError(file, f"it speaks of {manifest.table}/{manifest.part}", _REMEDY)
        if not path.is_file():
            raise DamagedError(path, "missing", _REMEDY)
        if file_hash(path) != manifest.sha256:
            raise DamagedError(path, "its sha256 is not the one in its manifest", _REMEDY)

    def _manifest_files(self) -> list[Path]:
        # <table>/<part>.json; jobs lie one folder deeper, the selection one higher
        return sorted(self.folder.glob("*/*.json"))

    def has_table(self, table: str) -> bool:
        """Whether any part of a table is complete."""
        return bool(self.parts(table))

    def parts(self, table: str) -> list[str]:
        """Return the names of the complete parts of a table, in order."""
        return [manifest.part for manifest in self.manifests() if manifest.table == table]

    def read(self, table: str, part: str, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a part."""
        return pq.read_table(self._parquet(table, part), columns=list(columns))

    def file(self, table: str, part: str) -> Path:
        """Return the Parquet file of a part."""
        return self._parquet(table, part)

    def write_not_given(self, table: str, empty: pa.Table, why: str) -> None:
        """Note that the selection does without a table: one part without rows.

        Parameters
        ----------
        table
            Name of the table.
        empty
            The table without rows, with all its columns.
        why
            What the manifest says in place of a query.
        """
        self.write(table, NOT_GIVEN, empty, why, "")

    def is_complete(self, table: str) -> bool:
        """Whether all parts of a table are here, so that the archive need not be asked how many there are."""
        return self._complete(table).is_file()

    def mark_complete(self, table: str) -> None:
        """Note that all parts of a table are here."""
        self._complete(table).touch()

    def missing(self, table: str) -> Missing:
        """Return the stars of a table that the archive was asked for and did not give."""
        return Missing(self.folder / "missing" / f"{table}.parquet")

    def jobs(self, table: str) -> Jobs:
        """Return the archive's jobs for a table that are not over."""
        return Jobs(self.folder / "jobs" / table)

    def note_selection(self, selection: Selection) -> None:
        """Keep what was asked of the archives."""
        write_record(self.folder / _SELECTION, selection.to_dict())

    def selection(self) -> Selection:
        """Return what was asked of the archives; everything, where nothing is noted."""
        path = self.folder / _SELECTION
        return Selection.from_dict(read_record(path, _REMEDY)) if path.is_file() else Selection()

    @property
    def downloads(self) -> Path:
        """Folder of files on their way; each goes when it was read."""
        return self.folder / "downloads"

    def _complete(self, table: str) -> Path:
        return self.folder / table / "complete"

    def _parquet(self, table: str, part: str) -> Path:
        return self.folder / table / f"{part}.parquet"

    def _manifest(self, table: str, part: str) -> Path:
        return self.folder / table / f"{part}.json"


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest(**read_record(path, _REMEDY))
    except TypeError as error:
        raise DamagedError(path, f"a field is missing or unknown: {error}", _REMEDY) from error


def _write_parquet(path: Path, data: pa.Table | pa.RecordBatchReader) -> int:
    """Write rows and return how many there were."""
    if isinstance(data, pa.Table):
        pq.write_table(data, path, compression="zstd", compression_level=1)
        return int(data.num_rows)
    num_rows = 0
    with pq.ParquetWriter(path, data.schema, compression="zstd", compression_level=1) as writer:
        for batch in data:
            writer.write_batch(batch)
            num_rows += batch.num_rows
    return num_rows


def _link_or_copy(source: Path, target: Path) -> None:
    """Let a part lie under a second name: parts never change, so that both may be one file."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


@contextmanager
def explain_full_disk(landing: Landing) -> Iterator[None]:
    """Say in one sentence that the disk is full; what is complete stays.

    Raises
    ------
    StellarError
        If the disk or the quota is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StellarError(
            f"there is no space left for the landing {landing.folder}; make room and run again, the parts that are "
            "complete stay"
        ) from error
