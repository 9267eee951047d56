"""The published tables: predictions with their percentiles, distances, and each bit of the flags."""

from typing import Any

import duckdb
import numpy as np
import pytest

from stellarfm.catalog.release import define_flags
from stellarfm.surveys.selection import choose_surveys
from tests.sql.given import NULL, Row, connection, create, result

STAR: Row = {
    "source_id": (5 << 43) + 7, "ra": 10.0, "dec": 20.0, "phot_g_mean_mag": 14.0, "bprp": 1.0, "ruwe": 1.0,
    "phot_bp_rp_excess_factor": 1.2, "tmass_designation": "00400000+2000000", "tmass_separation_arcsec": 0.1,
    "tmass_num_neighbours": 1, "apogee_id": NULL, "xp_num_relevant_bases": 60, "earlier_source_id": NULL,
}  # fmt: skip
PREDICTION: Row = {
    "source_id": STAR["source_id"], "in_training_set": True, "num_tokens_observed": 100,
    "teff": 4800.0, "teff_error": 50.0, "logg": 2.5,
    "logg_error": 0.1, "m_h": -0.2, "m_h_error": 0.05, "logebv": -2.0, "logebv_error": 0.2, "g_fakemag": 600.0,
    "g_fakemag_error": 60.0, "teff_16": 4750.0, "teff_84": 4850.0, "logg_16": 2.4, "logg_84": 2.6, "m_h_16": -0.25,
    "m_h_84": -0.15, "logebv_16": -2.2, "logebv_84": -1.8, "g_fakemag_16": 540.0, "g_fakemag_84": 660.0,
}  # fmt: skip


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connection()


def publish(con: duckdb.DuckDBPyConnection, shown: str, star: Row, prediction: Row | None = None) -> Any:
    con.execute("attach ':memory:' as warehouse")
    create(con, "warehouse.marts.stars", STAR, [star])
    create(con, "predictions", PREDICTION, [prediction or {}])
    define_flags(con, choose_surveys())
    return result(con, "catalog/stars", shown, {"model_version": 3})[0]


def test_a_star_has_its_predictions_with_percentiles(con: duckdb.DuckDBPyConnection) -> None:
    shown = "teff, teff_16, teff_84, logg_16, logg_84, m_h_16, m_h_84, ebv, ebv_16, ebv_84"
    expected = [4800, 4750, 4850, 2.4, 2.6, -0.25, -0.15, np.exp(-2), np.exp(-2.2), np.exp(-1.8)]
    np.testing.assert_allclose(publish(con, shown, {}), expected, rtol=1e-9)


def test_the_distance_follows_from_luminosity_and_magnitude(con: duckdb.DuckDBPyConnection) -> None:
    d = 1000 * 10**2.8
    row = publish(con, "distance_pc, distance_pc_16, distance_pc_84", {})
    np.testing.assert_allclose(row, [d / 600, d / 660, d / 540], rtol=1e-9)


def test_a_luminosity_that_is_not_positive_gives_no_distance(con: duckdb.DuckDBPyConnection) -> None:
    assert publish(con, "distance_pc, distance_pc_84", {}, {"g_fakemag": -1.0}) == (None, None)


def test_a_luminosity_within_its_error_of_zero_has_no_upper_limit_of_distance(con: duckdb.DuckDBPyConnection) -> None:
    assert publish(con, "distance_pc > 0, distance_pc_84", {}, {"g_fakemag": 50.0, "g_fakemag_16": -10.0}) == (
        True,
        None,
    )


def test_the_pixel_and_the_version_stand_beside_the_star(con: duckdb.DuckDBPyConnection) -> None:
    assert publish(con, "healpix_8, model_version, quality_flags, flag_warn, flag_bad", {}) == (5, 3, 0, False, False)


@pytest.mark.parametrize(
    ("star", "prediction", "bit", "is_bad"),
    [
        ({"tmass_designation": NULL}, {}, 1, False),
        ({"xp_num_relevant_bases": NULL}, {}, 2, False),
        ({"xp_num_relevant_bases": 9}, {}, 4, False),
        ({"ruwe": 1.4}, {}, 8, True),
        ({"ruwe": NULL}, {}, 8, True),
        ({"phot_bp_rp_excess_factor": 2.0}, {}, 16, False),
        ({"tmass_num_neighbours": 2}, {}, 32, False),
        ({"bprp": 4.0}, {}, 64, True),
        ({"bprp": NULL}, {}, 64, True),
        ({"phot_g_mean_mag": 17.5}, {}, 128, True),
        ({}, {"teff_error": 301.0}, 256, True),
        ({}, {"logg_error": 0.51}, 256, True),
        ({}, {"m_h_error": 0.41}, 256, True),
        ({}, {"num_tokens_observed": 0}, 512, True),
    ],
)
def test_each_flag_is_raised_on_its_own(
    con: duckdb.DuckDBPyConnection, star: Row, prediction: Row, bit: int, is_bad: bool
) -> None:
    row = publish(con, "quality_flags, flag_warn, flag_bad", star, prediction)
    assert row == (bit, True, is_bad)
    listed = {r[0]: r[1] for r in flags(con, [row[0]])}
    assert listed[bit] is is_bad


def flags(con: duckdb.DuckDBPyConnection, masks: list[int]) -> list[Any]:
    if not con.execute("select 1 from duckdb_views() where view_name = 'raised_flags'").fetchall():
        con.execute("attach ':memory:' as warehouse")
        create(con, "warehouse.marts.stars", STAR, [])
        create(con, "predictions", PREDICTION, [])
        define_flags(con, choose_surveys())
    create(con, "stars", {"source_id": 1, "quality_flags": 0}, [{"quality_flags": mask} for mask in masks])
    return result(con, "catalog/flags", "bit, is_bad, num_stars")


def test_a_star_raises_only_the_flags_that_it_should(con: duckdb.DuckDBPyConnection) -> None:
    publish(con, "source_id", {"ruwe": 1.4, "tmass_designation": NULL})
    raised = result(con, "catalog/raised_flags", "no_2mass, poor_astrometry, crowded")
    assert raised == [(True, True, False)]


def test_every_bit_is_listed_once_with_the_number_of_its_stars(con: duckdb.DuckDBPyConnection) -> None:
    rows = flags(con, [0, 1, 3, 512])
    assert [row[0] for row in rows] == [1 << i for i in range(10)]
    assert [row[2] for row in rows] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("known", [True, False, None])
def test_the_model_itself_says_whether_it_was_trained_on_a_star(
    con: duckdb.DuckDBPyConnection, known: bool | None
) -> None:
    assert publish(con, "in_training_set", {}, {"in_training_set": NULL if known is None else known}) is known


def test_a_star_without_prediction_is_not_published(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("attach ':memory:' as warehouse")
    create(con, "warehouse.marts.stars", STAR, [{}, {"source_id": 9}])
    create(con, "predictions", PREDICTION, [{}])
    define_flags(con, choose_surveys())
    assert result(con, "catalog/stars", "source_id", {"model_version": 3}) == [STAR["source_id"]]


def test_the_dictionary_is_in_the_order_of_its_places(con: duckdb.DuckDBPyConnection) -> None:
    names = ("table_name", "column_name", "data_type", "unit", "ucd", "description", "null_meaning")
    create(
        con, "dictionary", {"place": 0, **dict.fromkeys(names, "x")}, [{"place": 2, "column_name": "b"}, {"place": 1}]
    )
    assert result(con, "catalog/columns", "column_name, ucd") == [("x", "x"), ("b", "x")]


def test_provenance_is_sorted_by_name(con: duckdb.DuckDBPyConnection) -> None:
    create(con, "origin", {"name": "seed", "value": "1"}, [{}, {"name": "archive", "value": "simulated"}])
    assert result(con, "catalog/provenance") == [("archive", "simulated"), ("seed", "1")]


def test_metrics_are_published_as_they_were_measured(con: duckdb.DuckDBPyConnection) -> None:
    usual: Row = {
        "task": "labels", "model": "champion", "token": "teff", "against": "truth", "num_stars": 10, "scatter": 50.0,
        "bias": 1.0, "coverage_68": 0.68, "coverage_95": 0.95,
    }  # fmt: skip
    create(con, "scores", usual, [{}])
    assert result(con, "catalog/metrics") == [tuple(usual.values())]
