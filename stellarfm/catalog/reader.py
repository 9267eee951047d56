"""Reading releases: find one, query it, compare two, verify one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.atomic import file_hash
from stellarfm.catalog.answer import Answer, refusal
from stellarfm.catalog.release import CATALOG_FILE, MANIFEST_FILE, Release
from stellarfm.database import interrupted_after, open_private
from stellarfm.errors import StellarError

LATEST = "latest"
MEMORY_LIMIT = "2GB"
"""What a query may take; beyond it DuckDB spills to disk."""

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
        con = self.connect(memory_limit=memory_limit)
        try:
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
        """Return one star by its Gaia DR3 source identifier, None if it is not in the release."""
        found = self.query("select * from stars where source_id = $source_id", {"source_id": int(source_id)})
        row = found.fetchone()
        return dict(zip(found.columns, row, strict=True)) if row else None

    def verify(self) -> None:
        """Compare every file with the hash it was published with.

        Raises
        ------
        StellarError
            If a file is missing or differs.
        """
        for name, expected in self.release.files.items():
            path = self.folder / name
            if not path.is_file() or file_hash(path) != expected:
                raise StellarError(
                    f"{path} is not the file that was published; delete the folder and run `stellarfm publish` again"
                )


def list_catalogs(releases: Path) -> list[Catalog]:
    """Return the releases of a home, the newest first."""
    # the manifest is written last, so that a folder without one is no release
    folders = [path.parent for path in releases.glob(f"r*/{MANIFEST_FILE}")]
    # by number: r10 stands before r9 in the order of names
    return [_read(folder) for folder in sorted(folders, key=lambda folder: -_number(folder.name))]


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
        If there is none.
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
    data = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    return Catalog(folder, Release(**data))


def _number(version: str) -> int:
    digits = version.split("-")[0].removeprefix("r")
    return int(digits) if digits.isdigit() else 0
