"""A table as a vocabulary reads it: in its units, arrays out of text, and without the numbers that stand for none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from stellarfm.errors import StellarError
from stellarfm.formats.arrays import looks_like_array, numbers_in_text
from stellarfm.formats.fill_values import find_fills, say_fills, without_fills
from stellarfm.formats.opened import Opened
from stellarfm.formats.units import converted
from stellarfm.sql_text import identifier
from stellarfm.surveys.units import unit_of
from stellarfm.vocabulary import Vocabulary

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class _Needs:
    """What a vocabulary asks of the columns that a table has: their units, and how many numbers an array must hold."""

    units: Mapping[str, str]
    lengths: Mapping[str, int]


def as_measured(con: duckdb.DuckDBPyConnection, table: Opened, vocabulary: Vocabulary) -> Opened:
    """Return a table with the columns that a vocabulary mentions as it reads them, and notes on what was done.

    Parameters
    ----------
    con
        Connection that knows the table.
    table
        The table.
    vocabulary
        Its tokens say which columns are read.

    Raises
    ------
    StellarError
        If a unit cannot be converted, a text is no array, or an array has another length than is needed.
    """
    types = {row[0]: row[1] for row in con.execute(f"describe from {table.relation}").fetchall()}
    needs = _needs(vocabulary, list(types))
    changed = _arrays(con, table, {name: types[name] for name in needs.units}, needs.lengths)
    units = {name: unit for name, unit in needs.units.items() if unit and name != vocabulary.identifier}
    numbers = {
        name: unit
        for name, unit in needs.units.items()
        if types[name].split("(")[0] in _NUMBERS
        and not types[name].endswith("]")
        and name.lower() != vocabulary.identifier.lower()
    }
    fills = find_fills(con, table.relation, numbers)
    filled = {fill.column: without_fills(fill.column, fills) for fill in fills}
    table = _replaced(con, table, {**changed, **filled}, "known")
    in_units = converted(table.fields, units, table.called)
    table = _replaced(con, table, in_units, "converted")
    notes = [f"{table.called}: {name} is converted from {table.units[name]} to {units[name]}" for name in in_units]
    return table.noting(*notes, *([say_fills(fills, table.called)] if fills else []))


def _needs(vocabulary: Vocabulary, columns: Sequence[str]) -> _Needs:
    """Return the columns that tokens are called like or computed from."""
    named: dict[str, str] = {}
    lengths: dict[str, int] = {}
    words: set[str] = set()
    for token in vocabulary.tokens:
        words |= {token.name, f"{token.name}_error", *re.findall(r"\w+", f"{token.value} {token.error}")}
        named |= {token.name: token.unit, f"{token.name}_error": token.unit}
        if token.element is None:
            # a column alone is in the unit of its token
            named |= {column: token.unit for column in (token.value, token.error) if column.isidentifier()}
        else:
            for column in (token.value, token.error):
                lengths[column.lower()] = max(lengths.get(column.lower(), 0), token.element + 1)
    known, lower = {word.lower() for word in words}, {name.lower(): unit for name, unit in named.items()}
    found = [name for name in columns if name.lower() in known]
    units = {name: lower[name.lower()] if name.lower() in lower else unit_of(name) or "" for name in found}
    return _Needs(units, {name: lengths[name.lower()] for name in found if name.lower() in lengths})


def _arrays(
    con: duckdb.DuckDBPyConnection, table: Opened, types: Mapping[str, str], lengths: Mapping[str, int]
) -> dict[str, str]:
    """Return the arrays that are text as SQL, and refuse those that cannot be read."""
    found = {}
    for name, kind in types.items():
        quoted = identifier(name)
        if kind == "VARCHAR" and _holds_arrays(con, table, quoted, is_needed=name in lengths):
            found[name] = numbers_in_text(quoted)
            _refuse(
                con, table, name, f"{quoted} is not null and ({found[name]}) is null", f"left({quoted}, 40)",
                "{} has {!r} in row {:,}, which is no array of numbers; write [1.0, 2.0]",
            )  # fmt: skip
        is_list = kind.endswith("]") or name in found
        if is_list and name in lengths:
            value = found.get(name, quoted)
            _refuse(
                con, table, name, f"len({value}) <> {lengths[name]}", f"len({value})",
                f"{{}} holds {{}} numbers in row {{:,}}, and the vocabulary needs {lengths[name]}; give arrays of that length",
            )  # fmt: skip
    return found


def _holds_arrays(con: duckdb.DuckDBPyConnection, table: Opened, quoted: str, *, is_needed: bool) -> bool:
    if is_needed:
        return True
    query = f"select 1 from {table.relation} where {looks_like_array(quoted)} limit 1"
    return bool(con.execute(query).fetchall())


def _refuse(
    con: duckdb.DuckDBPyConnection, table: Opened, name: str, condition: str, value: str, sentence: str
) -> None:
    numbered = f"(select row_number() over () as __place, * from {table.relation})"
    found = con.execute(f"select {value}, __place from {numbered} where {condition} limit 1").fetchall()
    if found:
        raise StellarError(f"{table.called}: the column {sentence.format(name, *found[0])}")


def _replaced(con: duckdb.DuckDBPyConnection, table: Opened, columns: Mapping[str, str], suffix: str) -> Opened:
    """Return a table in which some columns are made by SQL."""
    if not columns:
        return table
    listed = ", ".join(f"{sql} as {identifier(name)}" for name, sql in columns.items())
    # a name of its own, also for a relation that is no plain name
    view = f"{re.sub(r'[^a-z0-9]+', '_', table.relation.lower())}_{suffix}"
    con.execute(f"create or replace temp view {view} as select * replace ({listed}) from {table.relation}")
    return replace(table, relation=view)
