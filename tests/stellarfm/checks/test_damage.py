"""Damage planted in simulated archives: each kind is caught by a named rule before anything learns from it."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stellarfm.checks.report import CheckFailedError
from stellarfm.sky import simulate as sky

Spoil = Callable[[dict[str, pa.Table]], dict[str, pa.Table]]


def changed(table: pa.Table, **columns: pa.Array | pa.ChunkedArray) -> pa.Table:
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), values.cast(table.schema.field(name).type))
    return table


def scaled(archive: str, column: str, factor: float) -> Spoil:
    return lambda tables: {
        archive: changed(tables[archive], **{column: _chunked(pc.multiply(tables[archive][column], factor))})
    }


def moved(archive: str, column: str, by: float) -> Spoil:
    return lambda tables: {archive: changed(tables[archive], **{column: _chunked(pc.add(tables[archive][column], by))})}


def shifted(archive: str, *columns: str) -> Spoil:
    """Move columns one row down against the others, the last value to the top."""

    def spoil(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
        table = tables[archive]
        names = columns or tuple(table.column_names[1:])
        down = {name: _chunked(pa.concat_arrays([c.slice(len(c) - 1), c.slice(0, len(c) - 1)]))
                for name, c in ((name, pa.concat_arrays(table[name].chunks)) for name in names)}  # fmt: skip
        return {archive: changed(table, **down)}

    return spoil


def doubled(archive: str) -> Spoil:
    """Read a tenth of the rows twice."""
    return lambda tables: {
        archive: pa.concat_tables([tables[archive], tables[archive].slice(0, len(tables[archive]) // 10)])
    }


def cut_short(archive: str) -> Spoil:
    """Lose the last tenth of the rows."""
    return lambda tables: {archive: tables[archive].slice(0, 9 * len(tables[archive]) // 10)}


def swapped(archive: str, one: str, other: str) -> Spoil:
    return lambda tables: {
        archive: changed(
            tables[archive], **{one: _chunked(tables[archive][other]), other: _chunked(tables[archive][one])}
        )
    }


def flooded(archive: str, column: str) -> Spoil:
    """Let a third of the values become NaN."""

    def spoil(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
        values = tables[archive][column].to_numpy(zero_copy_only=False).astype(float).copy()
        values[::3] = np.nan
        return {archive: changed(tables[archive], **{column: pa.chunked_array([pa.array(values, from_pandas=False)])})}

    return spoil


def flooded_spectra(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    table = tables["xp_continuous_mean_spectrum"]
    lists = table["bp_coefficients"].combine_chunks()
    values = lists.flatten().to_numpy().copy()
    values[::7] = np.nan
    spoilt = pa.ListArray.from_arrays(lists.offsets, pa.array(values, from_pandas=False))
    return {"xp_continuous_mean_spectrum": changed(table, bp_coefficients=pa.chunked_array([spoilt]))}


def scaled_spectra(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    spoilt = {}
    for name in ("bp_coefficients", "rp_coefficients", "bp_coefficient_errors", "rp_coefficient_errors"):
        lists = tables["xp_continuous_mean_spectrum"][name].combine_chunks()
        values = pa.array(lists.flatten().to_numpy() * np.float32(1e-21))
        spoilt[name] = pa.chunked_array([pa.ListArray.from_arrays(lists.offsets, values)])
    return {"xp_continuous_mean_spectrum": changed(tables["xp_continuous_mean_spectrum"], **spoilt)}


def _chunked(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


GAIA, XP, TWOMASS, APOGEE, DUST = (
    "gaia_source",
    "xp_continuous_mean_spectrum",
    "twomass_psc",
    "apogee_allstar",
    "extinction",
)

DAMAGE = {
    "wrong unit: Teff in kK": (scaled(APOGEE, "TEFF", 1e-3), "staging.apogee: teff_is_in_kelvin"),
    "wrong unit: parallax in arcsec": (scaled(GAIA, "parallax", 1e-3), "staging.gaia_source: parallax_is_in_mas"),
    "wrong unit: positions in hours": (scaled(GAIA, "ra", 1 / 15), "staging.gaia_source: source_id_fits_position"),
    "wrong unit: spectra in W/m2": (scaled_spectra, "staging.xp_spectrum: rp_flux_is_in_electrons"),
    "shifted rows: all of Gaia but the identifier": (shifted(GAIA), "staging.gaia_source: source_id_fits_position"),
    "shifted rows: labels of APOGEE": (shifted(APOGEE, "TEFF", "LOGG", "M_H"), "staging.apogee: teff_follows_colour"),
    "shifted rows: designations of 2MASS": (shifted(TWOMASS), "staging.twomass: designation_fits_position"),
    "shifted rows: spectra": (shifted(XP), "staging.xp_spectrum: spectra_follow_magnitude"),
    "duplicated part of Gaia": (doubled(GAIA), "staging.gaia_source: source_id_is_unique"),
    "duplicated part of 2MASS": (doubled(TWOMASS), "staging.twomass: designation_is_unique"),
    "duplicated part of APOGEE": (doubled(APOGEE), "staging.apogee: entry_is_unique"),
    "truncated part of Gaia": (cut_short(GAIA), "staging.xp_spectrum: spectra_have_their_source"),
    "truncated part of XP": (cut_short(XP), "staging.gaia_source: promised_spectra_are_there"),
    "swapped columns: log g and [M/H]": (swapped(APOGEE, "LOGG", "M_H"), "staging.apogee: m_h_is_in_dex"),
    "swapped columns: J and Ks": (swapped(TWOMASS, "j_m", "k_m"), "staging.twomass: j_minus_ks_is_a_colour"),
    "swapped columns: BP and RP": (
        swapped(GAIA, "phot_bp_mean_mag", "phot_rp_mean_mag"),
        "staging.gaia_source: bands_share_their_zero_points",
    ),
    "drifted zero point of G": (
        moved(GAIA, "phot_g_mean_mag", 0.08),
        "staging.gaia_source: bands_share_their_zero_points",
    ),
    "drifted zero point of J": (moved(TWOMASS, "j_m", 0.03), "staging.apogee: j_fits_2mass"),
    "NaN flood in BP": (flooded(GAIA, "phot_bp_mean_mag"), "staging.gaia_source: numbers_are_finite"),
    "NaN flood in Teff": (flooded(APOGEE, "TEFF"), "staging.apogee: labels_have_errors"),
    "NaN flood in spectra": (flooded_spectra, "staging.xp_spectrum: coefficients_are_finite"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_caught_by_a_named_rule(damage, simulated, check_spoilt):
    spoil, caught_by = DAMAGE[damage]
    table, _, rule = caught_by.partition(": ")
    with pytest.raises(CheckFailedError) as caught:
        check_spoilt(table, spoil(simulated))
    assert table in str(caught.value)
    assert f" {rule}: " in str(caught.value)


def test_a_part_cut_short_in_transfer_has_fewer_rows_than_its_manifest(simulated, check_spoilt):
    with pytest.raises(CheckFailedError, match=r"staging\.twomass: rows_match_the_landing"):
        check_spoilt("staging.twomass", cut_short(TWOMASS)(simulated), manifest=simulated)


DRIFT = {
    "RUWE of Gaia": (moved(GAIA, "ruwe", 0.1), "staging.gaia_source", "ruwe_median_drift"),
    "H of 2MASS": (moved(TWOMASS, "h_m", 0.08), "staging.twomass", "hk_median_drift"),
    "metallicities": (moved(APOGEE, "M_H", 0.25), "staging.apogee", "m_h_median_drift"),
    "scatter of metallicities": (scaled(APOGEE, "M_H", 2), "staging.apogee", "m_h_mad_drift"),
    "reddening": (moved(DUST, "logebv", 0.8), "staging.extinction", "logebv_median_drift"),
}


@pytest.mark.parametrize("drift", DRIFT)
def test_what_drifts_from_the_accepted_snapshot_stops_the_run(drift, simulated, check_spoilt):
    spoil, table, rule = DRIFT[drift]
    with pytest.raises(CheckFailedError, match="stellarfm checks accept") as caught:
        check_spoilt(table, spoil(simulated), accepted=True)
    assert rule in {finding.rule for finding in caught.value.report.tables[0].critical}


def test_the_same_drift_passes_where_nothing_was_accepted(simulated, check_spoilt):
    spoil, table, _ = DRIFT["RUWE of Gaia"]
    assert not check_spoilt(table, spoil(simulated)).error


def test_another_selection_of_the_same_sky_is_no_drift(check_spoilt):
    report = check_spoilt("staging.gaia_source", sky.simulate_range(7, 3000, 3000), accepted=True)
    assert not report.tables[0].findings
