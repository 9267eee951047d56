"""The training file of Leung & Bovy (2024): given rows as their file has them, expected rows of the marts."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from stellarfm.resources import read_sql
from tests.sql.given import OBSERVED, RANGES, Row, connection, create

NAN = float("nan")
FILE: Row = {
    "row_in_file": 0, "tmass_designation": "00400000+2000000", "gaia_source_id": 5, "xp_coeffs_gnorm": [1e-3] * 110,
    "xp_coeffs_gnorm_err": [1e-5] * 110, "xp_relevancy": [True] * 110, "phot_g_mean_mag": 14.0, "parallax": 1.0,
    "parallax_err": 0.02, "bprp": 1.0, "bprp_err": 0.01, "jh": 0.5, "jh_err": 0.05, "jk": 0.6, "jk_err": 0.04, "teff": 4800.0,
    "teff_err": 20.0, "logg": 2.5, "logg_err": 0.05, "m_h": -0.2, "m_h_err": 0.02, "logc19": -2.0, "logc19_err": 0.2,
    "g_fakemag": 630.0, "g_fakemag_err": 12.0,
}  # fmt: skip
"""A row with everything."""
NO_XP: Row = {"xp_coeffs_gnorm": [NAN] * 110, "xp_coeffs_gnorm_err": [NAN] * 110, "xp_relevancy": [False] * 110}


def stars(tmp_path: Path, shown: str, *rows: Row) -> list[Any]:
    """Give rows of the file and return the stars, in the order of their identifiers."""
    given = [FILE | {"row_in_file": i} | row for i, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(given), tmp_path / "part.parquet")
    with connection() as con:
        con.execute("create schema staging")
        files = {"files": [str(tmp_path / "part.parquet")]}
        con.execute(f"create table staging.leung_bovy_2024 as {read_sql('staging/leung_bovy_2024')}", files)
        return list(con.execute(f"select {shown} from ({read_sql('marts/leung_bovy_2024_stars')})").fetchall())


def test_the_columns_are_those_of_marts_stars(tmp_path: Path) -> None:
    with connection() as con:
        create(con, "marts.star_observations", OBSERVED, [{}])
        create(con, "marts.token_ranges", RANGES, [{}])
        expected = con.sql(read_sql("marts/stars")).columns
    stars(tmp_path, "*", {})
    with connection() as con:
        con.execute("create schema staging")
        text = read_sql("staging/leung_bovy_2024").replace("$files", f"'{tmp_path}/part.parquet'")
        con.execute(f"create table staging.leung_bovy_2024 as {text}")
        assert con.sql(read_sql("marts/leung_bovy_2024_stars")).columns == expected


def test_tokens_are_taken_as_they_are(tmp_path: Path) -> None:
    shown = "source_id, bprp, jh, jk_error, teff, teff_error, logebv, logebv_error, g_fakemag, bp_gnorm[1], rp_gnorm_error[55]"
    found = stars(tmp_path, shown, {})[0]
    np.testing.assert_allclose(found, [5, 1, 0.5, 0.04, 4800, 20, -2, 0.2, 630, 1e-3, 1e-5], rtol=1e-6)


def test_nan_is_null(tmp_path: Path) -> None:
    names = ["parallax", "bprp", "jh", "jk", "teff", "logg", "m_h", "logc19", "g_fakemag"]
    given = {name + end: NAN for name in names for end in ("", "_err")} | {"phot_g_mean_mag": NAN}
    shown = "phot_g_mean_mag, parallax, bprp, jh_error, jk, teff, logg_error, m_h, logebv, g_fakemag, labels_are_good"
    assert stars(tmp_path, shown, given) == [(None,) * 10 + (False,)]


@pytest.mark.parametrize(("relevant", "kept"), [(0, 0), (1, 1), (30, 30), (51, 51), (52, 55), (53, 55)])
def test_coefficients_beyond_the_relevant_ones_are_unknown_and_the_highest_share_the_fate_of_order_51(
    tmp_path: Path, relevant: int, kept: int
) -> None:
    mask = [i < relevant for i in range(55)]
    columns = ("bp_gnorm", "bp_gnorm_error", "rp_gnorm", "rp_gnorm_error")
    shown = ", ".join(f"[c is not null for c in {column}::float[]]" for column in columns)
    for bands, expected in (((mask, mask), (kept, kept)), ((mask, [True] * 55), (kept, 55))):
        found = stars(tmp_path, shown, {"xp_relevancy": [*bands[0], *bands[1]]})[0]
        assert [sum(one) for one in found] == [expected[0], expected[0], expected[1], expected[1]]
        assert found[0] == [True] * expected[0] + [False] * (55 - expected[0])


@pytest.mark.parametrize(
    ("given", "is_gaia_good"), [({}, True), (NO_XP, False), ({"xp_coeffs_gnorm": [NAN, *[1.0] * 109]}, False)]
)
def test_a_star_with_all_coefficients_passed_every_cut(tmp_path: Path, given: Row, is_gaia_good: bool) -> None:
    cuts = "has_all_xp, xp_in_range, excess_factor_is_good, is_gaia_good"
    assert stars(tmp_path, f"{cuts}, is_apogee_only, in_training_set", given) == [
        (*[is_gaia_good] * 4, not is_gaia_good, True)
    ]


def test_of_the_rows_of_a_star_the_one_with_a_spectrum_speaks_then_that_of_most_labels(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"gaia_source_id": 2, **NO_XP}, {"gaia_source_id": 2, "teff": NAN, "logg": NAN, "m_h": NAN},
        {"gaia_source_id": 2, **NO_XP},
        {"gaia_source_id": 3, **NO_XP, "m_h": NAN}, {"gaia_source_id": 3, **NO_XP, "teff": 5000.0},
    ]  # fmt: skip
    found = stars(tmp_path, "source_id, has_all_xp, teff, apogee_num_rows", *rows)
    assert found == [(2, True, None, 3), (3, False, 5000.0, 2)]


@pytest.mark.parametrize("source_id", [0, 1, -1, -9999])
def test_a_row_without_a_gaia_source_has_an_identifier_of_its_designation(tmp_path: Path, source_id: int) -> None:
    rows: list[Row] = [{"gaia_source_id": source_id, "tmass_designation": name} for name in
                       ("00400000+2000000", "00400000+2000000", "00400001+2000000")]  # fmt: skip
    found = stars(tmp_path, "source_id, apogee_num_rows", *rows)
    assert sorted(number for _, number in found) == [1, 2]
    assert all(found_id < -1 for found_id, _ in found)


def test_the_split_is_that_of_the_other_training_set(tmp_path: Path) -> None:
    ids = [2, 17, 24, 4295806720, 4057224024226708992, *range(10**18, 10**18 + 200)]
    found = stars(tmp_path, "source_id, split", *({"gaia_source_id": i} for i in ids))
    with connection() as con:
        create(con, "marts.star_observations", OBSERVED, [{"source_id": i} for i in ids])
        create(con, "marts.token_ranges", RANGES, [{}])
        assert dict(found) == dict(con.execute(f"select source_id, split from ({read_sql('marts/stars')})").fetchall())


@pytest.mark.parametrize("name", ["00400000+2000000", "23595999-8959599", "17453712-2856102", "05242339-6945220"])
def test_the_position_is_that_of_the_designation(tmp_path: Path, name: str) -> None:
    """Given a designation, expected the middle of what it truncates, and the Galactic coordinates of astropy."""
    ra, dec, l_deg, b_deg = stars(tmp_path, "ra, dec, l, b", {"tmass_designation": name})[0]
    h, m, s, sign, d, dm, ds = name[:2], name[2:4], name[4:8], name[8], name[9:11], name[11:13], name[13:]
    named = SkyCoord(f"{h}h{m}m{s[:2]}.{s[2:]}s {sign}{d}d{dm}m{ds[:2]}.{ds[2:]}s")
    found = SkyCoord(ra * u.deg, dec * u.deg)
    assert named.separation(found).arcsec < 0.1
    assert SkyCoord(l_deg * u.deg, b_deg * u.deg, frame="galactic").separation(found.galactic).arcsec < 0.1
