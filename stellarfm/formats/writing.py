"""A relation becomes a file: every table for a person goes out here, whatever its format."""

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

import duckdb

from stellarfm.atomic import fresh_file
from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.databases import write_database
from stellarfm.formats.kinds import WRITABLE, is_zipped, suffix_of, writable_kind
from stellarfm.formats.opened import Opened
from stellarfm.formats.parquet import write_parquet
from stellarfm.formats.paths import find, is_same_place
from stellarfm.formats.storable import storable_columns
from stellarfm.formats.text import NULL_WORDS
from stellarfm.sql_text import identifier, literal

_KEPT = "rows_to_write"
_BLOCK_BYTES = 65_536
"""Less than this is no space: a file system gives it out in blocks."""


def check_output(target: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse an output that cannot be written, before the work that fills it.

    Parameters
    ----------
    target
        The file that is to be written.
    inputs
        Addresses of the tables that are read.

    Raises
    ------
    StellarError
        If its format is unknown, it is a folder, its folder cannot be made or written, nothing fits there, or it is one of the
        inputs.
    """
    if not writable_kind(target):
        raise StellarError(f"{target} has an unknown format; known are {', '.join(WRITABLE)}")
    if target.is_dir():
        raise StellarError(f"{target} is a folder; name a file to write")
    for address in inputs:
        if is_same_place(target, find(address)):
            raise StellarError(f"{target} is itself read here ({address}); write to another file, or it would be lost")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # asked of the system itself: rights, read-only file systems and quotas all have their say
        with TemporaryFile(dir=target.parent):
            pass
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if shutil.disk_usage(target.parent).free < _BLOCK_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise _not_written(target, error) from error


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
        Units, UCDs and descriptions of columns; text alone has no place for them.

    Raises
    ------
    StellarError
        If the format is unknown, or cannot hold a value, or the file cannot be written.
    """
    check_output(target)
    try:
        with fresh_file(target) as path:
            return _write(con, relation, path, target, dict(fields or {}))
    except OSError as error:
        raise _not_written(target, error) from error
    except duckdb.IOException as error:
        no_space = os.strerror(errno.ENOSPC)
        first = no_space if no_space in str(error) else str(error).splitlines()[0]
        raise StellarError(f"{target} cannot be written ({first}); make room or choose another place") from error


def _not_written(target: Path, error: OSError) -> StellarError:
    reason = error.strerror or str(error)
    # astropy says only how many bytes were written
    if not error.strerror and target.parent.is_dir() and shutil.disk_usage(target.parent).free < _BLOCK_BYTES:
        reason = os.strerror(errno.ENOSPC)
    return StellarError(f"{target} cannot be written ({reason}); make room or choose another place")


def _write(con: duckdb.DuckDBPyConnection, relation: str, path: Path, target: Path, fields: dict[str, Field]) -> int:
    match writable_kind(target):
        case "parquet":
            return write_parquet(con, relation, path, fields)
        case "text":
            return _write_text(con, relation, path, target)
        case "duckdb":
            return write_database(con, relation, path, fields)
    # looked at several times: widths of text, numbers that are free to stand for NULL
    con.execute(f"create or replace temp table {_KEPT} as from {relation}")
    try:
        return _write_kept(con, path, writable_kind(target), fields)
    finally:
        con.execute(f"drop table {_KEPT}")


def _write_kept(con: duckdb.DuckDBPyConnection, path: Path, kind: str, fields: dict[str, Field]) -> int:
    if kind == "fits":
        from stellarfm.formats.fits_writing import write_fits

        return write_fits(con, _KEPT, path, fields)
    from stellarfm.formats.votable_writing import write_votable

    return write_votable(con, _KEPT, path, fields)


def _write_text(con: duckdb.DuckDBPyConnection, relation: str, path: Path, target: Path) -> int:
    delimiter, zipped = "\t" if suffix_of(target) == ".tsv" else ",", "gzip" if is_zipped(target) else "none"
    in_quotes = _like_null(con, relation)
    quotes = f", force_quote ({', '.join(in_quotes)})" if in_quotes else ""
    options = f"format csv, header, delimiter {literal(delimiter)}, compression {zipped}{quotes}"
    return int(con.execute(f"copy (from {relation}) to {literal(path)} ({options})").fetchall()[0][0])


def _like_null(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Return the columns of text that have a word for NULL as a value; in quotes it is text when it is read."""
    described = con.execute(f"describe from {relation}").fetchall()
    texts = [identifier(name) for name, kind, *_ in described if kind == "VARCHAR"]
    if not texts:
        return []
    words = ", ".join(literal(word) for word in NULL_WORDS if word)
    found = con.execute(
        f"select {', '.join(f'bool_or({text} in ({words}))' for text in texts)} from {relation}"
    ).fetchall()
    return [text for text, has in zip(texts, found[0], strict=True) if has]


def refuse_unwritable(con: duckdb.DuckDBPyConnection, table: Opened, target: Path) -> None:
    """Refuse a table that the format of an output cannot hold, before the work that would fill it.

    Parameters
    ----------
    con
        Connection that knows the table.
    table
        One whose rows may all be in the output.
    target
        The file that is to be written.

    Raises
    ------
    StellarError
        If it is FITS, and a name or a text is not ASCII, or a type has no place in FITS or VOTable.
    """
    kind = writable_kind(target)
    if kind in ("fits", "votable") and table.columns:
        columns = storable_columns(con, f"(select {', '.join(map(identifier, table.columns))} from {table.relation})")
        if kind == "fits":
            from stellarfm.formats.fits_writing import refuse_text

            refuse_text(con, table.relation, columns)
