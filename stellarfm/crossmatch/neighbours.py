"""From all pairs to the ones to keep: nearest, mutual, one to one, and the warehouse's tables of matches."""

import duckdb

from stellarfm.crossmatch.pairs import find_pairs
from stellarfm.crossmatch.sides import Side
from stellarfm.errors import StellarError
from stellarfm.resources import read_sql

_MAX_BITS = 1 << 28
"""Widest range of numbers that are counted in a string of bits, which then takes 32 MiB."""


def match(con: duckdb.DuckDBPyConnection, left: Side, right: Side, target: str, *, radius_arcsec: float) -> None:
    """Make a table of the nearest right row of each left row that has one.

    Parameters
    ----------
    con
        Connection that knows both tables.
    left, right
        The two sides, each with an identifier that no two rows share.
    target
        Table to make: the two identifiers (named as their columns), ``separation_arcsec``, ``num_neighbours`` (right rows
        within the radius), ``is_mutual_best`` (whether the left row is also the nearest of the right one) and
        ``reliability`` (0 to 1).
    radius_arcsec
        Largest separation, itself included, in arcsec.

    Raises
    ------
    StellarError
        If the radius or a position is out of its limits, or an identifier is not unique.
    """
    # a repeated identifier would join each of its pairs to every row of that name
    for side in (left, right):
        _refuse_repeated(con, side)
    find_pairs(con, left, right, radius_arcsec=radius_arcsec)
    for side, name in ((left, "left_side"), (right, "right_side")):
        error = f"cast({side.error_arcsec} as double)" if side.error_arcsec else "cast(null as double)"
        # the pairs hold row numbers: these views lead back to identifiers
        con.execute(
            f"create or replace temp view {name} as select {side.row} as row_number, {side.identifier} as identifier, "
            f"{error} as error_arcsec from {side.relation}"
        )
    names = f"left_identifier as {left.identifier}, right_identifier as {right.identifier}"
    con.execute(
        f"create table {target} as select {names}, * exclude (left_identifier, right_identifier) "
        f"from ({read_sql('crossmatch/best')})"
    )


def keep_nearest(con: duckdb.DuckDBPyConnection) -> None:
    """Reduce the temporary table `pairs` to the nearest right row of each left row.

    Parameters
    ----------
    con
        Connection on which `find_pairs` was called.
    """
    con.execute(f"delete from pairs where rowid in ({read_sql('crossmatch/farther')})")


def keep_one_to_one(con: duckdb.DuckDBPyConnection) -> None:
    """Reduce the temporary table `pairs` so that each row is used once, the closest pairs first.

    Mutual nearest pairs are taken and their rows set aside, until no pair is left. This gives the pairs of a greedy choice
    by separation: a pair that is the closest of both its rows cannot be displaced by a wider one.

    Parameters
    ----------
    con
        Connection on which `find_pairs` was called.
    """
    con.execute("create or replace temp table chosen as from pairs limit 0")
    # ends: the closest pair of all is always mutual, so every round takes at least one
    while con.execute("select count(*) from pairs").fetchall()[0][0]:
        con.execute(f"create or replace temp table mutual as {read_sql('crossmatch/mutual')}")
        con.execute("insert into chosen from mutual")
        con.execute(
            "create or replace temp table pairs as from pairs "
            "where left_row not in (select left_row from mutual) and right_row not in (select right_row from mutual)"
        )
    con.execute("create or replace temp table pairs as from chosen")


def count_distinct(con: duckdb.DuckDBPyConnection, column: str, relation: str) -> int:
    """Return how many different whole numbers a column holds: with one bit for each, if they lie close enough together.

    Parameters
    ----------
    con
        Connection that knows the relation.
    column
        Column of whole numbers.
    relation
        What stands after ``from``.

    Raises
    ------
    duckdb.Error
        If there is no such column or relation.
    """
    low, high = con.execute(f"select min({column}), max({column}) from {relation}").fetchall()[0]
    if low is None:  # no rows, or NULLs alone
        return 0
    # a hash table of all values takes many bytes each, a bit string one bit for each possible value
    counted = f"count(distinct {column})"
    if high - low < _MAX_BITS:
        counted = f"bit_count(bitstring_agg({column}, {low}, {high}))"
    return int(con.execute(f"select {counted} from {relation}").fetchall()[0][0])


def _refuse_repeated(con: duckdb.DuckDBPyConnection, side: Side) -> None:
    repeated = con.execute(
        f"select {side.identifier}, count(*) from {side.relation} group by all having count(*) > 1 order by 1 limit 1"
    ).fetchall()
    if repeated:
        value, count = repeated[0]
        raise StellarError(
            f"{side.label}: {side.identifier} = {value!r} stands in {count} rows; an identifier must name one row"
        )
