"""Tables in the formats of the field: a file becomes a relation of DuckDB, a relation becomes a file."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import duckdb

from stellarfm.atomic import fresh_file
from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.sql_text import identifier, literal

ROW = "__row__"
"""Column of a numbered table: a whole number that no other row has, growing in the order of the file."""

READABLE = (".parquet (a file, a folder or a pattern)", ".csv", ".csv.gz", ".tsv", ".fits", ".vot",
            ".duckdb (file.duckdb#table)")  # fmt: skip
WRITABLE = (".parquet", ".csv", ".csv.gz", ".fits", ".vot", ".duckdb")

_FITS = {".fits", ".fit", ".fts"}
_VOTABLE = {".vot", ".votable", ".xml"}
_DUCKDB = {".duckdb", ".db", ".ddb"}
_TEXT = {".csv", ".tsv"}
_PARQUET = {".parquet", ".pq"}
_COPY_PARQUET = "format parquet, compression snappy, dictionary_size_limit 1000"
"""Dictionaries only for columns of few values: looking for them in every column doubles the time of writing."""

_LARGE_GROUP = 250_000
"""Rows of a Parquet row group that are worth sharing among cores."""


def open_table(con: duckdb.DuckDBPyConnection, address: str | Path, name: str, *, as_written: bool = False) -> str:
    """Make a file known to a connection and return what stands after ``from``.

    Parameters
    ----------
    con
        Connection to make the table known to.
    address
        A Parquet, CSV, FITS, VOTable or DuckDB file, or a folder or pattern of Parquet files; ``file.duckdb#table``
        names one of several tables, ``file.fits#2`` an extension.
    name
        A name for it that the connection does not use yet.
    as_written
        Whether all columns of CSV are text: leading zeros stay, and who casts them sees what cannot be cast.

    Raises
    ------
    StellarError
        If there is no such file, or it is not a table.
    """
    return _guarded(con, address, name, numbered=False, as_written=as_written)


def open_numbered(con: duckdb.DuckDBPyConnection, address: str | Path, name: str) -> str:
    """Make a file known as `open_table` does, with one more column, `ROW`, that numbers its rows.

    Text is parsed once, into a temporary table; everything else is read where it lies. Beside the relation `name` there
    is one with ``_shared`` behind its name, the same rows in any order, which all cores can read at once.

    Raises
    ------
    StellarError
        If there is no such file, or it is not a table.
    """
    return _guarded(con, address, name, numbered=True)


def _guarded(
    con: duckdb.DuckDBPyConnection, address: str | Path, name: str, *, numbered: bool, as_written: bool = False
) -> str:
    text, _, part = str(address).partition("#")
    path = Path(text)
    if not path.is_file() and not _parquet_files(path):
        raise StellarError(f"there is no table {path}; name a file that is there ({', '.join(READABLE)})")
    try:
        relation = _open(con, path, part, name, numbered=numbered, as_written=as_written)
        if numbered:
            _view_shared(con, path, name)
        return relation
    except (duckdb.Error, OSError, ValueError, TypeError, IndexError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise StellarError(
            f"{path} cannot be read as a table ({first}); it may be cut short or of another kind"
        ) from error


def _open(con: duckdb.DuckDBPyConnection, path: Path, part: str, name: str, *, numbered: bool, as_written: bool) -> str:
    suffix = _suffix(path)
    if suffix in _DUCKDB:
        return _open_duckdb(con, path, part, name, numbered=numbered)
    if suffix in _PARQUET or not path.is_file():
        files = _parquet_files(path) or [path]
        # 40 bits for the row within its file, those above for the file: unique, and growing in the order of the files
        number = "file_row_number" if len(files) == 1 else "(file_index << 40) | file_row_number"
        columns = f"*, {number} as {ROW}" if numbered else "*"
        con.execute(f"create temp view {name} as select {columns} from {_scan(files)}")
    elif suffix in _TEXT and numbered:
        con.execute(
            # parsed once: numbers would have to be counted again, in one thread, with every reading
            f"create temp table {name} as select row_number() over () - 1 as {ROW}, * from read_csv({literal(path)})"
        )
    elif suffix in _TEXT:
        options = ", all_varchar = true" if as_written else ""
        con.execute(f"create temp view {name} as from read_csv({literal(path)}{options})")
    elif suffix in _FITS | _VOTABLE:
        _register(con, path, part, name, numbered=numbered)
    else:
        raise StellarError(f"{path} has an unknown format; known are {', '.join(READABLE)}")
    return name


def _scan(files: list[Path]) -> str:
    return f"read_parquet([{', '.join(map(literal, files))}])"


def _view_shared(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Make the view of the same rows that may be read in slices, because a Parquet row group is the work of one core."""
    cuts = _cuts(con, path) if _suffix(path) in _PARQUET and path.is_file() else []
    whole = f"select *, file_row_number as {ROW} from {_scan([path])}"
    slices = [f"{whole} where file_row_number >= {low} and file_row_number < {high}" for low, high in pairwise(cuts)]
    con.execute(f"create temp view {name}_shared as {' union all '.join(slices) or f'from {name}'}")


def _cuts(con: duckdb.DuckDBPyConnection, file: Path) -> list[int]:
    """Return where to cut a file of few and large row groups so that every core has its share, else nothing."""
    rows, groups = con.execute(
        "select num_rows, num_row_groups from parquet_file_metadata($file)", {"file": str(file)}
    ).fetchall()[0]
    threads = int(con.execute("select current_setting('threads')").fetchall()[0][0])
    # enough groups for all cores, or so few rows that a slice costs more than it saves
    if groups >= threads or rows / groups < _LARGE_GROUP:
        return []
    return [rows * i // threads for i in range(threads)] + [rows]


def _register(con: duckdb.DuckDBPyConnection, path: Path, part: str, name: str, *, numbered: bool) -> None:
    """Read FITS or VOTable; units, UCDs and descriptions become comments on the columns."""
    import pyarrow as pa

    from stellarfm.fits_votable import read_file

    table, fields = read_file(path, "fits" if _suffix(path) in _FITS else "votable", part)
    if numbered:
        table = table.append_column(ROW, pa.array(range(len(table)), pa.int64()))
    con.register(name, table)
    for column, field in fields.items():
        # a comment of DuckDB is the one place beside a relation's values; JSON, read back by `fields_of`
        if any(asdict(field).values()):
            con.execute(f"comment on column {name}.{identifier(column)} is {literal(json.dumps(asdict(field)))}")


def keeps_fields(target: Path) -> bool:
    """Whether a file of this suffix can say what its columns are: units, UCDs, descriptions."""
    return _suffix(target) in _FITS | _VOTABLE


def fields_of(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Field]:
    """Return what is known of the columns of an opened table beside their values: units, UCDs, descriptions.

    Parameters
    ----------
    con
        Connection that the table was opened on.
    name
        Name that it was opened under.
    """
    found = con.execute(
        "select column_name, comment from duckdb_columns() where table_name = $name and comment like '{%'",
        {"name": name},
    ).fetchall()
    return {column: Field(**json.loads(comment)) for column, comment in found}


def _parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files of a folder or a pattern, in the order of their names."""
    if path.is_dir():
        # _metadata, _SUCCESS and the like are bookkeeping of those who wrote the folder
        return sorted(file for file in path.rglob("*.parquet") if not file.name.startswith(("_", ".")))
    if any(sign in str(path) for sign in "*?["):
        anchor = Path(path.anchor) if path.anchor else Path()
        return sorted(anchor.glob(str(path.relative_to(path.anchor)) if path.anchor else str(path)))
    return []


def _open_duckdb(con: duckdb.DuckDBPyConnection, path: Path, part: str, name: str, *, numbered: bool) -> str:
    """Attach a database, once however often it is named, and find the table."""
    # DuckDB refuses to attach one file twice
    known = con.execute(
        "select database_name from duckdb_databases() where path = $path", {"path": str(path.resolve())}
    ).fetchall()
    database = known[0][0] if known else f"{name}_file"
    if not known:
        con.execute(f"attach {literal(path.resolve())} as {database} (read_only)")
    tables = con.execute(
        "select table_schema, table_name, table_type = 'BASE TABLE' from information_schema.tables "
        "where table_catalog = $name order by all",
        {"name": database},
    ).fetchall()
    wanted = [t for t in tables if part in (t[1], f"{t[0]}.{t[1]}") or not part]
    if len(wanted) > 1:
        # one name in several schemas: main, as DuckDB itself would take it
        wanted = [t for t in wanted if part and t[0] == "main"]
    if len(wanted) != 1:
        names = ", ".join(f"{schema}.{table}" for schema, table, _ in tables)
        raise StellarError(f"{path} holds the tables {names or 'none'}; name one as {path}#TABLE")
    schema, table, has_rowid = wanted[0]
    relation = f"{database}.{identifier(schema)}.{identifier(table)}"
    if not numbered:
        return relation
    # a view has no rowid
    row = "rowid" if has_rowid else "row_number() over () - 1"
    con.execute(f"create temp view {name} as select *, {row} as {ROW} from {relation}")
    return name


def write_table(
    con: duckdb.DuckDBPyConnection, relation: str, target: Path, fields: Mapping[str, Field] | None = None
) -> int:
    """Write a relation to a file in the format of its suffix, in one step, and return its number of rows.

    Parameters
    ----------
    con
        Connection that knows the relation.
    relation
        What stands after ``from``.
    target
        The file; one that is there is replaced. In a DuckDB file the table is called ``rows``.
    fields
        Units, UCDs and descriptions of columns, for FITS and VOTable.

    Raises
    ------
    StellarError
        If the format is unknown or the file cannot be written.
    """
    suffix = _suffix(target)
    if suffix not in {*_PARQUET, *_TEXT, *_FITS, *_VOTABLE, *_DUCKDB} or (_is_zipped(target) and suffix not in _TEXT):
        raise StellarError(f"{target} has an unknown format; known are {', '.join(WRITABLE)}")
    try:
        with fresh_file(target) as path:
            return _write(con, relation, path, target, fields or {})
    except OSError as error:
        raise StellarError(f"{target} cannot be written ({error.strerror or error}); choose another place") from error


def _write(con: duckdb.DuckDBPyConnection, relation: str, path: Path, target: Path, fields: Mapping[str, Field]) -> int:
    suffix = _suffix(target)
    if suffix in _PARQUET:
        return _count(con, f"copy (from {relation}) to {literal(path)} ({_COPY_PARQUET})")
    if suffix in _TEXT:
        delimiter, zipped = "," if suffix == ".csv" else "\t", "gzip" if _is_zipped(target) else "none"
        options = f"header, delimiter {literal(delimiter)}, compression {zipped}"
        return _count(con, f"copy (from {relation}) to {literal(path)} (format csv, {options})")
    if suffix in _DUCKDB:
        # readable by every DuckDB since 1.0; the default of 2.0 is not
        con.execute(f"attach {literal(path)} as target_file (storage_version 'v1.0.0')")
        try:
            return _count(con, f"create table target_file.main.rows as from {relation}")
        finally:
            con.execute("detach target_file")
    from stellarfm.fits_votable import write_file

    return write_file(con, relation, path, "fits" if suffix in _FITS else "votable", fields)


def _count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(con.execute(statement).fetchall()[0][0])


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format, in lower case, without that of a compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if _is_zipped(path):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _is_zipped(path: Path) -> bool:
    return path.suffix.lower() == ".gz"
