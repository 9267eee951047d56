"""Numbers that stand for no value in the tables of surveys: -9999.99 of APOGEE, 99.999 of 2MASS, 1e20 of others.

One is taken for that only where no star has it: it lies outside of all other values of its column, and apart from them or
repeated to the last digit.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from stellarfm.sql_text import identifier

_ANY = (-9999.99, -9999.9, -9999.0, -999.99, -999.9, -999.0, 99.999, 1e20, -1e20, 1e30, -1e30, -9.99e8, -9.999995e8)
_MAGNITUDES = (99.0, 99.9, 99.99, 99.999, 999.0, 999.9, 999.99, 999.999, -99.0, -99.9, -99.99, -99.999, 9999.0)
"""Stars have magnitudes between -30 and 40."""

_REPEATED = 3
"""Stars do not share a measured value to the last digit, outside of all others, three times."""


def _both(values: Iterable[float]) -> list[str]:
    """Return numbers as SQL, each also as a float of 32 bits has it."""
    doubles = {number for value in values for number in (float(value), struct.unpack("f", struct.pack("f", value))[0])}
    return [f"{number!r}::double" for number in sorted(doubles)]


_ALL = ", ".join(_both(_ANY))


@dataclass(frozen=True)
class Fill:
    """A number of one column that stands for no value."""

    column: str
    value: float
    rows: int


def no_position(ra: str, dec: str) -> str:
    """Return the condition that a position, in degrees, stands for none: off the sky, by a number of the surveys."""
    return f"({ra} in ({_ALL}) and {ra} not between -180 and 360 or {dec} in ({_ALL}) and {dec} not between -90 and 90)"


def no_motion(pmra: str, pmdec: str) -> str:
    """Return the condition that a proper motion, in mas/yr, stands for none.

    A fast star may have 99.999 or -999 in one of the two; in both, or from -9999 on, no star has.
    """
    fast = " or ".join(f"{pm} in ({_ALL}) and abs({pm}) >= 9999" for pm in (pmra, pmdec))
    return f"({pmra} in ({_ALL}) and {pmdec} in ({_ALL}) or {fast})"


def find_fills(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]) -> list[Fill]:
    """Return the numbers that stand for no value.

    Parameters
    ----------
    con, relation
        The table.
    columns
        Columns of numbers to look at, each with its unit, ``mag`` for magnitudes.
    """
    if not columns:
        return []
    counts = ", ".join(f"count(*) filter ({_is_any(name, unit)})" for name, unit in columns.items())
    found = con.execute(f"select {counts} from {relation}").fetchall()[0]
    return [
        fill
        for (name, unit), count in zip(columns.items(), found, strict=True)
        if count
        for fill in _of_column(con, relation, name, unit)
    ]


def without_fills(column: str, fills: list[Fill]) -> str:
    """Return a column as SQL in which its fill values are NULL."""
    quoted = identifier(column)
    values = ", ".join(_both(fill.value for fill in fills if fill.column == column))
    return f"case when cast({quoted} as double) not in ({values}) then {quoted} end"


def say_fills(fills: list[Fill], called: str) -> str:
    """Return the sentence that says what was read as NULL."""
    listed = ", ".join(f"{fill.column} {fill.value:.12g} ({fill.rows:,} row{'s' * (fill.rows != 1)})" for fill in fills)
    return f"{called}: numbers that stand for no value are read as unknown: {listed}"


def _of_column(con: duckdb.DuckDBPyConnection, relation: str, name: str, unit: str) -> list[Fill]:
    quoted, is_any = f"cast({identifier(name)} as double)", _is_any(name, unit)
    low, high = con.execute(
        f"select min({quoted}), max({quoted}) from {relation} where not ({is_any}) and isfinite({quoted})"
    ).fetchall()[0]
    found = con.execute(
        f"select {quoted} as v, count(*) from {relation} where {is_any} group by v order by v"
    ).fetchall()
    return [Fill(name, value, rows) for value, rows in found if _is_fill(value, rows, low, high)]


def _is_fill(value: float, rows: int, low: float | None, high: float | None) -> bool:
    if low is None or high is None:
        return True
    if low <= value <= high:
        return False
    return rows >= _REPEATED or min(abs(value - low), abs(value - high)) > high - low


def _is_any(name: str, unit: str) -> str:
    values = _both({*_ANY, *(_MAGNITUDES if unit == "mag" else ())})
    return f"cast({identifier(name)} as double) in ({', '.join(values)})"
