"""The two sides of a crossmatch: which columns hold position, motion and epoch, and whether they can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb

from stellarfm.errors import StellarError
from stellarfm.formats import ROW
from stellarfm.formats.fill_values import no_motion, no_position
from stellarfm.formats.units import in_unit
from stellarfm.sql_text import identifier

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UTINYINT", "USMALLINT",
            "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
_MAX_PROPER_MOTION_MAS_YR = 1e5
"""Ten times that of Barnard's star, the fastest known: anything above is a mistake or in other units."""

_FIRST_YEAR, _LAST_YEAR = 1500.0, 2500.0
"""Julian dates, fractions of a century and years since 2000 all lie outside of these."""


@dataclass(frozen=True)
class Side:
    """One table of a crossmatch.

    Attributes
    ----------
    relation
        What stands after ``from``.
    identifier
        Column or expression that names a row in the result.
    epoch
        Epoch of the positions: a Julian year or the column that holds it, "" if it is not known.
    moves
        Whether the proper motions are to be used.
    ra, dec
        Columns of the position, degrees.
    pmra, pmdec
        Columns of the proper motion, mas/yr; the first is multiplied by cos(dec), as in Gaia's tables.
    row
        Expression that numbers the rows.
    error_arcsec
        Column or expression of the position's error, 1 sigma in each direction, arcsec, "" if it is not known.
    name
        What the table is called in messages, the relation if "".
    units
        Unit that the table states for each column; one that is not here is in the unit above.
    """

    relation: str
    identifier: str = ""
    epoch: str = ""
    moves: bool = False
    ra: str = "ra"
    dec: str = "dec"
    pmra: str = "pmra"
    pmdec: str = "pmdec"
    row: str = "row_number() over () - 1"
    error_arcsec: str = ""
    name: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    def value(self, column: str, unit: str) -> str:
        """Return a column as SQL of type DOUBLE in a unit.

        Raises
        ------
        StellarError
            If the table states a unit that cannot be converted to it.
        """
        stated = self.units.get(column, "")
        return f"cast({in_unit(identifier(column), stated, unit, column, self.label)} as double)"

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.name or self.relation


@dataclass(frozen=True)
class Inspected:
    """What one pass over a side found.

    Attributes
    ----------
    rows
        Number of rows.
    without_position
        Rows whose position is NULL or not finite; they have no pairs.
    moving
        Rows with a proper motion that is to be used.
    first_epoch, last_epoch
        Julian years; None if the epoch is not known.
    filled_positions, filled_motions
        Rows whose position or motion is a number that stands for none; they are counted as without it.
    """

    rows: int
    without_position: int
    moving: int
    first_epoch: float | None
    last_epoch: float | None
    filled_positions: int = 0
    filled_motions: int = 0


def inspect_side(con: duckdb.DuckDBPyConnection, side: Side, view: str) -> Inspected:
    """Give a side's columns the names that the SQL uses, as a view, and check all rows in one pass.

    Parameters
    ----------
    con
        Connection that knows the side.
    side
        The side.
    view
        Name of the temporary view to make: row_number, ra and dec in degrees, pmra and pmdec in mas/yr, epoch in years.

    Returns
    -------
    Inspected
        Counts and epochs of the rows.

    Raises
    ------
    StellarError
        If a column is missing, of the wrong type or holds a value that cannot be; names table, column and a row.
    """
    motion = (side.pmra, side.pmdec) if side.moves else ()
    is_year = _is_number(side.epoch)
    _check_types(con, side, [side.ra, side.dec, *motion, *([side.epoch] if side.epoch and not is_year else [])])
    null = "cast(null as double)"
    pmra, pmdec = (side.value(column, "mas / yr") for column in motion) if motion else (null, null)
    epoch = f"cast({side.epoch} as double)" if is_year else side.value(side.epoch, "yr") if side.epoch else null
    columns = {"ra": side.value(side.ra, "deg"), "dec": side.value(side.dec, "deg"), "pmra": pmra, "pmdec": pmdec}
    _view(con, side, view, columns, epoch)
    found = _count(con, side, view)
    # numbers that stand for none are off the sky or fast: another look is taken only where there are such
    positions = _rows(con, view, _WRONG["position"], no_position("ra", "dec")) if found.off_sky else 0
    motions = _rows(con, view, _FAST, no_motion("pmra", "pmdec")) if found.fast else 0
    if positions or motions:
        _view(con, side, view, _without_fills(columns), epoch)
        found = _count(con, side, view)
    for kind, count in (("position", found.off_sky), ("motion", found.too_fast), ("epoch", found.without_epoch)):
        if count:
            _refuse(con, side, view, kind, count)
    return Inspected(*found[:5], positions, motions)


def _rows(con: duckdb.DuckDBPyConnection, view: str, suspect: str, condition: str) -> int:
    """Count rows that meet a costly condition among those that meet a cheap one."""
    return int(con.execute(f"select count(*) from {view} where ({suspect}) and {condition}").fetchall()[0][0])


def _view(con: duckdb.DuckDBPyConnection, side: Side, view: str, columns: Mapping[str, str], epoch: str) -> None:
    listed = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    con.execute(
        f"create or replace temp view {view} as select {side.row} as row_number, {listed}, {epoch} as epoch from {side.relation}"
    )


def _without_fills(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns in which a position or motion that stands for none is NULL."""
    position, motion = no_position(columns["ra"], columns["dec"]), no_motion(columns["pmra"], columns["pmdec"])
    kept = {"ra": position, "dec": position, "pmra": motion, "pmdec": motion}
    return {name: f"case when ({kept[name]}) is not true then {sql} end" for name, sql in columns.items()}


class _Counts(NamedTuple):
    """What one scan counts; the first five are those of `Inspected`."""

    rows: int
    without_position: int
    moving: int
    first_epoch: float | None
    last_epoch: float | None
    off_sky: int
    too_fast: int
    without_epoch: int
    fast: int


def _count(con: duckdb.DuckDBPyConnection, side: Side, view: str) -> _Counts:
    # one scan counts everything; a second one, for the message, runs only if something is wrong
    found = con.execute(
        "select count(*), count(*) - count(*) filter (isfinite(ra) and isfinite(dec)), "
        "count(*) filter (isfinite(pmra) and isfinite(pmdec)), min(epoch), max(epoch), "
        f"count(*) filter ({_WRONG['position']}), count(*) filter ({_WRONG['motion']}), "
        f"count(*) filter ({_WRONG['epoch'] if side.epoch else 'false'}), "
        f"count(*) filter ({_FAST}) from {view}"
    ).fetchall()[0]
    return _Counts(*found)


_FAST = "abs(pmra) >= 99 or abs(pmdec) >= 99"
"""Motions among which those may be that stand for none."""

_WRONG = {
    "position": "isfinite(ra) and ra not between -180 and 360 or isfinite(dec) and dec not between -90 and 90",
    "motion": f"isfinite(pmra) and abs(pmra) > {_MAX_PROPER_MOTION_MAS_YR} "
    f"or isfinite(pmdec) and abs(pmdec) > {_MAX_PROPER_MOTION_MAS_YR}",
    "epoch": f"epoch is null or epoch not between {_FIRST_YEAR} and {_LAST_YEAR}",
}
"""What no row may have, as SQL conditions. A position or motion that is NULL, NaN or infinite is unknown, not wrong."""


def _refuse(con: duckdb.DuckDBPyConnection, side: Side, view: str, kind: str, count: int) -> None:
    row, ra, dec, pmra, pmdec, epoch = con.execute(
        f"select row_number, ra, dec, pmra, pmdec, epoch from {view} where {_WRONG[kind]} order by 1 limit 1"
    ).fetchall()[0]
    what = {
        "position": f"has {side.ra} = {ra}, {side.dec} = {dec}, which is not on the sky; give degrees, "
        "right ascension from -180 to 360 and declination from -90 to 90",
        "motion": f"has {side.pmra} = {pmra}, {side.pmdec} = {pmdec}, faster than any star; give mas/yr",
        "epoch": f"has no epoch in {side.epoch}; give every row one, or one year for all"
        if epoch is None
        else f"has {side.epoch} = {epoch}, which is not a year; give years such as 2000.0",
    }[kind]
    more = f" (and {count - 1} more)" if count > 1 else ""
    raise StellarError(f"{side.label}: row {row}{more} {what}")


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the columns of a relation with their types, in their order.

    Parameters
    ----------
    con
        Connection that knows the relation.
    relation
        What stands after ``from``.
    """
    return {row[0]: row[1] for row in con.execute(f"describe from {relation}").fetchall()}


def _check_types(con: duckdb.DuckDBPyConnection, side: Side, needed: list[str]) -> None:
    columns = {name: kind for name, kind in columns_of(con, side.relation).items() if name != ROW}
    types = {name.lower(): kind for name, kind in columns.items()}
    for column in needed:
        kind = types.get(column.lower())
        if kind is None:
            near = [name for name in columns if column.lower() in name.lower()] or _like(column, list(columns))
            hint = f"; it may be {' or '.join(near[:3])}" if near else f"; it has {', '.join(list(columns)[:8])}"
            raise StellarError(f"{side.label} has no column {column}{hint}. Name the right one with an option")
        # DECIMAL(18,3) is a number, DOUBLE[] a list of some
        if kind.split("(")[0] not in _NUMBERS or kind.endswith("]"):
            _refuse_type(con, side, column, kind)


def _like(column: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches  # for a message only

    return get_close_matches(column, known, 3)


def _refuse_type(con: duckdb.DuckDBPyConnection, side: Side, column: str, kind: str) -> None:
    """Raise unless every value is a number all the same, as text."""
    bad = con.execute(
        f"select {side.row}, {identifier(column)} from {side.relation} "
        f"where {identifier(column)} is not null and try_cast({identifier(column)} as double) is null limit 1"
        if kind == "VARCHAR"
        else f"select {side.row}, {identifier(column)} from {side.relation} limit 1"
    ).fetchall()
    if bad:
        row, value = bad[0]
        raise StellarError(f"{side.label}: the column {column} is {kind} (row {row}: {value!r}); it must hold numbers")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
