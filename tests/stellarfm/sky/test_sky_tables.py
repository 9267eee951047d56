"""The six tables are what archives give: names, fill values and flaws; and they do not depend on how they were made."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from threadpoolctl import threadpool_limits

from stellarfm.sky import simulate as sky

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sky.simulate_range(3, 0, 4000)


def _column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy(zero_copy_only=False)


def _truth(tables: Tables) -> Any:
    """The truth of stars in Gaia; identifiers stay integers, a float cannot hold them."""
    return tables["truth"].filter(pc.is_valid(tables["truth"]["source_id"])).to_pandas()


def _digest(tables: Tables) -> dict[str, str]:
    found = {}
    for name, table in tables.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        found[name] = hashlib.sha256(sink.getvalue()).hexdigest()
    return found


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tables: Tables) -> None:
    assert _digest(sky.simulate_range(3, 0, 4000)) == _digest(tables)
    assert _digest(sky.simulate_range(4, 0, 1000)) != _digest(sky.simulate_range(3, 0, 1000))


def test_the_number_of_threads_changes_nothing() -> None:
    """In these blocks one last digit would differ if two threads shared a product."""
    made = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            made.append(_digest(sky.simulate_range(7, 6000, 5000)))
    assert made[0] == made[1]


@pytest.mark.parametrize("chunk_size", [1, 1000, 2500, 10_000])
def test_chunks_change_nothing(tables: Tables, chunk_size: int) -> None:
    chunks = list(sky.simulate(4000, 3, chunk_size=chunk_size))
    joined = {name: pa.concat_tables([chunk[name] for chunk in chunks]) for name in sky.TABLES}
    assert _digest(joined) == _digest(tables)


def test_a_smaller_sky_is_the_beginning_of_a_larger_one(tables: Tables) -> None:
    small = sky.simulate_range(3, 0, 1500)
    ids = _column(small["gaia_source"], "source_id")
    assert np.array_equal(ids, _column(tables["gaia_source"], "source_id")[: len(ids)])
    assert len(small["truth"]) == 1500


def test_identifiers_are_unique_and_name_the_place(tables: Tables) -> None:
    ids = _column(tables["gaia_source"], "source_id")
    assert len(np.unique(ids)) == len(ids)
    from astropy import units
    from astropy_healpix import HEALPix

    ra, dec = (_column(tables["gaia_source"], name) * units.deg for name in ("ra", "dec"))
    assert np.array_equal(ids >> 35, HEALPix(nside=4096, order="nested").lonlat_to_healpix(ra, dec))


def test_epochs_are_those_of_the_surveys(tables: Tables) -> None:
    assert (_column(tables["gaia_source"], "ref_epoch") == 2016.0).all()
    year = 2000 + (_column(tables["twomass_psc"], "jdate") - 2451545) / 365.25
    assert year.min() > 1997.4 and year.max() < 2001.2


def test_stars_are_missing_from_one_survey_or_another(tables: Tables) -> None:
    n, sizes = 4000, {name: len(table) for name, table in tables.items()}
    assert n * 0.97 < sizes["gaia_source"] < n
    assert 0.9 * n < sizes["twomass_psc"] < n
    assert 0.9 * sizes["gaia_source"] < sizes["xp_continuous_mean_spectrum"] < sizes["gaia_source"]
    assert 0.6 * n < len(set(tables["apogee_allstar"]["APOGEE_ID"].to_pylist())) < 0.95 * n


def test_apogee_has_repeats_flags_failures_and_fill_values(tables: Tables) -> None:
    apogee = tables["apogee_allstar"]
    assert 1.04 < len(apogee) / len(set(apogee["APOGEE_ID"].to_pylist())) < 1.15
    assert ((_column(apogee, "EXTRATARG") & 16) > 0).any()
    assert 0.1 < np.mean(_column(apogee, "STARFLAG") != 0) < 0.5
    failed = (_column(apogee, "ASPCAPFLAG") & (1 << 23)) > 0
    assert np.isnan(_column(apogee, "TEFF")[failed]).mean() == pytest.approx(0.7, abs=0.1)
    assert (_column(apogee, "J") > 99).any() and (_column(apogee, "J_ERR") < -9000).any()
    assert (_column(apogee, "GAIAEDR3_SOURCE_ID") == 0).any()


def test_label_errors_grow_at_low_signal(tables: Tables) -> None:
    apogee = tables["apogee_allstar"]
    snr, error = _column(apogee, "SNR"), _column(apogee, "TEFF_ERR")
    assert np.nanmedian(error[snr < 40]) > 1.5 * np.nanmedian(error[snr > 200])


def test_labels_scatter_around_the_truth_by_about_their_errors(tables: Tables) -> None:
    truth = tables["truth"].to_pandas().dropna(subset=["apogee_id"]).set_index("apogee_id")
    apogee = tables["apogee_allstar"].to_pandas().dropna(subset=["TEFF"])
    alone = ~truth.loc[apogee["APOGEE_ID"], "is_blend"].to_numpy()
    off = (apogee["TEFF"].to_numpy() - truth.loc[apogee["APOGEE_ID"], "teff"].to_numpy())[alone]
    assert 15 < 1.4826 * np.median(np.abs(off)) < 45


def test_blends_are_one_source_of_2mass_and_two_of_gaia(tables: Tables) -> None:
    truth = tables["truth"].to_pandas()
    blends = truth[truth["is_blend"]]
    assert 0.01 < len(blends) / len(truth) < 0.06
    shared = blends.dropna(subset=["designation"])["designation"].value_counts()
    assert (shared == 2).mean() > 0.9


def test_coefficients_scatter_around_the_noiseless_ones_by_their_errors(tables: Tables) -> None:
    """The highest orders hold nothing but noise: their scatter is that which the errors state."""
    xp = tables["xp_continuous_mean_spectrum"]
    for band in ("bp", "rp"):
        values, errors = (np.stack(xp[f"{band}_coefficient{s}"].to_numpy()) for s in ("s", "_errors"))
        pull = (values / errors)[:, 46:54]
        assert 0.9 < 1.4826 * np.median(np.abs(pull - np.median(pull, axis=0))) < 1.5


def test_faint_stars_have_fewer_relevant_bases(tables: Tables) -> None:
    source = tables["gaia_source"].to_pandas().set_index("source_id")
    xp = tables["xp_continuous_mean_spectrum"].to_pandas().set_index("source_id")
    g = source.loc[xp.index, "phot_g_mean_mag"]
    for band in ("bp", "rp"):
        number = xp[f"{band}_n_relevant_bases"]
        assert number[g < 12].median() > 1.5 * number[g > 15].median()


def test_parallaxes_have_the_zero_point_and_errors_of_gaia(tables: Tables) -> None:
    both = tables["gaia_source"].to_pandas().merge(_truth(tables), on="source_id")
    good = both[(both["ruwe"] < 1.4) & both["parallax"].notna()]
    off = good["parallax"] - 1000 / good["distance_pc"]
    assert -0.045 < off.median() < -0.01
    assert 0.9 < (1.4826 * ((off - off.median()) / good["parallax_error"]).abs().median()) < 1.25


def test_the_map_gives_reddening_with_an_error_and_leaves_some_out(tables: Tables) -> None:
    both = tables["extinction"].to_pandas().merge(_truth(tables), on="source_id")
    assert 0.005 < both["logebv"].isna().mean() < 0.04
    dusty = both[(both["ebv"] > 0.01) & both["logebv"].notna()]
    pull = (dusty["logebv"] - np.log(dusty["ebv"])) / dusty["logebv_error"]
    assert 0.85 < 1.4826 * pull.abs().median() < 1.15
    assert (both.loc[both["ebv"] < 1e-3, "logebv"].dropna() == -7).all()


def test_colours_agree_with_the_spectra(tables: Tables) -> None:
    from stellarfm.sky.xp import instrument

    both: Any = (
        tables["gaia_source"].to_pandas().merge(tables["xp_continuous_mean_spectrum"].to_pandas(), on="source_id")
    )
    bright = both[both["phot_g_mean_mag"] < 13]
    coefficients = np.concatenate([np.stack(bright[f"{b}_coefficients"]) for b in ("bp", "rp")], axis=1).astype(float)
    synthetic = instrument().magnitudes(coefficients)
    assert np.abs(synthetic[:, 1] - synthetic[:, 2] - bright["bp_rp"].to_numpy()).mean() < 0.01
    assert np.abs(synthetic[:, 0] - bright["phot_g_mean_mag"].to_numpy()).mean() < 0.01
