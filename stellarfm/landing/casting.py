"""Columns of a file as those of the landing: found by name, cast without losing anything, or refused with a row to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from stellarfm.errors import StellarError
from stellarfm.expression_language import ARITHMETIC
from stellarfm.expressions import parse
from stellarfm.formats.arrays import numbers_in_text
from stellarfm.formats.names import match_name
from stellarfm.formats.units import factor
from stellarfm.landing.schema import TableSchema
from stellarfm.sql_text import identifier, literal
from stellarfm.suggestions import near
from stellarfm.surveys.units import unit_of

_UNKNOWN = "('', 'null', 'nan', 'none', '--')"
"""What text says for NULL, in lower case."""

_INTEGERS = ("BIGINT", "INTEGER", "SMALLINT")
_FLOATING = ("FLOAT", "DOUBLE", "DECIMAL")
_EXACT = 1 << 53
"""Up to here a double holds every whole number; an identifier beyond has lost digits."""


@dataclass(frozen=True)
class ColumnSource:
    """Where the values of a column come from: exactly one of the three.

    Attributes
    ----------
    name
        A column of the file.
    expression
        Arithmetic on columns of the file.
    constant
        A value for all rows.
    """

    name: str | None = None
    expression: str | None = None
    constant: str | float | bool | None = None

    def __str__(self) -> str:
        return self.name or self.expression or repr(self.constant)


@dataclass(frozen=True)
class Cast:
    """One column of the landing as SQL.

    Attributes
    ----------
    name
        Column of the landing.
    value
        What is read, as it is in the file.
    sql
        The same as the landing has it.
    spoilt
        Condition that is true for a value that cannot be cast.
    kind
        Its type in the landing.
    """

    name: str
    value: str
    sql: str
    spoilt: str
    kind: str


def plan_casts(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    schema: TableSchema,
    columns: Mapping[str, ColumnSource],
    called: str,
    stated: Mapping[str, str] | None = None,
) -> tuple[list[Cast], list[str]]:
    """Return how each column is made, and the names of those that the file lacks.

    Parameters
    ----------
    con, relation
        The file.
    schema
        Columns to make.
    columns
        Where they come from, if not from a column of the same name.
    called
        What a person calls table and file.

    Returns
    -------
    casts, lacking
        One cast a column, in the order of the landing, and the names of those that are NULL for all rows.

    Raises
    ------
    StellarError
        If a needed column, or one that is named, is not there, or an expression cannot be used.
    """
    found = con.sql(f"from {relation}").columns
    values: dict[str, str] = {}
    lacking = []
    for name in schema.columns:
        given = columns.get(name)
        if given is not None:
            values[name] = _value(given, found, called, name)
        elif match_name(name, found) is not None:
            values[name] = identifier(str(match_name(name, found)))
        elif name in schema.needed:
            raise StellarError(
                f"{called} has no column {name}{near(name, found)}; name the one that it is in the mapping, "
                f'columns = {{{name} = "…"}}; the file has {", ".join(found)}'
            )
        else:
            values[name] = "null"
            lacking.append(name)
    listed = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
    try:
        # limit 0 binds everything and reads nothing: types and mistakes of expressions, before the first row
        types = [str(kind) for kind in con.sql(f"select {listed} from {relation} limit 0").types]  # noqa: S608
    except duckdb.Error as error:
        raise StellarError(f"{called}: an expression cannot be used ({str(error).splitlines()[0]})") from error
    casts = [
        _cast(
            name, values[name], given, schema.columns[name].upper(), _factor(name, values[name], stated or {}, called)
        )
        for name, given in zip(values, types, strict=True)
    ]
    return casts, lacking


def select(casts: Sequence[Cast], relation: str) -> str:
    """Return the query of all columns; it fails at the first value that cannot be cast."""
    # `error` stops the scan at the first bad value; `explain` then looks for it with its row, which only a failure pays for
    listed = ", ".join(
        f"case when {c.spoilt} then error('spoilt') else {c.sql} end::{c.kind} as {identifier(c.name)}" for c in casts
    )
    return f"select {listed} from {relation}"  # noqa: S608


def explain(con: duckdb.DuckDBPyConnection, casts: Sequence[Cast], relation: str, called: str) -> StellarError | None:
    """Return an error that names the first value that cannot be cast, None if all can."""
    for cast in casts:
        # numbered as the rows lie in the file, from 1, a header not counted
        row = con.sql(
            f"select * from (select row_number() over () as row_number, ({cast.value})::varchar as value, "  # noqa: S608
            f"{cast.spoilt} as spoilt from {relation}) where spoilt limit 1"
        ).fetchall()
        if row:
            return StellarError(
                f"{called}: the column {cast.name} has {str(row[0][1])[:80]!r} in row {row[0][0]:,}, "
                f"which is not a value of the type {cast.kind}; mend the file or name another column"
            )
    return None


def _value(column: ColumnSource, found: Sequence[str], called: str, wanted: str) -> str:
    def there(name: str) -> str:
        match = match_name(name, found)
        if match is None:
            raise StellarError(
                f"{called} has no column {name!r} for {wanted}{near(name, found)}; the file has {', '.join(found)}"
            )
        return match

    if column.name is not None:
        return identifier(there(column.name))
    if column.expression is not None:
        expression = parse(column.expression, f"{called}: the expression of {wanted}", ARITHMETIC)
        return expression.to_sql(there, as_doubles=True)
    if isinstance(column.constant, str):
        return literal(column.constant)
    return repr(column.constant).lower()


def _factor(name: str, value: str, stated: Mapping[str, str], called: str) -> float:
    """Return by what a column is multiplied that the file states in another unit; an expression is taken as it is."""
    column = next((column for column in stated if identifier(column) == value), None)
    wanted = unit_of(name)
    return 1.0 if column is None or wanted is None else factor(stated[column], wanted, column, called)


def _cast(name: str, value: str, given: str, wanted: str, scale: float = 1.0) -> Cast:
    """Return the cast of one value from the type that it has to the one that is wanted; NaN becomes NULL."""
    # DECIMAL(18,3) is cast as DECIMAL; the type of a bare NULL is named in quotes
    base = given.strip('"').split("(")[0]
    spoilt = "false"
    if wanted == "VARCHAR":
        return Cast(name, value, f"nullif(({value})::varchar, '')", spoilt, wanted)
    if base == "VARCHAR" and wanted == "FLOAT[]":
        text = f"case when lower(trim({value})) not in {_UNKNOWN} then {value} end"
        known = numbers_in_text(value)
        return Cast(name, value, f"{known}::float[]", f"({text} is not null and {known} is null)", wanted)
    known = value
    if base == "VARCHAR":
        known = f"case when lower(trim({value})) not in {_UNKNOWN} then trim({value}) end"
        if wanted in _INTEGERS:  # a cast would round
            spoilt = f"not regexp_full_match({known}, '[-+]?[0-9]+([.]0*)?')"
        elif wanted == "FLOAT":  # a cast would give infinity
            spoilt = f"isinf(try_cast({known} as float)) and not isinf(try_cast({known} as double))"
    elif base in _FLOATING:
        number = f"({value})::double"
        # not by isnan: DuckDB 2.0 takes it from the statistics of Parquet, and these leave NaN out
        known = f"case when isfinite({number}) or abs({number}) = 'infinity'::double then {number} end"
        if wanted in _INTEGERS:
            spoilt = f"({known} <> floor({known}) or abs({known}) > {_EXACT})"
    if scale != 1:
        spoilt = f"({spoilt}) or ({known} is not null and try_cast({known} as double) is null)"
        known = f"(try_cast({known} as double) * {scale!r})"
    # DuckDB takes every number but 0 for true
    if wanted == "BOOLEAN" and base not in ("VARCHAR", "BOOLEAN", "NULL"):
        spoilt = f"{known} not in (0, 1)"
    # try_cast gives NULL where it fails, which must not pass for a NULL of the file
    lost = f"({known} is not null and try_cast({known} as {wanted}) is null)"
    return Cast(name, value, f"try_cast({known} as {wanted})", f"(coalesce({spoilt}, false) or {lost})", wanted)
