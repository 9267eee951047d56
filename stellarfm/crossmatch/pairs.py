"""All pairs of two tables within a radius, each compared at the epoch of the row that does not move.

Positions are unit vectors, so that neither the poles nor RA = 0 are special. Two points are within the radius if the chord
between them, a plain distance in space, is short enough. Candidates come from a grid of cells in space: one side is copied
into each cell that its sphere of search touches, the other lies in one cell, and rows meet where cells are equal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from stellarfm.crossmatch.sides import Inspected, Side, inspect_side
from stellarfm.errors import StellarError
from stellarfm.resources import read_sql

MAX_RADIUS_ARCSEC = 3600.0
"""Beyond a degree a list of pairs is no crossmatch any more."""

_ARCSEC = math.pi / 648000
"""One arcsec in radians."""

_MIN_CELL = 4e-6
"""Smallest cell, for a sphere of radius 1, for which three coordinates of a cell fit into one integer of 63 bits.

Coordinates shifted to be positive stay below 4, and 4 / 4e-6 = 1e6 cells along an axis need 20 of their 21 bits."""

_WIDE_CELL = 8.0
"""Cells of so many radii leave most points in one cell; more would compare too many strangers in dense fields."""

_WIDE_CELL_ARCSEC = 40.0
"""Cells are widened up to this only, for a wide one holds many stars; a larger radius gets the three radii that it needs."""


@dataclass(frozen=True)
class _Role:
    """A side as the join sees it: its view of positions, what was found of its rows and epochs, and which side it is."""

    view: str
    found: Inspected
    is_left: bool


def find_pairs(
    con: duckdb.DuckDBPyConnection, left: Side, right: Side, *, radius_arcsec: float
) -> tuple[Inspected, Inspected]:
    """Make the temporary table `pairs` (left_row, right_row, separation_arcsec) of all pairs within the radius.

    A left row with a proper motion is carried to the epoch of each right row; a right row with one is carried to the
    epoch of a left row without. Unless both epochs are known, nothing moves.

    Parameters
    ----------
    con
        Connection that knows both relations.
    left, right
        The two sides.
    radius_arcsec
        Largest separation, itself included, in arcsec.

    Returns
    -------
    left, right
        What was found of the rows of each side.

    Raises
    ------
    StellarError
        If the radius, a column or a value is out of its limits.
    """
    if not 0 < radius_arcsec <= MAX_RADIUS_ARCSEC:
        raise StellarError(
            f"the radius must be above 0 and at most {MAX_RADIUS_ARCSEC:g} arcsec, not {radius_arcsec:g}"
        )
    first = _Role("left_positions", inspect_side(con, left, "left_positions"), True)
    second = _Role("right_positions", inspect_side(con, right, "right_positions"), False)
    con.execute("create or replace temp table pairs (left_row bigint, right_row bigint, separation_arcsec double)")
    # the chord of the radius; the last factor keeps pairs at exactly the radius, which rounding might drop
    chord = 2 * math.sin(radius_arcsec * _ARCSEC / 2) * (1 + 1e-12)
    _set(con, chord=chord)
    dated = first.found.first_epoch is not None and second.found.first_epoch is not None
    left_moves, right_moves = (dated and role.found.moving > 0 for role in (first, second))
    if not right_moves:
        _join(con, first, second, chord, moves=left_moves)
    elif not left_moves:
        _join(con, second, first, chord, moves=True)
    else:
        # both sides move: each pair has one row that is carried. NULL and NaN, as "is not true", are both no motion
        for name, moved in (("left_moved", "is true"), ("left_unmoved", "is not true")):
            con.execute(
                f"create or replace temp view {name} as "
                f"from left_positions where (isfinite(pmra) and isfinite(pmdec)) {moved}"
            )
        _join(con, _Role("left_moved", first.found, True), second, chord, moves=True)
        if first.found.moving < first.found.rows:
            _join(con, second, _Role("left_unmoved", first.found, True), chord, moves=True)
    return first.found, second.found


def _join(con: duckdb.DuckDBPyConnection, mover: _Role, still: _Role, chord: float, *, moves: bool) -> None:
    """Add the pairs of a side that moves, or might, and one that stands still.

    The mover is carried once to the midpoint of the epochs of the other side. Where these differ, each pair is compared at
    the epoch of its still row later, and the search must reach as far as a mover may drift from the midpoint.
    """
    low, high = still.found.first_epoch, still.found.last_epoch
    midpoint, spread = (
        ((low + high) / 2, (high - low) / 2) if moves and low is not None and high is not None else (0.0, 0.0)
    )
    _set(con, reference_epoch=midpoint, epoch_spread=spread)
    moving = _points("moving" if moves else "still", mover)
    standing = _points("still", still)
    mover_builds = mover.found.rows <= still.found.rows
    if spread == 0:
        return _meet(con, "pairs", moving, standing, chord, mover_builds=mover_builds, mover=mover)
    # a few fast stars would widen the search for all others: they are searched for apart, each side with its own reach
    slow = f"from ({moving}) where drift <= getvariable('chord')"
    fast = f"from ({moving}) where drift > getvariable('chord')"
    _meet(con, "moving_pairs", slow, standing, 2 * chord, mover_builds=mover_builds, mover=mover)
    fastest = con.execute(f"select max(drift) from ({fast})").fetchall()[0][0]
    if fastest is not None:  # the few are copied, whichever side is larger
        _meet(con, "moving_pairs", fast, standing, chord + 1.01 * fastest, mover_builds=True, mover=mover)
    return None


def _points(how: str, role: _Role) -> str:
    """Return the query of a side's points as unit vectors, `how` one of ``moving`` and ``still``."""
    return _with({"positions": f"from {role.view}"}, f"from ({read_sql(f'crossmatch/{how}')})")


def _meet(
    con: duckdb.DuckDBPyConnection, how: str, moving: str, still: str, reach: float, *, mover_builds: bool, mover: _Role
) -> None:
    """Join the cells of both sides; the build side is copied to the cells that it touches.

    `reach` is a chord: how far apart two points may be that are compared. The smaller side is copied, so that the larger
    one is read once and held nowhere.
    """
    # a little farther than needed: rounding must not put a point and its partner into cells that do not meet
    reach = reach * (1 + 1e-9) + 1e-15
    # a cell is at least three times the reach, for a sphere to touch no more than two along an axis
    wide = min(_WIDE_CELL, max(3.0, _WIDE_CELL_ARCSEC * _ARCSEC / reach))
    _set(con, reach=reach, cell_size=max(wide * reach, _MIN_CELL))
    # both selects have the same columns, in whichever role: the side that moves has no years, the other no motion
    exact = how == "moving_pairs"
    mover_points = f"select row_number, x, y, z{', vx, vy, vz, 0.0 as years' if exact else ''} from ({moving})"
    still_points = (
        f"select row_number, x, y, z{', 0.0 as vx, 0.0 as vy, 0.0 as vz, years' if exact else ''} from ({still})"
    )
    build, probe = (mover_points, still_points) if mover_builds else (still_points, mover_points)
    left_builds = mover_builds == mover.is_left
    left, right = ("build_row", "probe_row") if left_builds else ("probe_row", "build_row")
    parts = {"build": build, "probe": probe}
    parts |= {name: read_sql(f"crossmatch/{name}") for name in ("build_cells", "probe_cells")}
    found = f"select {left}, {right}, separation_arcsec from ({read_sql(f'crossmatch/{how}')})"
    con.execute(f"insert into pairs {_with(parts, found)}")


def _with(parts: Mapping[str, str], query: str) -> str:
    """Return a query that sees others under their names: one statement, which is planned once."""
    named = ",\n".join(f"{name} as (\n{part}\n)" for name, part in parts.items())
    return f"with {named}\n{query}"


def _set(con: duckdb.DuckDBPyConnection, **values: float) -> None:
    for name, value in values.items():
        con.execute(f"set variable {name} = cast({float(value)!r} as double)")  # digits alone would be a decimal
