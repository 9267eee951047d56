"""Marts: one row a star, each cut of the paper on its own, the tokens, the split."""

from hashlib import md5
from typing import Any

import duckdb
import numpy as np
import pytest
from zero_point import zpt

from stellarfm.resources import read_sql
from tests.sql.given import (
    APOGEE,
    EARLIER,
    EXTINCTION,
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

CUTS = (
    "has_all_xp", "xp_in_range", "colour_in_range", "magnitude_in_range", "ruwe_is_good", "excess_factor_is_good",
    "no_bright_neighbour",
)  # fmt: skip


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connection()


def stars(con: duckdb.DuckDBPyConnection, shown: str, *rows: Row, ranges: Row = RANGES) -> list[Any]:
    create(con, "marts.star_observations", OBSERVED, list(rows))
    create(con, "marts.token_ranges", RANGES, [ranges])
    return result(con, "marts/stars", shown)


def observe(con: duckdb.DuckDBPyConnection, shown: str, **given: list[Row]) -> list[Any]:
    """Give staging tables, with one ordinary star and its matches where nothing is said, and return the joined rows."""
    usual = {"gaia_source": GAIA, "xp_spectrum": XP, "twomass": TWOMASS, "apogee": APOGEE, "extinction": EXTINCTION}
    for name, row in usual.items():
        create(con, f"staging.{name}", row, given.get(name, [{}]))
    match: Row = {"source_id": 1, "separation_arcsec": 0.1, "num_neighbours": 1, "is_mutual_best": True}
    create(
        con,
        "crossmatch.gaia_twomass",
        {**match, "designation": TWOMASS["designation"]},
        given.get("gaia_twomass", [{}]),
    )
    create(con, "crossmatch.gaia_apogee", {**match, "apogee_id": APOGEE["apogee_id"]}, given.get("gaia_apogee", [{}]))
    create(con, "crossmatch.earlier_sources", EARLIER, given.get("earlier", []))
    create(con, "marts.parallax_zero_point", {"source_id": 1, "zero_point_mas": -0.04}, given.get("zero_point", [{}]))
    return result(con, "marts/star_observations", shown)


def test_everything_that_the_surveys_say_of_a_star_stands_in_one_row(con: duckdb.DuckDBPyConnection) -> None:
    shown = "source_id, len(bp_coefficients), tmass_designation, ks, apogee_id, teff, logebv, zero_point_mas"
    assert observe(con, shown) == [
        (1, 55, "00400000+2000000", 11.9, "2M00400000+2000000", 4800.0, -2.0, -0.04)
    ]  # fmt: skip


def test_a_star_that_only_gaia_knows_keeps_its_row_with_nulls(con: duckdb.DuckDBPyConnection) -> None:
    nothing: dict[str, list[Row]] = {
        name: []
        for name in ("xp_spectrum", "twomass", "apogee", "extinction", "gaia_twomass", "gaia_apogee", "zero_point")
    }
    shown = "bp_coefficients, tmass_designation, j, apogee_id, apogee_num_rows, teff, logebv, zero_point_mas"
    assert observe(con, shown, **nothing) == [(None, None, None, None, None, None, None, 0.0)]


def test_a_match_that_is_not_the_best_both_ways_does_not_count(con: duckdb.DuckDBPyConnection) -> None:
    one_sided: list[Row] = [{"is_mutual_best": False}]
    assert observe(con, "tmass_designation, apogee_id", gaia_twomass=one_sided, gaia_apogee=one_sided) == [(None, None)]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"snr": 200.0}, {"snr": 100.0}),
        ({"snr": 100.0}, {"snr": 200.0, "starflag": 4}),
        ({"snr": 100.0}, {"snr": 200.0, "aspcapflag": 1 << 23}),
        ({"snr": 100.0, "aspcapflag": 1 << 23}, {"snr": 200.0, "starflag": 4}),
        ({"snr": 100.0, "field": "A"}, {"snr": 100.0, "field": "B"}),
        ({"snr": 100.0, "telescope": "apo1m"}, {"snr": 100.0, "telescope": "apo25m"}),
    ],
    ids=["higher S/N", "clean star flag", "clean ASPCAP flag", "star flag before ASPCAP flag", "field", "telescope"],
)
@pytest.mark.parametrize("first", [0, 1])
def test_of_repeated_apogee_rows_the_best_speaks_for_the_star(
    con: duckdb.DuckDBPyConnection, better: Row, worse: Row, first: int
) -> None:
    rows = [{**better, "teff": 4000.0}, {**worse, "teff": 5000.0}]
    assert observe(con, "teff, apogee_num_rows", apogee=rows[::-1] if first else rows) == [(4000.0, 2)]


def test_a_good_star_passes_every_cut(con: duckdb.DuckDBPyConnection) -> None:
    shown = f"{', '.join(CUTS)}, labels_are_good, is_gaia_good, is_apogee_only, in_training_set"
    assert stars(con, shown, {}) == [(True,) * 9 + (False, True)]


@pytest.mark.parametrize(
    ("given", "cut"),
    [
        ({"bp_coefficients": NULL}, "has_all_xp"),
        ({"rp_coefficients": [0.0, *[1e-3] * 54]}, "has_all_xp"),
        ({"rp_coefficients": [float("nan"), *[1e-3] * 54]}, "has_all_xp"),
        ({"bp_rp": 0.0}, "colour_in_range"),
        ({"bp_rp": 4.0}, "colour_in_range"),
        ({"bp_rp": NULL}, "colour_in_range"),
        ({"phot_g_mean_mag": 6.0}, "magnitude_in_range"),
        ({"phot_g_mean_mag": 17.5}, "magnitude_in_range"),
        ({"ruwe": 1.4}, "ruwe_is_good"),
        ({"ruwe": NULL}, "ruwe_is_good"),
        ({"phot_bp_rp_excess_factor": 2.0}, "excess_factor_is_good"),
        ({"starflag": 1 << 2}, "no_bright_neighbour"),
        ({"starflag": 1 << 3}, "no_bright_neighbour"),
    ],
)
def test_each_cut_fails_on_its_own(con: duckdb.DuckDBPyConnection, given: Row, cut: str) -> None:
    row = stars(con, f"{', '.join(CUTS)}, is_gaia_good", given)[0]
    failed = {name for name, passed in zip(CUTS, row, strict=False) if not passed}
    assert failed - {"xp_in_range"} == {cut}  # a coefficient that is not there is in no range either
    assert row[-1] is False


@pytest.mark.parametrize(
    "given",
    [{"bp_rp": 0.01}, {"bp_rp": 3.99}, {"phot_g_mean_mag": 6.01}, {"phot_g_mean_mag": 17.49}, {"ruwe": 1.39},
     {"phot_bp_rp_excess_factor": 1.99}, {"starflag": NULL, "aspcapflag": NULL, "apogee_id": NULL}, {"starflag": 1}],
)  # fmt: skip
def test_just_inside_of_each_cut_a_star_is_good(con: duckdb.DuckDBPyConnection, given: Row) -> None:
    assert stars(con, "is_gaia_good", given) == [True]


@pytest.mark.parametrize("band", ["bp", "rp"])
@pytest.mark.parametrize("place", [0, 54])
def test_one_coefficient_at_the_limit_of_its_range_is_out(
    con: duckdb.DuckDBPyConnection, band: str, place: int
) -> None:
    high = [1.0] * 55
    high[place] = 1e-3
    bright: Row = {"phot_g_mean_mag": 25.6873668671}  # a flux of 1
    assert stars(con, "xp_in_range", bright, ranges={f"{band}_high": np.float32(high).tolist()}) == [False]


@pytest.mark.parametrize(
    ("given", "is_apogee_only", "in_training_set"),
    [
        ({"bp_coefficients": NULL}, True, True),
        ({"bp_coefficients": NULL, "starflag": 1}, False, False),
        ({"bp_coefficients": NULL, "aspcapflag": 1}, False, False),
        ({"bp_coefficients": NULL, "starflag": NULL, "aspcapflag": NULL}, False, False),
        ({"ruwe": 2.0}, False, False),
    ],
)
def test_without_spectrum_a_clean_apogee_star_is_kept_and_with_a_bad_one_it_is_not(
    con: duckdb.DuckDBPyConnection, given: Row, is_apogee_only: bool, in_training_set: bool
) -> None:
    assert stars(con, "is_apogee_only, in_training_set", given) == [(is_apogee_only, in_training_set)]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, True),
        ({"aspcapflag": 1}, True),
        ({"aspcapflag": 1 << 19}, False),
        ({"aspcapflag": 1 << 23}, False),
        ({"starflag": 1}, False),
    ],
)
def test_labels_are_shown_only_where_the_flags_allow_it(
    con: duckdb.DuckDBPyConnection, given: Row, shown: bool
) -> None:
    expected = (4800.0, 20.0, 2.5, 0.05, -0.2, 0.02) if shown else (None,) * 6
    assert stars(con, "teff, teff_error, logg, logg_error, m_h, m_h_error", given) == [expected]


def test_coefficients_are_divided_by_the_flux_of_g(con: duckdb.DuckDBPyConnection) -> None:
    flux = 10 ** ((25.6873668671 - 14.0) / 2.5)
    row = stars(con, "bp_gnorm[1], bp_gnorm_error[1], rp_gnorm[55], rp_gnorm_error[55]", {})[0]
    np.testing.assert_allclose(row, np.array([1e-3, 1e-5, 1e-3, 1e-5]) / flux, rtol=1e-6)


@pytest.mark.parametrize(("relevant", "kept"), [(0, 0), (1, 1), (30, 30), (51, 51), (52, 55), (55, 55)])
def test_coefficients_beyond_the_relevant_bases_are_unknown(
    con: duckdb.DuckDBPyConnection, relevant: int, kept: int
) -> None:
    columns = ("bp_gnorm", "bp_gnorm_error", "rp_gnorm", "rp_gnorm_error")
    shown = ", ".join(f"[c is not null for c in {column}::float[]]" for column in columns)
    row = stars(con, f"is_gaia_good, {shown}", {"bp_n_relevant_bases": relevant, "rp_n_relevant_bases": relevant})[0]
    assert row == (True, *[[True] * kept + [False] * (55 - kept)] * 4)


def test_colours_have_the_errors_of_both_bands(con: duckdb.DuckDBPyConnection) -> None:
    row = stars(con, "bprp, bprp_error, jh, jh_error, jk, jk_error", {})[0]
    bprp_error = np.sqrt((1.0857362 / 200) ** 2 + 0.00279017**2 + (1.0857362 / 300) ** 2 + 0.00377938**2)
    np.testing.assert_allclose(row, [1.0, bprp_error, 0.5, 0.05, 0.6, np.hypot(0.03, 0.03)], rtol=1e-6)


def test_the_parallax_is_corrected_and_gives_the_luminosity(con: duckdb.DuckDBPyConnection) -> None:
    row = stars(con, "parallax, g_fakemag, g_fakemag_error", {})[0]
    np.testing.assert_allclose(row, [1.04, 1.04 * 10**2.8, 0.02 * 10**2.8], rtol=1e-6)


@pytest.mark.parametrize("given", [{"parallax_error": 0.11}, {"ruwe": 1.41}, {"ruwe": NULL}, {"parallax": NULL}])
def test_a_poor_parallax_gives_no_luminosity(con: duckdb.DuckDBPyConnection, given: Row) -> None:
    assert stars(con, "parallax, g_fakemag", given) == [(None, None)]


def test_a_negative_parallax_stays(con: duckdb.DuckDBPyConnection) -> None:
    row = stars(con, "parallax, g_fakemag", {"parallax": -0.5})[0]
    np.testing.assert_allclose(row, [-0.46, -0.46 * 10**2.8], rtol=1e-6)


def test_the_split_depends_on_the_source_alone_and_has_its_shares(con: duckdb.DuckDBPyConnection) -> None:
    ids = range(1, 2001)
    first = dict(stars(con, "source_id, split", *({"source_id": i} for i in ids)))
    others: list[Row] = [{"source_id": i, "phot_g_mean_mag": 9.0, "bp_coefficients": NULL} for i in reversed(ids)]
    assert dict(stars(connection(), "source_id, split", *others[:500])) == {i: first[i] for i in ids[-500:]}
    shares = {name: list(first.values()).count(name) / 2000 for name in ("test", "validation", "train")}
    assert shares == pytest.approx({"test": 0.10, "validation": 0.05, "train": 0.85}, abs=0.02)


def test_the_split_never_changes(con: duckdb.DuckDBPyConnection) -> None:
    """A change here moves stars from training to test, and every older figure is worth nothing."""
    ids = [1, 2, 3, 17, 24, 4295806720, 4057224024226708992, 6917528443525529728, *range(10**18, 10**18 + 1000)]
    found = dict(stars(con, "source_id, split", *({"source_id": i} for i in ids)))
    buckets = {i: int.from_bytes(md5(str(i).encode(), usedforsecurity=False).digest()[8:], "little") % 100 for i in ids}
    assert found == {i: "test" if k < 10 else "validation" if k < 15 else "train" for i, k in buckets.items()}


def test_ranges_are_the_0_2_and_99_8_percentile_of_normalised_coefficients(con: duckdb.DuckDBPyConnection) -> None:
    flux_of_one: Row = {"phot_g_mean_mag": 25.6873668671}
    rows = [{**flux_of_one, "source_id": i, "bp_coefficients": [float(i)] * 55} for i in range(1, 1001)]
    create(con, "marts.star_observations", OBSERVED, rows)
    low, high, rp_low = result(con, "marts/token_ranges", "bp_low, bp_high, rp_low")[0]
    assert len(low) == len(high) == 55
    assert (low[0], high[54]) == (2.0, 998.0)
    np.testing.assert_allclose(rp_low, 1e-3, rtol=1e-6)


def test_ranges_are_those_of_apogee_stars_with_spectrum_and_of_finite_values(con: duckdb.DuckDBPyConnection) -> None:
    flux_of_one: Row = {"phot_g_mean_mag": 25.6873668671}
    far = [99.0] * 55
    rows: list[Row] = [
        flux_of_one, {**flux_of_one, "apogee_id": NULL, "bp_coefficients": far},
        {**flux_of_one, "bp_coefficients": [float("nan")] * 55}, {**flux_of_one, "bp_coefficients": NULL},
    ]  # fmt: skip
    create(con, "marts.star_observations", OBSERVED, rows)
    np.testing.assert_allclose(result(con, "marts/token_ranges", "bp_high")[0], 1e-3, rtol=1e-6)


def zero_points(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[int, float | None]:
    create(con, "staging.gaia_source", GAIA, [{**row, "source_id": i} for i, row in enumerate(rows)])
    return dict(result(con, "marts/parallax_zero_point", "source_id, zero_point_mas"))


def test_the_parallax_zero_point_is_that_of_lindegren_and_leung(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    n = 400
    g = np.concatenate(
        [rng.uniform(6.001, 20.999, n - 12), [6.1, 10.8, 11.2, 11.8, 12.2, 12.9, 13.1, 15.9, 16.1, 17.5, 19, 20]]
    )
    colour, pseudocolour, latitude = rng.uniform(1.101, 1.899, n), rng.uniform(1.241, 1.719, n), rng.uniform(-90, 90, n)
    solved = rng.choice([31, 95], n)
    zpt.load_tables()
    expected = zpt.get_zpt(g, colour, pseudocolour, latitude, solved) + 0.005 * np.clip(g - 13, 0, 4)
    columns = zip(g.tolist(), colour.tolist(), pseudocolour.tolist(), latitude.tolist(), solved.tolist(), strict=True)
    rows: list[Row] = [
        {"phot_g_mean_mag": a, "nu_eff_used_in_astrometry": b, "pseudocolour": c, "ecl_lat": d,
         "astrometric_params_solved": e} for a, b, c, d, e in columns
    ]  # fmt: skip
    found = zero_points(con, rows)
    np.testing.assert_allclose([found[i] for i in range(n)], expected, rtol=0, atol=1e-6)


def test_outside_of_its_validity_there_is_no_zero_point(con: duckdb.DuckDBPyConnection) -> None:
    rows: list[Row] = [
        {"phot_g_mean_mag": 6.0}, {"phot_g_mean_mag": 21.0}, {"nu_eff_used_in_astrometry": 1.1},
        {"nu_eff_used_in_astrometry": 1.9}, {"nu_eff_used_in_astrometry": NULL}, {"astrometric_params_solved": 3},
        {"astrometric_params_solved": 95, "pseudocolour": 1.24}, {"astrometric_params_solved": 95, "pseudocolour": 1.72},
    ]  # fmt: skip
    assert zero_points(con, rows) == {}


def test_the_training_set_holds_the_chosen_stars_and_no_coefficients_of_poor_spectra(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows: list[Row] = [
        {"source_id": 1}, {"source_id": 2, "bp_coefficients": NULL}, {"source_id": 3, "ruwe": 2.0},
    ]  # fmt: skip
    create(con, "marts.star_observations", OBSERVED, rows)
    create(con, "marts.token_ranges", RANGES, [{}])
    con.execute("create table marts.stars as " + read_sql("marts/stars"))
    found = result(con, "marts/training_set", "source_id, bp_gnorm is not null, rp_gnorm is not null, teff")
    assert found == [(1, True, True, 4800.0), (2, False, False, 4800.0)]
    names = con.sql(read_sql("marts/training_set")).columns
    assert names[:7] == [
        "source_id", "split", "phot_g_mean_mag", "bp_gnorm", "bp_gnorm_error", "rp_gnorm", "rp_gnorm_error",
    ]  # fmt: skip
    tokens = ("bprp", "jh", "jk", "teff", "logg", "m_h", "logebv", "g_fakemag")
    assert sorted(names[7:]) == sorted([*tokens, *(f"{token}_error" for token in tokens)])


def test_every_cut_is_counted_on_top_of_those_before(con: duckdb.DuckDBPyConnection) -> None:
    rows: list[Row] = [
        {}, {"bp_coefficients": NULL, "apogee_id": "2M2"}, {"ruwe": 2.0, "tmass_designation": NULL}, {"bp_rp": 5.0},
        {"phot_g_mean_mag": 18.0}, {"phot_bp_rp_excess_factor": 3.0}, {"starflag": 4}, {"bp_coefficients": [1e6] * 55},
    ]  # fmt: skip
    create(con, "marts.star_observations", OBSERVED, [{**row, "source_id": i} for i, row in enumerate(rows)])
    create(con, "marts.token_ranges", RANGES, [{}])
    con.execute("create table marts.stars as " + read_sql("marts/stars"))
    create(con, "staging.gaia_source", GAIA, [{"source_id": i} for i in range(len(rows))])
    create(con, "staging.xp_spectrum", XP, [{"source_id": i} for i in (0, 2)])
    create(con, "staging.twomass", TWOMASS, [{}, {"designation": "nobody's"}])
    create(con, "staging.apogee", APOGEE, [{}, {}, {"apogee_id": "2M2"}, {"apogee_id": "nobody's"}])
    create(con, "crossmatch.later_sources", {"earlier_source_id": 1, "num_neighbours": 1}, [])
    assert result(con, "marts/cuts", "step") == list(range(1, 17))
    assert result(con, "marts/cuts", "rows_left") == [8, 2, 7, 1, 4, 3, 1, 7, 6, 5, 4, 3, 2, 1, 1, 2]
