"""Tables of a few rows for the tests of ``sql/``: what is not said of a row is that of an ordinary star."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from stellarfm.resources import read_sql
from stellarfm.rules import install_rules
from stellarfm.surveys.selection import choose_surveys

Row = dict[str, Any]

NULL = None
FLAT = [1e-3] * 55

GAIA: Row = {
    "source_id": 1, "ref_epoch": 2016.0, "ra": 10.0, "ra_error": 0.02, "dec": 20.0, "dec_error": 0.02, "l": 120.0, "b": -43.0,
    "ecl_lat": 14.0, "parallax": 1.0, "parallax_error": 0.02, "pmra": 3.0, "pmra_error": 0.02, "pmdec": -4.0,
    "pmdec_error": 0.02, "ruwe": 1.0, "astrometric_params_solved": 31, "nu_eff_used_in_astrometry": 1.5, "pseudocolour": NULL,
    "phot_g_mean_mag": 14.0, "phot_bp_mean_mag": 14.4, "phot_rp_mean_mag": 13.4, "phot_g_mean_flux_over_error": 1000.0,
    "phot_bp_mean_flux_over_error": 200.0, "phot_rp_mean_flux_over_error": 300.0, "bp_rp": 1.0, "phot_bp_rp_excess_factor": 1.2,
    "has_xp_continuous": True, "radial_velocity": NULL, "phot_variable_flag": "NOT_AVAILABLE", "parallax_zero_point": NULL,
}  # fmt: skip

XP: Row = {
    "source_id": 1, "bp_coefficients": FLAT, "bp_coefficient_errors": [1e-5] * 55, "bp_n_relevant_bases": 55,
    "rp_coefficients": FLAT, "rp_coefficient_errors": [1e-5] * 55, "rp_n_relevant_bases": 55,
}  # fmt: skip

TWOMASS: Row = {
    "designation": "00400000+2000000", "ra": 10.0, "dec": 20.0, "position_error_arcsec": 0.08, "epoch_year": 1999.5, "j": 12.5,
    "j_error": 0.03, "h": 12.0, "h_error": 0.04, "ks": 11.9, "ks_error": 0.03, "ph_qual": "AAA", "cc_flg": "000",
    "bl_flg": "111", "gal_contam": 0,
}  # fmt: skip

APOGEE: Row = {
    "apogee_id": "2M00400000+2000000", "telescope": "apo25m", "field": "120-43", "ra": 10.0, "dec": 20.0, "gaia_source_id": 1,
    "nvisits": 3, "snr": 100.0, "starflag": 0, "aspcapflag": 0, "extratarg": 0, "teff": 4800.0, "teff_error": 20.0,
    "logg": 2.5, "logg_error": 0.05, "m_h": -0.2, "m_h_error": 0.02, "j": 12.5, "j_error": 0.03, "h": 12.0, "h_error": 0.04,
    "k": 11.9, "k_error": 0.03,
}  # fmt: skip

CROSSWALK: Row = {
    "source_id": 1, "earlier_source_id": 1, "angular_distance": 10.0, "magnitude_difference": 0.01, "probable_match": True,
}  # fmt: skip

EARLIER: Row = {"source_id": 1, "earlier_source_id": 1, "earlier_source_ids": [1]}
"""A row of ``crossmatch.earlier_sources``."""

EXTINCTION: Row = {"source_id": 1, "logebv": -2.0, "logebv_error": 0.2, "map": "Combined19"}

OBSERVED: Row = {
    **GAIA, **{name: value for name, value in XP.items() if name != "source_id"}, "tmass_designation": "00400000+2000000",
    "tmass_separation_arcsec": 0.1, "tmass_num_neighbours": 1, "j": 12.5, "j_error": 0.03, "h": 12.0, "h_error": 0.04,
    "ks": 11.9, "ks_error": 0.03, "apogee_id": "2M00400000+2000000", "apogee_snr": 100.0, "apogee_num_rows": 1, "starflag": 0,
    "aspcapflag": 0, "teff": 4800.0, "teff_error": 20.0, "logg": 2.5, "logg_error": 0.05, "m_h": -0.2, "m_h_error": 0.02,
    "logebv": -2.0, "logebv_error": 0.2, "zero_point_mas": -0.04,
    "earlier_source_id": NULL, "earlier_source_ids": [],
}  # fmt: skip
"""A row of ``marts.star_observations`` that passes every cut."""

RANGES: Row = {"bp_low": [-1.0] * 55, "bp_high": [1.0] * 55, "rp_low": [-1.0] * 55, "rp_high": [1.0] * 55}

_TYPES = {int: "bigint", float: "double", str: "varchar", bool: "boolean", list: "float[]", type(None): "double"}


def connection(release: str = "Gaia DR3") -> duckdb.DuckDBPyConnection:
    """Return an empty database that knows the rules of ``sql/macros.sql``."""
    con = duckdb.connect()
    install_rules(con, choose_surveys(release))
    return con


def create(con: duckdb.DuckDBPyConnection, name: str, usual: Row, rows: list[Row]) -> None:
    """Make a table of rows, each the usual one but for what is given."""
    unknown = {column for row in rows for column in row} - set(usual)
    assert not unknown, f"{name} has no columns {unknown}"
    if "." in name:
        con.execute(f"create schema if not exists {name.rpartition('.')[0]}")
    con.execute(f"create table {name} ({', '.join(f'{key} {_TYPES[type(value)]}' for key, value in usual.items())})")
    filled = pa.Table.from_pylist([usual | row for row in rows] or [usual])  # inserting row by row takes seconds
    con.register("filled", filled)
    con.execute(f"insert into {name} from filled limit {len(rows)}")
    con.unregister("filled")


def result(
    con: duckdb.DuckDBPyConnection, name: str, columns: str = "*", parameters: Mapping[str, Any] | None = None
) -> list[Any]:
    """Return the rows of one relation of ``sql/``; of a single column its values."""
    rows = con.execute(f"select {columns} from ({read_sql(name)})", dict(parameters or {})).fetchall()
    return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows
