"""Text becomes a table whose types hold for all rows."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from stellarfm.errors import StellarError
from stellarfm.formats.arrays import numbers_in_text
from stellarfm.formats.column_types import TO_SETTLE, cast, first_types, selected, settle
from stellarfm.formats.ecsv import EcsvColumn
from stellarfm.formats.opened import ROW, Opened, named
from stellarfm.formats.text import TextFile, look_at, not_utf8
from stellarfm.sql_text import identifier

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def open_text(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, *, numbered: bool, as_written: bool = False
) -> Opened:
    """Make a CSV, TSV or ECSV file known to a connection.

    Parameters
    ----------
    con
        The connection.
    path
        The file.
    name
        Name of the temporary view, or of the table if it is numbered.
    numbered
        Whether the rows get a number; the file is parsed once then, into a table.
    as_written
        Whether all columns stay text.

    Raises
    ------
    StellarError
        If the file is not in UTF-8, or a row has more or fewer values than there are names.
    """
    file = look_at(path)
    fields = {there: about.field for there, about in file.described.items()}
    opened = named(name, str(path), file.names, fields)
    text = dict.fromkeys(opened.columns, "VARCHAR")
    with explained(path):
        if as_written:
            con.execute(f"create temp view {name} as from {file.reader(text)}")
            return opened
        types = _described(opened, file.described)
        types |= first_types(con, file.reader(text), [column for column in text if column not in types])
        types = {column: types[column] for column in text}
        try:
            _make(con, file, name, types, numbered)
        except duckdb.ConversionException:
            # a word among the numbers of a later row: all columns are looked at in full
            con.execute(f"drop table if exists {name}")
            _make(con, file, name, dict.fromkeys(text, TO_SETTLE), numbered)
    return opened


def _described(opened: Opened, described: Mapping[str, EcsvColumn]) -> dict[str, str]:
    """Return the types that a header states and the reader of numbers keeps."""
    stated = {here: described[there].type for here, there in opened.columns.items() if there in described}
    return {here: kind for here, kind in stated.items() if kind}


def _make(con: duckdb.DuckDBPyConnection, file: TextFile, name: str, types: Mapping[str, str], numbered: bool) -> None:
    """Make the view or the table."""
    unsettled = [column for column, kind in types.items() if kind == TO_SETTLE]
    arrays = [column for column, kind in types.items() if kind == "LIST"]
    read = file.reader({c: "VARCHAR" if c in unsettled or c in arrays else kind for c, kind in types.items()})
    if numbered:
        con.execute(f"create temp table {name} as select row_number() over () - 1 as {ROW}, * from {read}")
        for column, kind in settle(con, name, unsettled).items():
            if kind != "VARCHAR":
                con.execute(f"alter table {name} alter {identifier(column)} type {kind} using {cast(column, kind)}")
        for column in arrays:
            con.execute(
                f"alter table {name} alter {identifier(column)} type double[] using {numbers_in_text(identifier(column))}"
            )
        return
    settled = settle(con, read, unsettled)
    # parsed once here, so that a word among numbers, or a letter that is none, is met before the first row is used
    others = [column for column in types if column not in settled]
    if others:
        con.execute(f"select {', '.join(f'count({identifier(c)})' for c in others)} from {read}").fetchall()
    listed = selected(types, settled, {column: numbers_in_text(identifier(column)) for column in arrays})
    con.execute(f"create temp view {name} as select {listed} from {read}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in a sentence what DuckDB says of a text file on a page.

    Raises
    ------
    StellarError
        If the file is not in UTF-8, or a row has more or fewer values than there are names.
    """
    try:
        yield
    except duckdb.InvalidInputException as error:
        text = str(error)
        line = _LINE.search(text)
        where = f" (line {line[1]})" if line else ""
        if "utf-8" in text.lower() or "unicode" in text.lower():
            raise not_utf8(path, where) from error
        if counts := _COUNTS.search(text):
            raise StellarError(
                f"{path}: the row in line {line[1] if line else '?'} has {counts[2]} values for {counts[1]} columns; mend it"
            ) from error
        raise
