"""Reading releases: find one, query it, compare two, verify one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.catalog.answer import DAMAGED, Answer, refusal
from stellarfm.catalog.release import CATALOG_FILE, MANIFEST_FILE, Release
from stellarfm.database import MEMORY_LIMIT, interrupted_after, open_private
from stellarfm.errors import StellarError
from stellarfm.integrity import DamagedError, FileSum, is_damage, read_record

LATEST = "latest"
# PIVOT is several statements to DuckDB
_QUERIES = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)


@dataclass(frozen=True)
class Catalog:
    """One release, open for reading.

    Attributes
    ----------
    folder
        Its folder.
    release
        What its manifest says.
    """

    folder: Path
    release: Release

    def connect(self, *, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
        """Return a read-only connection to the release; reading it never looks outside the file.

        Parameters
        ----------
        memory_limit
            What DuckDB may take before it spills to disk, e.g. ``1GB``.

        Raises
        ------
        StellarError
            If the file cannot be opened with that limit.
        """
        file = self.folder / CATALOG_FILE
        try:
            return open_private(file, "catalog", memory_limit=memory_limit)
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            if is_damage(error):
                raise DamagedError(file, first, DAMAGED) from error
            raise StellarError(f"{file} cannot be opened with a memory limit of {memory_limit} ({first})") from error

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        memory_limit: str = MEMORY_LIMIT,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return the answer to a query: ``.df()``, ``.arrow()``, ``.pl()``, ``.fetchall()``, or row by row.

        Parameters
        ----------
        sql
            One query in DuckDB's SQL.
        parameters
            Values for its ``$name``.
        memory_limit
            What DuckDB may take before it spills to disk, e.g. ``1GB``.
        timeout_s
            How long each reading of the answer may take; as long as it wants if not given.

        Raises
        ------
        StellarError
            If it is not one query, or DuckDB refuses it; the message is DuckDB's.
        """
        try:
            con = self.connect(memory_limit=memory_limit)
            statements = con.extract_statements(sql)
            if len(statements) != 1:
                wrong = f"holds {len(statements)} queries" if statements else "is empty"
                raise StellarError(f"the query {wrong}; give one")
            if statements[0].type not in _QUERIES:
                raise StellarError(
                    f"the catalogue refused the query: it is {statements[0].type.name}, and may only read"
                )
            with interrupted_after(con, timeout_s):
                relation = con.sql(statements[0], params=dict(parameters) if parameters else None)
        except duckdb.Error as error:
            raise refusal(error, timeout_s) from error
        if relation is None:
            raise StellarError("the query gives no table; it may only read")
        # the answer holds its connection: it can be read for as long as somebody has it
        return Answer(relation, con, timeout_s)

    def star(self, source_id: int) -> dict[str, Any] | None:
        """Return one star by its Gaia source identifier, None if it is not in the release."""
        found = self.query("select * from stars where source_id = $source_id", {"source_id": int(source_id)})
        row = found.fetchone()
        return dict(zip(found.columns, row, strict=True)) if row else None

    def verify(self, *, whole: bool = True) -> None:
        """Compare every file with the hash it was published with.

        Parameters
        ----------
        whole
            Read every byte; otherwise of a large file the size and some blocks, see `FileSum.difference`.

        Raises
        ------
        DamagedError
            If a file is missing or differs.
        """
        for name, sha256 in self.release.files.items():
            path = self.folder / name
            size = path.stat().st_size if path.is_file() else 0
            published = self.release.sums.get(name, {"size_bytes": size, "sha256": sha256, "blocks": ()})
            if difference := FileSum.from_dict(published).difference(path, whole=whole):
                raise DamagedError(path, difference, DAMAGED)


def list_catalogs(releases: Path) -> list[Catalog]:
    """Return the releases of a home, the newest first; one whose manifest is damaged is among the `hidden_releases`."""
    return [found for found in map(_try, release_folders(releases)) if isinstance(found, Catalog)]


def hidden_releases(releases: Path) -> list[DamagedError]:
    """Return what is wrong with each release that `list_catalogs` leaves out, the newest first."""
    return [found for found in map(_try, release_folders(releases)) if isinstance(found, DamagedError)]


def release_folders(releases: Path) -> list[Path]:
    """Return the folders of all releases, damaged ones too, the newest first."""
    # by number: r10 stands before r9 in the order of names
    folders = (path for path in releases.glob("r*-*") if path.is_dir())
    return sorted(folders, key=lambda folder: -release_number(folder.name))


def _try(folder: Path) -> Catalog | DamagedError:
    try:
        return _read(folder)
    except DamagedError as error:
        return error


def open_catalog(path: Path, version: str = LATEST) -> Catalog:
    """Open a release.

    Parameters
    ----------
    path
        A home, its ``releases`` folder or one release's folder.
    version
        Name of the release; the latest by default.

    Raises
    ------
    StellarError
        If there is none, or its manifest is damaged.
    """
    if ((folder := path.resolve()) / MANIFEST_FILE).is_file():
        return _read(folder)
    releases = path / "releases" if (path / "releases").is_dir() else path
    # resolved once, before anything is read: `latest` may point to another release in the next moment
    folder = (releases / version).resolve()
    if not (folder / MANIFEST_FILE).is_file():
        known = ", ".join(catalog.release.version for catalog in list_catalogs(releases)) or "none yet"
        raise StellarError(
            f"there is no release {version!r} in {releases} (releases: {known}); `stellarfm run` makes one"
        )
    return _read(folder)


def _read(folder: Path) -> Catalog:
    try:
        return Catalog(folder, Release(**read_record(folder / MANIFEST_FILE, DAMAGED)))
    except TypeError as error:
        raise DamagedError(folder / MANIFEST_FILE, f"a field is missing or unknown: {error}", DAMAGED) from error


def release_number(version: str) -> int:
    """Return the number in the name of a release, 0 where there is none."""
    digits = version.split("-")[0].removeprefix("r")
    return int(digits) if digits.isdigit() else 0
