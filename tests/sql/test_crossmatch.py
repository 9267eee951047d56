"""The crossmatch relation by relation; whole skies are compared with brute force elsewhere."""

import math
from typing import Any

import duckdb
import pytest

from stellarfm.resources import read_sql
from tests.sql.given import NULL, Row, connection, create, result

POSITION: Row = {"row_number": 0, "ra": 0.0, "dec": 0.0, "pmra": NULL, "pmdec": NULL, "epoch": NULL}
POINT: Row = {"row_number": 0, "x": 1.0, "y": 0.0, "z": 0.0}
MOVING: Row = {**POINT, "vx": 0.0, "vy": 0.0, "vz": 0.0, "years": 0.0, "cell": 1}
PAIR: Row = {"left_row": 0, "right_row": 0, "separation_arcsec": 1.0}
ARCSEC = math.pi / 648000


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connection()


def variables(con: duckdb.DuckDBPyConnection, **values: float) -> None:
    for name, value in values.items():
        con.execute(f"set variable {name} = {value!r}")


def carried(con: duckdb.DuckDBPyConnection, name: str, shown: str, *rows: Row) -> list[Any]:
    """Return points that were given by their positions."""
    create(con, "positions", POSITION, list(rows))
    return con.execute(f"select {shown} from ({read_sql(name)})").fetchall()


@pytest.mark.parametrize(
    ("ra", "dec", "vector"),
    [
        (0.0, 0.0, (1, 0, 0)),
        (90.0, 0.0, (0, 1, 0)),
        (360.0, 0.0, (1, 0, 0)),
        (33.0, 90.0, (0, 0, 1)),
        (-90.0, 0.0, (0, -1, 0)),
    ],
)
def test_a_point_that_stands_still_is_a_unit_vector(
    con: duckdb.DuckDBPyConnection, ra: float, dec: float, vector: tuple[int, int, int]
) -> None:
    variables(con, reference_epoch=2000.0)
    row = carried(con, "crossmatch/still", "x, y, z, years", {"ra": ra, "dec": dec, "epoch": 1997.5})[0]
    assert row == pytest.approx((*vector, -2.5), abs=1e-15)


@pytest.mark.parametrize("name", ["crossmatch/still", "crossmatch/moving"])
@pytest.mark.parametrize("missing", [{"ra": NULL}, {"dec": NULL}, {"ra": math.nan}, {"dec": math.inf}])
def test_a_row_without_position_is_no_point(con: duckdb.DuckDBPyConnection, name: str, missing: Row) -> None:
    variables(con, reference_epoch=2000.0, epoch_spread=0.0)
    assert carried(con, name, "row_number", missing, {"row_number": 1, "epoch": 2000.0}) == [(1,)]


def test_a_star_is_carried_to_the_reference_epoch_along_its_motion(con: duckdb.DuckDBPyConnection) -> None:
    variables(con, reference_epoch=2000.0, epoch_spread=2.0)
    row = carried(
        con, "crossmatch/moving", "y, z, vy, drift", {"pmra": 1000.0, "pmdec": -500.0, "epoch": 2016.0}
    )[0]  # fmt: skip
    expected = (-16 * ARCSEC, 8 * ARCSEC, ARCSEC, 2 * 1.05 * math.hypot(1, 0.5) * ARCSEC)
    assert row == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("motion", [{"pmra": NULL, "pmdec": 5.0}, {"pmra": 5.0, "pmdec": math.nan}, {}])
def test_half_a_motion_is_none(con: duckdb.DuckDBPyConnection, motion: Row) -> None:
    variables(con, reference_epoch=2000.0, epoch_spread=2.0)
    row = carried(con, "crossmatch/moving", "x, y, z, drift", {**motion, "epoch": 2016.0})[0]
    assert row == (1, 0, 0, 0)


def test_a_point_is_copied_to_every_cell_that_its_search_touches(con: duckdb.DuckDBPyConnection) -> None:
    variables(con, reach=0.1, cell_size=1.0)
    create(con, "build", POINT, [
        {"row_number": 0, "x": 0.5, "y": 0.5, "z": 0.5}, {"row_number": 1, "x": 0.95, "y": 0.5, "z": 0.5},
        {"row_number": 2, "x": 0.95, "y": 0.05, "z": 0.5}, {"row_number": 3, "x": 0.95, "y": 0.05, "z": 0.95},
    ])  # fmt: skip
    shown = "row_number, (cell >> 42, (cell >> 21) & 2097151, cell & 2097151)"
    found = sorted(result(con, "crossmatch/build_cells", shown))
    cells = [[cell for row, cell in found if row == number] for number in range(4)]
    assert [len(listed) for listed in cells] == [1, 2, 4, 8]
    assert cells[0] == [(2, 2, 2)]
    assert cells[1] == [(2, 2, 2), (3, 2, 2)]
    assert cells[2] == [(2, 1, 2), (2, 2, 2), (3, 1, 2), (3, 2, 2)]


def test_a_point_that_is_looked_up_lies_in_one_cell(con: duckdb.DuckDBPyConnection) -> None:
    variables(con, cell_size=0.5)
    create(con, "probe", POINT, [{"x": -1.0, "y": 0.0, "z": 0.26}])
    assert result(con, "crossmatch/probe_cells", "cell") == [(2 << 42) | (4 << 21) | 4]


def test_pairs_are_those_of_one_cell_within_the_radius(con: duckdb.DuckDBPyConnection) -> None:
    variables(con, chord=2 * math.sin(1.5 * ARCSEC))  # 3 arcsec
    usual = {**POINT, "cell": 1}
    create(con, "build_cells", usual, [{"row_number": 7}, {"row_number": 8, "cell": 2}])
    create(con, "probe_cells", usual, [
        {"row_number": 1, "y": 2 * ARCSEC}, {"row_number": 2, "y": 3.1 * ARCSEC}, {"row_number": 3, "cell": 2},
    ])  # fmt: skip
    found = sorted(result(con, "crossmatch/pairs"))
    assert [row[:2] for row in found] == [(7, 1), (8, 3)]
    assert [row[2] for row in found] == pytest.approx([2.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("mover", ["build_cells", "probe_cells"])
def test_a_moving_point_is_compared_at_the_epoch_of_the_other(con: duckdb.DuckDBPyConnection, mover: str) -> None:
    variables(con, chord=2 * math.sin(0.5 * ARCSEC))  # 1 arcsec
    moving: list[Row] = [{"row_number": 7, "vy": ARCSEC}]
    still: list[Row] = [
        {"row_number": 1, "years": 3.0, "y": 3.5 * ARCSEC}, {"row_number": 2, "years": 0.0, "y": 3.5 * ARCSEC},
    ]  # fmt: skip
    create(con, "build_cells", MOVING, moving if mover == "build_cells" else still)
    create(con, "probe_cells", MOVING, still if mover == "build_cells" else moving)
    found = result(con, "crossmatch/moving_pairs", "build_row, probe_row, separation_arcsec")
    assert found == [((7, 1) if mover == "build_cells" else (1, 7)) + (pytest.approx(0.5, abs=1e-6),)]


def pairs(con: duckdb.DuckDBPyConnection, *rows: tuple[int, int, float]) -> None:
    create(con, "pairs", PAIR, [dict(zip(PAIR, row, strict=True)) for row in rows])


def test_the_nearest_is_not_farther_and_of_equal_ones_the_first_is_not(con: duckdb.DuckDBPyConnection) -> None:
    pairs(con, (1, 5, 0.3), (1, 4, 0.2), (2, 9, 0.1), (2, 8, 0.1), (3, 4, 0.5))
    assert sorted(result(con, "crossmatch/farther")) == [0, 2]


def test_mutual_pairs_are_nearest_both_ways(con: duckdb.DuckDBPyConnection) -> None:
    pairs(con, (1, 5, 0.3), (1, 4, 0.2), (2, 4, 0.1), (2, 8, 0.4), (3, 9, 0.5))
    assert sorted(result(con, "crossmatch/mutual")) == [(2, 4, 0.1), (3, 9, 0.5)]


def best(con: duckdb.DuckDBPyConnection, shown: str, *rows: tuple[int, int, float], crowd: int = 0) -> list[Any]:
    """Return the best pairs of rows with errors of 0.03 and 0.04 arcsec; a crowd stands around the right rows."""
    pairs(con, *rows)
    for side, name, error in (("left_side", "i + 100", 0.03), ("right_side", "chr(97 + i::int)", 0.04)):
        con.execute(
            f"create table {side} as select i as row_number, {name} as identifier, {error}::double as error_arcsec "
            "from range(20) as t(i)"
        )
    create(con, "right_positions", POSITION, [{"row_number": i, "ra": 0.1, "dec": 0.1} for i in range(20 + crowd)])
    return sorted(result(con, "crossmatch/best", shown))


def test_the_best_match_has_both_names_the_number_of_neighbours_and_whether_it_is_mutual(
    con: duckdb.DuckDBPyConnection,
) -> None:
    shown = "left_identifier, right_identifier, separation_arcsec, num_neighbours, is_mutual_best"
    found = best(con, shown, (1, 5, 0.3), (1, 4, 0.2), (2, 4, 0.1), (3, 9, 0.5))
    assert found == [(101, "e", 0.2, 2, False), (102, "e", 0.1, 1, True), (103, "j", 0.5, 1, True)]


def test_reliability_is_the_likelihood_of_the_errors_against_the_density_around(con: duckdb.DuckDBPyConnection) -> None:
    """Errors of 0.03 and 0.04 arcsec give 0.05; twenty rows stand in a field of a quarter of a degree."""
    separations = {101: 0.02, 102: 0.2, 103: 0.3}
    rows = [(row - 100, row - 100, r) for row, r in separations.items()]
    found = dict(best(con, "left_identifier, reliability", *rows))
    density = 20 / 900**2
    likelihood = {row: math.exp(-0.5 * (r / 0.05) ** 2) / (2 * math.pi * 0.05**2) for row, r in separations.items()}
    assert found == pytest.approx({row: value / (value + density) for row, value in likelihood.items()}, rel=1e-9)
    crowded = dict(best(connection(), "left_identifier, reliability", *rows, crowd=1000))
    assert all(crowded[row] < found[row] for row in found)


def test_reliability_needs_no_errors_and_has_no_edge_at_ra_0(con: duckdb.DuckDBPyConnection) -> None:
    pairs(con, (0, 0, 0.1), (1, 1, 0.1))
    for side in ("left_side", "right_side"):
        con.execute(
            f"create table {side} as select i as row_number, i as identifier, null::double as error_arcsec from range(2) as t(i)"
        )
    places: list[Row] = [{"row_number": 0, "ra": -0.1, "dec": 0.1}, {"row_number": 1, "ra": 359.8, "dec": 0.1}]
    create(con, "right_positions", POSITION, places)
    likelihood = math.exp(-0.25) / (2 * math.pi * 0.02)
    expected = likelihood / (likelihood + 2 / 900**2)
    assert result(con, "crossmatch/best", "reliability") == pytest.approx([expected, expected], rel=1e-12)
