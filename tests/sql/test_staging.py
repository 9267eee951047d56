"""Staging: names, units and types; fill values become NULL, and nothing else is changed."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.sql.given import APOGEE as STAGED_APOGEE
from tests.sql.given import GAIA, connection, create, result


def staged(tmp_path: Path, name: str, columns: str, shown: str = "*") -> list[Any]:
    """Write one or more rows as the archive gives them, and return them as staged."""
    duckdb.execute(f"copy ({columns}) to '{tmp_path}/part.parquet'")
    return result(connection(), name, shown, {"files": [str(tmp_path / "part.parquet")]})


APOGEE = """select * replace ({changed}) from (
    select '2M00400000+2000000' as APOGEE_ID, 'apo25m' as TELESCOPE, '120-43' as FIELD, 10.0 as RA, 20.0 as DEC,
    1 as GAIAEDR3_SOURCE_ID, 3 as NVISITS, 100.0 as SNR, 0 as STARFLAG, 0 as ASPCAPFLAG, 0 as EXTRATARG, 4800.0 as TEFF,
    20.0 as TEFF_ERR, 2.5 as LOGG, 0.05 as LOGG_ERR, -0.2 as M_H, 0.02 as M_H_ERR, 12.5 as J, 0.03 as J_ERR, 12.0 as H,
    0.04 as H_ERR, 11.9 as K, 0.03 as K_ERR)"""

TWOMASS = """select * replace ({changed}) from (
    select '00400000+2000000' as designation, 10.0 as ra, 20.0 as dec, 0.09 as err_maj, 0.04 as err_min, 2451545.0 as jdate,
    12.5 as j_m, 0.03 as j_msigcom, 12.0 as h_m, 0.04 as h_msigcom, 11.9 as k_m, 0.03 as k_msigcom, 'AAA' as ph_qual,
    '000' as cc_flg, '111' as bl_flg, 0 as gal_contam)"""


@pytest.mark.parametrize("fill", ["-9999.0", "-9999.99", "'nan'::double", "null"])
@pytest.mark.parametrize("label", ["teff", "logg", "m_h"])
def test_fill_values_of_apogee_labels_become_null(tmp_path: Path, label: str, fill: str) -> None:
    query = APOGEE.format(changed=f"{fill} as {label.upper()}, {fill} as {label.upper()}_ERR")
    assert staged(tmp_path, "staging/apogee", query, f"{label}, {label}_error") == [(None, None)]


@pytest.mark.parametrize("fill", ["99.999", "-9999.99", "null"])
def test_fill_values_of_apogee_magnitudes_become_null(tmp_path: Path, fill: str) -> None:
    query = APOGEE.format(changed=f"{fill} as K, {fill} as K_ERR")
    assert staged(tmp_path, "staging/apogee", query, "j, k, k_error") == [(12.5, None, None)]


@pytest.mark.parametrize(
    ("given", "expected"), [("0", None), ("-1", None), ("4057224024226708992", 4057224024226708992)]
)
def test_an_apogee_row_without_a_gaia_source_has_null(tmp_path: Path, given: str, expected: int | None) -> None:
    query = APOGEE.format(changed=f"{given} as GAIAEDR3_SOURCE_ID")
    assert staged(tmp_path, "staging/apogee", query, "gaia_source_id") == [expected]


def test_good_apogee_values_stay_as_they_are(tmp_path: Path) -> None:
    shown = "apogee_id, teff, logg, m_h, m_h_error, starflag, h"
    rows = staged(tmp_path, "staging/apogee", APOGEE.format(changed="-0.5 as M_H"), shown)
    assert [tuple(map(str, row)) for row in rows] == [
        ("2M00400000+2000000", "4800.0", "2.5", "-0.5", "0.02", "0", "12.0")
    ]


def test_the_epoch_of_2mass_is_in_years_and_its_error_one_number(tmp_path: Path) -> None:
    query = TWOMASS.format(changed="2451545.0 + 365.25 as jdate")
    assert staged(tmp_path, "staging/twomass", query, "epoch_year, position_error_arcsec") == [
        (2001.0, pytest.approx(0.06))
    ]


def test_a_2mass_magnitude_that_was_not_measured_is_null(tmp_path: Path) -> None:
    query = TWOMASS.format(changed="99.999 as k_m, null as k_msigcom")
    rows = staged(tmp_path, "staging/twomass", query, "j::float, ks, ks_error")
    assert rows == [(12.5, None, None)]


def test_gaia_columns_keep_their_names(tmp_path: Path) -> None:
    names = list(GAIA)
    query = "select " + ", ".join(f"{i} as {name}" for i, name in enumerate(reversed([*names, "designation"])))
    assert staged(tmp_path, "staging/gaia_source", query, ", ".join(names)) == [tuple(range(31, 0, -1))]


def test_xp_coefficients_become_lists_of_numbers_whatever_the_file_holds(tmp_path: Path) -> None:
    given = "[1.5, null, 0.5]::double[3] as {0}_coefficients, [1, 2, 3] as {0}_coefficient_errors, 3 as {0}_n_relevant_bases"
    query = f"select 7 as source_id, {given.format('bp')}, {given.format('rp')}"
    shown = "typeof(bp_coefficients), bp_coefficients, rp_coefficient_errors"
    assert staged(tmp_path, "staging/xp_spectrum", query, shown) == [("FLOAT[]", [1.5, None, 0.5], [1.0, 2.0, 3.0])]


def test_extinction_is_taken_as_it_is_no_reddening_included(tmp_path: Path) -> None:
    query = "select 7 as source_id, -7.0::double as logebv, 0.1::double as logebv_error, 'map' as map, 1 as other"
    assert staged(tmp_path, "staging/extinction", query) == [(7, -7.0, 0.1, "map")]


def test_repeated_rows_of_a_star_are_one_star_on_the_sky() -> None:
    con = connection()
    create(
        con, "staging.apogee", STAGED_APOGEE, [{}, {"field": "other"}, {"apogee_id": "2M00500000+2000000", "ra": 12.5}]
    )
    assert result(con, "staging/apogee_stars") == [
        ("2M00400000+2000000", 10.0, 20.0),
        ("2M00500000+2000000", 12.5, 20.0),
    ]
