"""Tables in the formats of the field: a file becomes a relation of DuckDB, a relation becomes a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from stellarfm.atomic import fresh_file
from stellarfm.errors import StellarError

if TYPE_CHECKING:
    import pyarrow as pa

_FITS = {".fits", ".fit", ".fts"}
_VOTABLE = {".vot", ".votable", ".xml"}
_DUCKDB = {".duckdb", ".db"}
READABLE = (".parquet", ".csv", ".csv.gz", ".fits", ".vot", ".duckdb (file.duckdb#table)")
WRITABLE = (".parquet", ".csv", ".fits", ".vot", ".duckdb")


def open_table(con: duckdb.DuckDBPyConnection, address: str | Path, name: str) -> str:
    """Make a file known to a connection and return what stands after ``from``.

    Parameters
    ----------
    con
        Connection to make the table known to.
    address
        A Parquet, CSV, FITS, VOTable or DuckDB file; ``file.duckdb#table`` names one of several tables.
    name
        A name for it that the connection does not use yet.

    Raises
    ------
    StellarError
        If there is no such file, or it is not a table.
    """
    text, _, table = str(address).partition("#")
    path = Path(text)
    if not path.is_file():
        raise StellarError(f"there is no table {path}; name a file that is there ({', '.join(READABLE)})")
    try:
        return _open(con, path, table, name)
    except (duckdb.Error, OSError, ValueError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise StellarError(
            f"{path} cannot be read as a table ({first}); it may be cut short or of another kind"
        ) from error


def _open(con: duckdb.DuckDBPyConnection, path: Path, table: str, name: str) -> str:
    suffix = _suffix(path)
    if suffix in _DUCKDB:
        return _attach(con, path, table, name)
    if suffix == ".parquet":
        con.read_parquet(str(path)).create_view(name)
    elif suffix in (".csv", ".tsv"):
        con.read_csv(str(path)).create_view(name)
    elif suffix in _FITS | _VOTABLE:
        con.register(name, _read_astropy(path, "fits" if suffix in _FITS else "votable"))
    else:
        raise StellarError(f"{path} has an unknown format; known are {', '.join(READABLE)}")
    return name


def _attach(con: duckdb.DuckDBPyConnection, path: Path, table: str, name: str) -> str:
    con.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name}_file (read_only)")
    known = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = $name order by all",
        {"name": f"{name}_file"},
    ).fetchall()
    names = [row[0] for row in known]
    wanted = table if "." in table else f"main.{table}"
    if not table and len(names) == 1:
        wanted = names[0]
    if wanted not in names:
        raise StellarError(f"{path} holds the tables {', '.join(names) or 'none'}; name one as {path}#TABLE")
    return f"{name}_file.{wanted}"


def _read_astropy(path: Path, kind: str) -> "pa.Table":
    """Read a FITS or VOTable file; masked values become NULL, array columns lists."""
    from astropy.table import Table

    return from_astropy(Table.read(path, format=kind))


def from_astropy(table: Any) -> "pa.Table":
    """Return an astropy table as one of Arrow."""
    import pyarrow as pa

    return pa.table({name: _to_arrow(table[name]) for name in table.colnames})


def _to_arrow(column: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    values = np.ma.asarray(column)
    data = np.asarray(values.data)
    if data.dtype.byteorder == ">":
        data = data.astype(data.dtype.newbyteorder("="))
    if data.ndim > 1:
        return pa.array(list(data.reshape(len(data), -1)))
    if data.dtype.kind == "S":
        data = np.char.decode(data, "utf-8", "replace")
    mask = np.ma.getmaskarray(values)
    return pa.array(data.tolist() if data.dtype.kind in "UO" else data, mask=mask if mask.any() else None)


def write_table(con: duckdb.DuckDBPyConnection, relation: str, target: Path) -> int:
    """Write a relation to a file in the format of its suffix, in one step, and return its number of rows.

    Raises
    ------
    StellarError
        If the format is unknown or the file cannot be written.
    """
    suffix = _suffix(target)
    if suffix not in {".parquet", ".csv", *_FITS, *_VOTABLE, *_DUCKDB}:
        raise StellarError(f"{target} has an unknown format; known are {', '.join(WRITABLE)}")
    try:
        with fresh_file(target) as path:
            return _write(con, relation, path, suffix)
    except OSError as error:
        raise StellarError(f"{target} cannot be written ({error.strerror or error}); choose another place") from error


def _write(con: duckdb.DuckDBPyConnection, relation: str, path: Path, suffix: str) -> int:
    where = f"'{str(path).replace(chr(39), chr(39) * 2)}'"
    if suffix in (".parquet", ".csv"):
        option = (
            "format parquet, compression zstd, compression_level 1" if suffix == ".parquet" else "format csv, header"
        )
        return int(con.execute(f"copy (from {relation}) to {where} ({option})").fetchall()[0][0])
    if suffix in _DUCKDB:
        con.execute(f"attach {where} as target_file (storage_version 'v1.0.0')")
        con.execute(f"create table target_file.main.rows as from {relation}")
        count = int(con.execute("select count(*) from target_file.main.rows").fetchall()[0][0])
        con.execute("detach target_file")
        return count
    return _write_astropy(con, relation, path, "fits" if suffix in _FITS else "votable")


def _write_astropy(con: duckdb.DuckDBPyConnection, relation: str, path: Path, kind: str) -> int:
    import numpy as np
    from astropy.table import MaskedColumn, Table

    rows = con.sql(f"from {relation}").to_arrow_table()
    table = Table()
    for name in rows.column_names:
        column = rows[name].combine_chunks()
        values = column.to_numpy(zero_copy_only=False)
        mask = column.is_null().to_numpy(zero_copy_only=False)
        if values.dtype.kind == "O":
            values = np.array([("" if v is None else v) for v in values])
        elif column.null_count:
            values = np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False))
        table[name] = MaskedColumn(values, mask=mask) if mask.any() else values
    table.write(path, format=kind, overwrite=True)
    return len(table)


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format, in lower case, without that of a compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
