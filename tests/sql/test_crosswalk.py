"""From the identifiers of an earlier release to those of this one: nobody, one or many, and a star keeps its side."""

import duckdb
import pytest

from stellarfm.resources import read_sql
from tests.sql.given import APOGEE, CROSSWALK, GAIA, NULL, OBSERVED, RANGES, Row, connection, create, result

TEST, VALIDATION, TRAIN = 2, 7, 3
"""Identifiers on each side of the split."""


def crosswalk(*rows: Row) -> duckdb.DuckDBPyConnection:
    """Give pairs and return a database that has ranked them."""
    con = connection("Gaia DR4")
    create(con, "staging.crosswalk", CROSSWALK, list(rows))
    con.execute("create schema crossmatch")
    con.execute(f"create table crossmatch.crosswalk_pairs as {read_sql('crossmatch/crosswalk_pairs')}")
    assert result(con, "crossmatch/crosswalk_pairs", "count(*)") == [len(rows)]
    return con


def pair(later: int, earlier: int, **changed: object) -> Row:
    return {"source_id": later, "earlier_source_id": earlier, **changed}


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        ({"probable_match": True, "angular_distance": 900.0}, {"probable_match": False, "angular_distance": 1.0}, 21),
        ({"angular_distance": 20.0}, {"angular_distance": 10.0}, 22),
        ({"magnitude_difference": -0.1}, {"magnitude_difference": 0.2}, 21),
        ({"magnitude_difference": NULL}, {"magnitude_difference": 2.0}, 22),
        ({"probable_match": NULL}, {"probable_match": True}, 22),
        ({}, {}, 21),
    ],
    ids=[
        "probable first",
        "then the nearest",
        "then the magnitude",
        "unknown last",
        "unknown is not probable",
        "by number",
    ],
)
def test_of_many_neighbours_one_is_the_star(first: Row, second: Row, chosen: int) -> None:
    con = crosswalk(pair(21, 1, **first), pair(22, 1, **second))
    assert result(con, "crossmatch/later_sources", "source_id, num_neighbours") == [(chosen, 2)]


def test_a_star_that_was_split_has_one_earlier_source_and_one_that_merged_has_two() -> None:
    con = crosswalk(pair(21, 1), pair(22, 1, angular_distance=400.0), pair(23, 2), pair(23, 3, angular_distance=90.0))
    found = result(con, "crossmatch/earlier_sources", "source_id, earlier_source_id, earlier_source_ids")
    assert sorted(found) == [(21, 1, [1]), (22, 1, [1]), (23, 2, [2, 3])]


def test_a_neighbour_that_is_another_star_is_not_what_a_source_was() -> None:
    con = crosswalk(pair(21, 1), pair(21, 2, angular_distance=800.0), pair(22, 2, angular_distance=5.0))
    assert sorted(result(con, "crossmatch/earlier_sources", "source_id, earlier_source_ids")) == [(21, [1]), (22, [2])]


@pytest.mark.parametrize(
    ("earlier", "side"),
    [
        ([], "train"),
        ([TEST], "test"),
        ([TRAIN, TEST], "test"),
        ([TRAIN, VALIDATION], "validation"),
        ([VALIDATION, TEST], "test"),
        ([TRAIN, TRAIN], "train"),
    ],
)
def test_the_split_follows_the_star_and_what_was_held_out_stays_so(earlier: list[int], side: str) -> None:
    con = connection("Gaia DR4")
    sides = con.execute("select split_of(2), split_of(7), split_of(3)").fetchone()
    assert sides == ("test", "validation", "train")
    assert con.execute("select split_of_star(3, $ids::bigint[])", {"ids": earlier}).fetchone() == (side,)


def test_without_a_crosswalk_nothing_is_crossed() -> None:
    con = connection()
    assert result(con, "staging/no_crosswalk", "count(*)") == [0]
    assert con.execute("select split_of_star(2, null::bigint[])").fetchone() == ("test",)


def test_a_pair_that_came_twice_is_one(tmp_path) -> None:
    con, file = connection("Gaia DR4"), tmp_path / "part.parquet"
    create(con, "twice", CROSSWALK, [{}, {}])
    con.execute(f"copy twice to '{file}'")
    assert result(con, "staging/crosswalk", "count(*)", {"files": [str(file)]}) == [1]


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ([pair(21, -1)], "is_in_range"),
        ([pair(7 << 60, 1)], "is_in_range"),
        ([pair(21, 22), pair(22, 21)], "is_one_way"),
    ],
)
def test_identifiers_that_are_none_and_pairs_that_lead_in_a_circle_are_seen(given: list[Row], column: str) -> None:
    con = connection("Gaia DR4")
    con.execute("attach ':memory:' as checked")
    create(con, "checked.staging.crosswalk", CROSSWALK, [*given, pair(5, 5)])
    found = result(con, "checks/staging.crosswalk", f"{column}, source_id")
    assert sorted(found) == sorted([*((False, row["source_id"]) for row in given), (True, 5)])


def test_the_zero_point_is_that_of_the_archive_where_it_has_one() -> None:
    con = connection("Gaia DR4")
    create(con, "staging.gaia_source", {**GAIA, "parallax_zero_point": -0.03}, [{}, {"source_id": 2}])
    con.execute("update staging.gaia_source set parallax_zero_point = null where source_id = 2")
    assert result(con, "marts/archive_zero_point") == [(1, -0.03)]


def test_a_cut_without_its_column_is_not_judged_and_keeps_the_star() -> None:
    con = connection("Gaia DR4")
    create(
        con,
        "marts.star_observations",
        {**OBSERVED, "bp_coefficients": [1e-3] * 51, "bp_coefficient_errors": [1e-5] * 51},
        [{"phot_bp_rp_excess_factor": NULL}],
    )
    create(con, "marts.token_ranges", RANGES, [{}])
    assert result(con, "marts/stars", "excess_factor_is_good, ruwe_is_good, is_gaia_good") == [(None, True, True)]


def test_how_many_sources_each_labelled_star_leads_to_is_counted() -> None:
    con = crosswalk(pair(21, 1), pair(22, 2), pair(23, 2))
    con.execute(f"create table crossmatch.later_sources as {read_sql('crossmatch/later_sources')}")
    ids = [{"gaia_source_id": number, "apogee_id": f"2M{number}"} for number in (1, 2, 3, 3)]
    create(con, "staging.apogee", APOGEE, [*ids, {"gaia_source_id": NULL}])
    for table in ("gaia_source", "xp_spectrum", "twomass"):
        con.execute(f"create table staging.{table} (source_id bigint, designation varchar)")
    con.execute(f"create schema marts; create table marts.stars as {_no_stars()}")
    cuts = dict(result(con, "marts/cuts", "step, rows_left"))
    assert [cuts[step] for step in (17, 18, 19)] == [1, 1, 1]


def test_a_cut_that_was_not_judged_says_so_where_cuts_are_counted() -> None:
    con = connection("Gaia DR4")
    words = con.execute(
        "select cut_in_words('excess', 'phot_bp_rp_excess_factor'), cut_in_words('RUWE', 'ruwe')"
    ).fetchone()
    assert words == ("excess (not judged: the release has no phot_bp_rp_excess_factor)", "RUWE")


def _no_stars() -> str:
    """The columns of ``marts.stars`` that the counts look at, without a row."""
    cuts = (
        "has_all_xp", "xp_in_range", "colour_in_range", "magnitude_in_range", "ruwe_is_good", "excess_factor_is_good",
        "is_gaia_good", "is_apogee_only", "in_training_set",
    )  # fmt: skip
    columns = ", ".join(f"true as {name}" for name in cuts)
    return f"select '' as tmass_designation, '' as apogee_id, 1.0 as teff, {columns} where false"
