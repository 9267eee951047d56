"""Which rows of two tables are the same star: a join of cells in three dimensions, with proper motions, in DuckDB."""

import math
from dataclasses import dataclass

import duckdb

from stellarfm.errors import StellarError
from stellarfm.resources import read_sql

MAX_RADIUS_ARCSEC = 3600.0
"""Beyond a degree a list of pairs is no crossmatch any more."""

_ARCSEC = math.pi / 648000
_MIN_CELL = 4e-6
"""Smallest cell for which three coordinates of a cell fit into one integer of 63 bits."""


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
        SQL expression that gives the epoch of the position in years, "" if it is not known.
    moves
        Whether ``pmra`` and ``pmdec`` (mas/yr) are to be used.
    """

    relation: str
    identifier: str
    epoch: str = ""
    moves: bool = False


def match(con: duckdb.DuckDBPyConnection, left: Side, right: Side, target: str, *, radius_arcsec: float) -> None:
    """Make a table of the best pair of each left row that has one.

    The left positions are carried to the epoch of each right row if both epochs are known.

    Parameters
    ----------
    con
        Connection that knows both tables.
    left, right
        The two sides; positions are the columns ``ra`` and ``dec`` in degrees.
    target
        Table to make: the two identifiers (named as their columns), ``separation_arcsec``, ``num_neighbours``,
        ``is_mutual_best`` and ``reliability``.
    radius_arcsec
        Largest separation.

    Raises
    ------
    StellarError
        If the radius or a position is out of its limits.
    """
    find_pairs(con, left, right, radius_arcsec=radius_arcsec)
    con.execute(f"create or replace temp view left_side as select row_number() over () - 1 as row_number, {left.identifier} as identifier from {left.relation}")  # noqa: E501, S608
    con.execute(f"create or replace temp view right_side as select row_number() over () - 1 as row_number, {right.identifier} as identifier from {right.relation}")  # noqa: E501, S608
    names = f"left_identifier as {left.identifier}, right_identifier as {right.identifier}"
    con.execute(f"create table {target} as select {names}, * exclude (left_identifier, right_identifier) from ({read_sql('crossmatch/best')})")  # noqa: E501, S608


def find_pairs(con: duckdb.DuckDBPyConnection, left: Side, right: Side, *, radius_arcsec: float) -> None:
    """Make the temporary table `pairs` (left_row, right_row, separation_arcsec) of all pairs within the radius.

    Row numbers count from 0 in the order of each relation.
    """
    if not 0 < radius_arcsec <= MAX_RADIUS_ARCSEC:
        raise StellarError(f"the radius must be above 0 and at most {MAX_RADIUS_ARCSEC:g} arcsec, not {radius_arcsec:g}")
    for side, name in ((left, "left_positions"), (right, "right_positions")):
        _view_positions(con, side, name)
        _refuse_bad_positions(con, side, name)
    con.execute(f"create or replace temp view left_vectors as {_vectors('left_positions')}")
    con.execute(f"create or replace temp view right_vectors as {_vectors('right_positions')}")
    reference, spread = _epochs(con, carried=bool(left.epoch and right.epoch))
    chord = 2 * math.sin(radius_arcsec * _ARCSEC / 2) * (1 + 1e-12)
    margin = chord if spread > 0 and left.moves else 0.0
    reach = (chord + margin) * (1 + 1e-9) + 1e-15
    for name, value in (("chord", chord), ("cell_size", max(2 * reach * 1.0001, _MIN_CELL)), ("reach", reach),
                        ("reference_epoch", reference), ("epoch_spread", spread), ("margin", margin)):  # fmt: skip
        con.execute(f"set variable {name} = {value!r}")
    con.execute("create or replace temp view moving as " + read_sql("crossmatch/moving"))
    con.execute("create or replace temp view fixed as " + read_sql("crossmatch/fixed"))
    slow, fast = "(from moving where drift <= getvariable('margin'))", "(from moving where drift > getvariable('margin'))"
    fewer_left = _count(con, "left_positions") <= _count(con, "right_positions")
    first, second = (slow, "fixed") if fewer_left else ("fixed", slow)
    rows = "build_row as left_row, probe_row as right_row" if fewer_left else "probe_row as left_row, build_row as right_row"
    _join(con, first, second, "slow_pairs", rows)
    if margin > 0:
        _join(con, fast, "fixed", "fast_pairs", "build_row as left_row, probe_row as right_row")
        con.execute("insert into slow_pairs from fast_pairs")
    con.execute("create or replace temp view pairs as from slow_pairs")


def _join(con: duckdb.DuckDBPyConnection, build: str, probe: str, target: str, rows: str) -> None:
    con.execute(f"create or replace temp view build as from {build}")
    con.execute(f"create or replace temp view probe as from {probe}")
    con.execute(f"create or replace temp table {target} as select {rows}, separation_arcsec from ({read_sql('crossmatch/pairs')})")  # noqa: E501, S608


def _view_positions(con: duckdb.DuckDBPyConnection, side: Side, name: str) -> None:
    """Give a side's positions the names that the SQL uses; epochs and motions that are not known become NULL."""
    motion = "pmra, pmdec" if side.moves else "null as pmra, null as pmdec"
    epoch = f"cast({side.epoch} as double)" if side.epoch else "cast(null as double)"
    sql = f"select row_number() over () - 1 as row_number, cast(ra as double) as ra, cast(dec as double) as dec, {motion}, {epoch} as epoch from {side.relation}"  # noqa: E501, S608
    try:
        con.execute(f"create or replace temp view {name} as {sql}")
        con.sql(f"select ra, dec from {name} limit 1").fetchall()  # noqa: S608
    except duckdb.BinderException as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"{side.relation} cannot be matched on the sky: it needs the columns ra and dec ({first})") from error
    except duckdb.ConversionException as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"{side.relation}: ra and dec must be numbers in degrees ({first})") from error


def _refuse_bad_positions(con: duckdb.DuckDBPyConnection, side: Side, name: str) -> None:
    wrong = con.execute(
        f"select row_number, ra, dec from {name} where isfinite(ra) and isfinite(dec) "  # noqa: S608
        "and (dec not between -90 and 90 or ra not between -360 and 720) limit 1"
    ).fetchall()
    if wrong:
        row, ra, dec = wrong[0]
        raise StellarError(
            f"{side.relation} row {row} has the position ra = {ra:g}, dec = {dec:g}, which is not on the sky; "
            "ra and dec must be in degrees"
        )


def _epochs(con: duckdb.DuckDBPyConnection, *, carried: bool) -> tuple[float, float]:
    """Return the epoch that left positions are carried to, and how far right epochs are from it at most, years."""
    if not carried:
        return 0.0, 0.0
    low, high = con.execute("select min(epoch), max(epoch) from right_positions").fetchall()[0]
    if low is None:
        return 0.0, 0.0
    return (low + high) / 2, (high - low) / 2


def _vectors(positions: str) -> str:
    return read_sql("crossmatch/vectors").replace("from positions\n    where", f"from {positions}\n    where")


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(con.execute(f"select count(*) from {name}").fetchall()[0][0])  # noqa: S608
