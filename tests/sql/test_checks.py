"""The views that expectations judge: each derived column is true of an ordinary row, and tells of a spoilt one."""

from typing import Any

import duckdb
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from astropy_healpix import HEALPix

from stellarfm.resources import read_sql
from tests.sql.given import (
    APOGEE,
    CROSSWALK,
    EARLIER,
    EXTINCTION,
    FLAT,
    GAIA,
    NULL,
    OBSERVED,
    RANGES,
    TWOMASS,
    XP,
    Row,
    connection,
    create,
    result,
)

NAN = float("nan")
USUAL = {"gaia_source": GAIA, "xp_spectrum": XP, "twomass": TWOMASS, "apogee": APOGEE, "extinction": EXTINCTION}
MATCH: Row = {"source_id": 1, "separation_arcsec": 0.1, "num_neighbours": 1, "is_mutual_best": True}


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = connection()
    con.execute("attach ':memory:' as checked")
    return con


def checked(con: duckdb.DuckDBPyConnection, name: str, shown: str, **given: list[Row]) -> Any:
    """Give staging tables, ordinary where nothing is said, and return the first row of a checked view."""
    create(con, "checked.staging.crosswalk", CROSSWALK, given.get("crosswalk", []))
    create(con, "checked.crossmatch.earlier_sources", EARLIER, given.get("earlier_sources", []))
    for table, row in USUAL.items():
        create(con, f"checked.staging.{table}", row, given.get(table, [{}]))
    return result(con, name, shown)[0]


def placed(ra: float, dec: float) -> Row:
    """Return a Gaia source that is where its identifier and its other coordinates say, by astropy."""
    at = SkyCoord(ra * u.deg, dec * u.deg)
    pixel = HEALPix(256, "nested").lonlat_to_healpix(at.ra, at.dec)
    ecliptic = at.transform_to(BarycentricMeanEcliptic(equinox="J2000"))
    return {
        "source_id": int(pixel) << 43,
        "ra": ra,
        "dec": dec,
        "l": at.galactic.l.deg,
        "b": at.galactic.b.deg,
        "ecl_lat": ecliptic.lat.deg,
    }


@pytest.mark.parametrize(
    "place",
    [
        (10.0, 20.0),
        (359.99, -89.5),
        (123.4, 88.8),
        (200.0, -41.9),
        (0.01, -0.01),
        (266.4, -29.0),
        (0.0, 0.0),
        (90.0, 0.0),
        (360.0, 0.0),
        (45.0, 0.0),
        (22.5, 0.0),
        (0.0, 60.0),
        (90.0, -80.0),
        (45.0, 41.810314895778596),
    ],
)
def test_a_gaia_source_is_where_its_identifier_and_its_latitudes_say(
    con: duckdb.DuckDBPyConnection, place: tuple[float, float]
) -> None:
    shown = "is_in_its_pixel, ecl_lat_residual_deg, b_residual_deg, l_residual_deg"
    row = checked(con, "checks/staging.gaia_source", shown, gaia_source=[placed(*place)])
    assert row[0] is True
    np.testing.assert_allclose(row[1:], 0, atol=1e-3)


def test_at_the_corner_of_pixels_only_those_that_touch_there_are_its_own(con: duckdb.DuckDBPyConnection) -> None:
    elsewhere = placed(0.0, 0.0) | {"source_id": placed(0.0, 1.0)["source_id"]}
    assert checked(con, "checks/staging.gaia_source", "is_in_its_pixel", gaia_source=[elsewhere]) is False


@pytest.mark.parametrize("l_deg", [0.0, 90.0, 359.9])
def test_the_longitude_of_another_star_is_a_residual(con: duckdb.DuckDBPyConnection, l_deg: float) -> None:
    """Given a star with the l of a neighbour, expected a residual on the sky, also across l = 0."""
    own = placed(266.4, -29.0)  # l = 359.9, b = -0.1
    residual = checked(con, "checks/staging.gaia_source", "l_residual_deg", gaia_source=[own | {"l": l_deg}])
    expected = (own["l"] - l_deg + 180) % 360 - 180
    assert residual == pytest.approx(expected, abs=1e-3)


def test_a_shifted_position_is_not_in_its_pixel(con: duckdb.DuckDBPyConnection) -> None:
    moved = placed(10.0, 20.0) | {"ra": 12.0}
    assert checked(con, "checks/staging.gaia_source", "is_in_its_pixel", gaia_source=[moved]) is False


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "num_not_finite", 0),
        ({"ruwe": NAN}, "num_not_finite", 1),
        ({}, "round(bp_rp_residual_mag, 9)", 0.0),
        ({"bp_rp": 1.5}, "round(bp_rp_residual_mag, 9)", 0.5),
        ({}, "g_is_between", True),
        ({"phot_g_mean_mag": 17.0}, "g_is_between", False),
        ({}, "round(excess_factor_expected, 6)", 1.216844),
        ({}, "round(parallax_over_error, 6)", 50.0),
        ({}, "has_colour_of_solution", True),
        ({"astrometric_params_solved": 95}, "has_colour_of_solution", False),
        ({"pmra": NULL}, "has_what_was_solved", False),
        ({"pmra": NULL, "astrometric_params_solved": 3}, "has_what_was_solved", True),
        ({}, "has_promised_spectrum", True),
        ({"source_id": 2}, "has_promised_spectrum", False),
        ({"source_id": 2, "has_xp_continuous": False}, "has_promised_spectrum", None),
    ],
)
def test_gaia_columns_agree_with_one_another(
    con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object
) -> None:
    assert checked(con, "checks/staging.gaia_source", column, gaia_source=[given]) == expected


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "is_where_its_name_says", True),
        ({"ra": 10.001}, "is_where_its_name_says", False),
        ({"designation": "00400000-2000000", "dec": -20.0}, "is_where_its_name_says", True),
        ({"designation": "nonsense"}, "is_where_its_name_says", False),
        ({"ph_qual": "AXU"}, "has_known_quality", True),
        ({"ph_qual": "AZ"}, "has_known_quality", False),
        ({"cc_flg": "pc0"}, "has_known_confusion", True),
        ({"cc_flg": "000 "}, "has_known_confusion", False),
        ({"j": NAN, "ra": NAN}, "num_not_finite", 2),
        ({}, "round(jk, 9)", 0.6),
    ],
)
def test_a_2mass_source_is_where_its_name_says_with_known_letters(
    con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object
) -> None:
    assert checked(con, "checks/staging.twomass", column, twomass=[given]) == expected


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "is_where_its_name_says", True),
        ({"dec": 20.001}, "is_where_its_name_says", False),
        ({"apogee_id": "AP00400000+2000000"}, "is_where_its_name_says", None),
        ({}, "has_its_source", True),
        ({"gaia_source_id": 5}, "has_its_source", False),
        ({"gaia_source_id": NULL}, "has_its_source", None),
        ({}, "has_all_errors", True),
        ({"logg": NULL}, "has_all_errors", False),
        ({"j": 13.0}, "j_minus_twomass", 0.5),
        ({"snr": NAN}, "num_not_finite", 1),
    ],
)
def test_an_apogee_row_agrees_with_its_name_its_source_and_2mass(
    con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object
) -> None:
    assert checked(con, "checks/staging.apogee", column, apogee=[given]) == expected


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "has_source", True),
        ({"source_id": 5}, "has_source", False),
        ({}, "bp_num_coefficients", 55),
        ({"bp_coefficients": NULL}, "bp_num_coefficients", 0),
        ({}, "has_all_errors", True),
        ({"rp_coefficient_errors": [0.1]}, "has_all_errors", False),
        ({"rp_coefficients": [NAN, *FLAT[1:]]}, "num_not_finite", 1),
        ({"rp_coefficient_errors": [0.0, *FLAT[1:]]}, "smallest_error", 0.0),
        ({"bp_coefficients": [100.0, *FLAT[1:]]}, "round(bp_mag, 6)", -5.0),
        ({"bp_coefficients": [100.0, *FLAT[1:]]}, "round(bp_mag_minus_phot, 6)", -19.4),
        ({"bp_coefficients": [-1.0, *FLAT[1:]]}, "bp_mag", None),
    ],
)
def test_a_spectrum_is_whole_and_as_bright_as_its_source(
    con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object
) -> None:
    assert checked(con, "checks/staging.xp_spectrum", column, xp_spectrum=[given]) == expected


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "has_source", True),
        ({"source_id": 5}, "has_source", False),
        ({"logebv": NAN, "logebv_error": NAN}, "num_not_finite", 2),
    ],
)
def test_a_reddening_has_its_source(con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object) -> None:
    assert checked(con, "checks/staging.extinction", column, extinction=[given]) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (TWOMASS["designation"], True, 1.5)),
        ({"is_mutual_best": False}, (None, True, 1.5)),
        ({"designation": "nobody's"}, ("nobody's", False, None)),
    ],
)
def test_a_pair_with_2mass_has_both_sides_and_a_colour(
    con: duckdb.DuckDBPyConnection, given: Row, expected: tuple[object, ...]
) -> None:
    create(con, "checked.crossmatch.gaia_twomass", {**MATCH, "designation": TWOMASS["designation"]}, [given])
    assert checked(con, "checks/crossmatch.gaia_twomass", "mutual_designation, has_both_sides, g_j") == expected


@pytest.mark.parametrize(
    ("given", "apogee", "expected"),
    [
        ({}, {}, (APOGEE["apogee_id"], True, True)),
        ({}, {"gaia_source_id": 5}, (APOGEE["apogee_id"], True, False)),
        ({}, {"gaia_source_id": NULL}, (APOGEE["apogee_id"], True, None)),
        ({"is_mutual_best": False}, {}, (None, True, None)),
    ],
)
def test_a_pair_with_apogee_is_compared_with_apogees_own(
    con: duckdb.DuckDBPyConnection, given: Row, apogee: Row, expected: tuple[object, ...]
) -> None:
    create(con, "checked.crossmatch.gaia_apogee", {**MATCH, "apogee_id": APOGEE["apogee_id"]}, [given])
    shown = "mutual_apogee_id, has_both_sides, is_match_of_apogee"
    assert checked(con, "checks/crossmatch.gaia_apogee", shown, apogee=[apogee]) == expected


def marts(con: duckdb.DuckDBPyConnection, given: Row, spoilt: str) -> None:
    """Make the marts of one star, with some columns replaced afterwards."""
    con.execute("use checked")
    create(con, "marts.star_observations", OBSERVED, [given])
    create(con, "marts.token_ranges", RANGES, [{}])
    con.execute(
        f"create table marts.stars as select * replace ({spoilt or 'ra as ra'}) from ({read_sql('marts/stars')})"
    )
    con.execute(f"create table marts.training_set as {read_sql('marts/training_set')}")


@pytest.mark.parametrize(
    ("given", "spoilt", "column", "expected"),
    [
        ({}, "", "bp_num_tokens + rp_num_tokens", 110),
        ({}, "", "keeps_its_cuts and is_decided_once and shows_only_good_labels", True),
        ({}, "false as ruwe_is_good", "keeps_its_cuts", False),
        ({}, "false as in_training_set", "is_decided_once", False),
        ({}, "true as is_apogee_only", "is_decided_once", False),
        ({}, "false as labels_are_good", "shows_only_good_labels", False),
        ({}, "'nan'::float as jh", "num_not_finite", 1),
        ({"phot_g_mean_mag": 25.6873668671}, "", "round(largest_coefficient, 6)", 0.001),
        ({"phot_g_mean_mag": 25.6873668671}, "", "round(smallest_coefficient_error, 8)", 1e-5),
        ({}, "100::float as g_fakemag", "absolute_g", 0.0),
        ({}, "-1::float as g_fakemag", "absolute_g", None),
        ({}, "'test' as split", "is_test", True),
    ],
)
def test_a_star_keeps_its_cuts_and_tokens(
    con: duckdb.DuckDBPyConnection, given: Row, spoilt: str, column: str, expected: object
) -> None:
    marts(con, given, spoilt)
    found = result(con, "checks/marts.stars", column)[0]
    assert found == (pytest.approx(expected, rel=1e-6) if isinstance(expected, float) else expected)


def test_a_star_of_the_training_set_is_known_and_keeps_its_split(con: duckdb.DuckDBPyConnection) -> None:
    marts(con, {}, "")
    shown = "num_coefficients, num_coefficients_not_finite, is_known, num_not_finite, is_a_star, keeps_its_split"
    assert result(con, "checks/marts.training_set", shown) == [(110, 0, True, 0, True, True)]
    con.execute("update marts.training_set set split = 'other'")
    assert result(con, "checks/marts.training_set", "keeps_its_split") == [False]
    con.execute("update marts.training_set set source_id = 99")
    assert result(con, "checks/marts.training_set", "is_a_star, keeps_its_split") == [(False, None)]


PUBLISHED: Row = {
    "source_id": 5 << 43, "ra": 10.0, "dec": 20.0, "phot_g_mean_mag": 14.0, "healpix_8": 5, "teff": 4800.0, "teff_16": 4750.0,
    "teff_84": 4850.0, "teff_error": 50.0, "logg": 2.5, "logg_16": 2.4, "logg_84": 2.6, "logg_error": 0.1, "m_h": -0.2,
    "m_h_16": -0.3, "m_h_84": -0.1, "m_h_error": 0.1, "ebv": 0.1, "ebv_16": 0.05, "ebv_84": 0.2, "distance_pc": 900.0,
    "distance_pc_16": 800.0, "distance_pc_84": 1000.0, "quality_flags": 1, "flag_warn": True, "flag_bad": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "column", "expected"),
    [
        ({}, "is_in_order and is_in_its_pixel and says_its_flags", True),
        ({"teff_16": 4900.0}, "is_in_order", False),
        ({"distance_pc_84": 100.0}, "is_in_order", False),
        ({"distance_pc": NULL, "distance_pc_84": NULL}, "is_in_order", True),
        ({"healpix_8": 6}, "is_in_its_pixel", False),
        ({"flag_warn": False}, "says_its_flags", False),
        ({"quality_flags": 0, "flag_warn": False, "flag_bad": True}, "says_its_flags", False),
        ({"ebv": NAN, "teff": NAN}, "num_not_finite", 2),
    ],
)
def test_a_published_star_is_in_order(
    con: duckdb.DuckDBPyConnection, given: Row, column: str, expected: object
) -> None:
    create(con, "checked.main.stars", PUBLISHED, [given])
    assert result(con, "checks/catalog.stars", column) == [expected]


def test_a_spectrum_may_lack_a_band_but_then_all_of_it(con: duckdb.DuckDBPyConnection) -> None:
    shown = "bp_num_coefficients, rp_num_coefficients, has_both_bands, num_not_finite, smallest_error"
    lacking = {"bp_coefficients": NULL, "bp_coefficient_errors": NULL, "bp_n_relevant_bases": NULL}
    spoilt = {"rp_coefficients": [NAN, *FLAT[1:]]}
    error = pytest.approx(1e-5)
    assert checked(con, "checks/staging.xp_spectrum", shown, xp_spectrum=[lacking | spoilt]) == (
        None,
        55,
        False,
        1,
        error,
    )


def test_coefficients_that_are_lost_from_a_band_are_noticed(con: duckdb.DuckDBPyConnection) -> None:
    given = [{"bp_coefficients": NULL}]
    assert checked(con, "checks/staging.xp_spectrum", "bp_num_coefficients, has_both_bands", xp_spectrum=given) == (
        0,
        True,
    )
