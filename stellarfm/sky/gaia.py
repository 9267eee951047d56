"""Gaia DR3 as its archive gives it: `gaia_source` and `xp_continuous_mean_spectrum`."""

import numpy as np
import pyarrow as pa
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from stellarfm.sky.astrometry import ecliptic_latitude
from stellarfm.sky.observed import Observed
from stellarfm.sky.xp import ZERO_POINTS, coefficient_errors, relevant_bases

Floats = NDArray[np.float64]

XP_LIMIT_MAG = 17.65
"""XP continuous spectra were published to this G (De Angeli et al. 2023)."""

_PARALLAX_ERROR = (
    [6, 9, 13, 14, 15, 16, 17, 18, 19, 20],
    [0.030, 0.016, 0.014, 0.018, 0.026, 0.040, 0.066, 0.115, 0.2, 0.4],
)


def source_ids(ra: Floats, dec: Floats, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return identifiers as Gaia makes them: the HEALPix pixel of order 12, nested, in the upper bits.

    Parameters
    ----------
    ra, dec
        Degrees.
    index
        Running number of the star, below 2^28: what makes identifiers of one pixel differ.
    """
    from astropy import units

    pixel = HEALPix(nside=2**12, order="nested").lonlat_to_healpix(ra * units.deg, dec * units.deg)
    return (pixel.astype(np.int64) << 35) | (index << 7)


def gaia_source(
    rng: np.random.Generator, ids: NDArray[np.int64], seen: Observed, galactic: tuple[Floats, Floats]
) -> pa.Table:
    """Return `gaia_source` rows for N stars, with errors and flaws drawn.

    Parameters
    ----------
    rng
        Source of randomness.
    ids
        Source identifiers.
    seen
        What arrives.
    galactic
        Galactic longitude and latitude, degrees.
    """
    n = len(ids)
    g = seen.gaia[:, 0]
    poor = rng.random(n) < 0.07
    ruwe = np.where(poor, 1.4 + rng.exponential(1.5, n), 1 + 0.06 * rng.standard_normal(n))
    sigma = np.interp(g, *_PARALLAX_ERROR) * np.exp(0.15 * rng.standard_normal(n)) * np.where(poor, 2.5, 1)
    two = rng.random(n) < 0.004
    six = rng.random(n) < 0.08
    true_parallax = 1000 / seen.distance_pc
    parallax = true_parallax - 0.033 + sigma * rng.standard_normal(n)
    snr = 10 ** (-0.2 * (g - 16.0))
    over_error = np.stack([6000 * snr, 350 * snr, 450 * snr], axis=1).clip(3, 30000) * np.exp(
        0.2 * rng.standard_normal((n, 3))
    )
    magnitudes = seen.gaia + 1.0857 / over_error * rng.standard_normal((n, 3))
    no_colour = rng.random(n) < 0.003
    bp, rp = np.where(no_colour, np.nan, magnitudes[:, 1]), np.where(no_colour, np.nan, magnitudes[:, 2])
    excess = 1.16 + 0.05 * (bp - rp) + 0.02 * np.abs(rng.standard_normal(n)) + np.where(rng.random(n) < 0.01, 1.2, 0)
    pm_sigma = 1.2 * sigma
    solved = np.where(two, 3, np.where(six, 95, 31))
    colour = 1.65 - 0.11 * np.nan_to_num(bp - rp, nan=1.3)
    radial_velocity = np.where((g < 14) & (rng.random(n) < 0.8), 40 * rng.standard_normal(n), np.nan)
    f32, nothing = pa.float32(), two
    columns = {
        "source_id": pa.array(ids),
        "ref_epoch": pa.array(np.full(n, 2016.0)),
        "ra": pa.array(seen.ra),
        "ra_error": _column(0.8 * sigma, f32),
        "dec": pa.array(seen.dec),
        "dec_error": _column(0.8 * sigma, f32),
        "l": pa.array(galactic[0]),
        "b": pa.array(galactic[1]),
        "ecl_lat": pa.array(ecliptic_latitude(seen.ra, seen.dec)),
        "parallax": _column(np.where(nothing, np.nan, parallax), pa.float64()),
        "parallax_error": _column(np.where(nothing, np.nan, sigma), f32),
        "pmra": _column(np.where(nothing, np.nan, seen.pm_east + pm_sigma * rng.standard_normal(n)), pa.float64()),
        "pmra_error": _column(np.where(nothing, np.nan, pm_sigma), f32),
        "pmdec": _column(np.where(nothing, np.nan, seen.pm_north + pm_sigma * rng.standard_normal(n)), pa.float64()),
        "pmdec_error": _column(np.where(nothing, np.nan, pm_sigma), f32),
        "ruwe": _column(np.where(nothing, np.nan, ruwe), f32),
        "astrometric_params_solved": pa.array(solved.astype(np.int16)),
        "nu_eff_used_in_astrometry": _column(np.where(solved == 31, colour, np.nan), f32),
        "pseudocolour": _column(np.where(solved == 95, colour, np.nan), f32),
        "phot_g_mean_mag": _column(magnitudes[:, 0], f32),
        "phot_bp_mean_mag": _column(bp, f32),
        "phot_rp_mean_mag": _column(rp, f32),
        "phot_g_mean_flux_over_error": _column(over_error[:, 0], f32),
        "phot_bp_mean_flux_over_error": _column(np.where(no_colour, np.nan, over_error[:, 1]), f32),
        "phot_rp_mean_flux_over_error": _column(np.where(no_colour, np.nan, over_error[:, 2]), f32),
        "bp_rp": _column((bp.astype(np.float32) - rp.astype(np.float32)), f32),
        "phot_bp_rp_excess_factor": _column(excess, f32),
        "has_xp_continuous": pa.array((g < XP_LIMIT_MAG) & ~no_colour & (rng.random(n) < 0.97)),
        "radial_velocity": _column(radial_velocity, f32),
        "phot_variable_flag": pa.array(np.where(rng.random(n) < 0.04, "VARIABLE", "NOT_AVAILABLE").tolist()),
    }
    return pa.table(columns)


def xp_spectra(rng: np.random.Generator, source: pa.Table, seen: Observed) -> pa.Table:
    """Return `xp_continuous_mean_spectrum` rows of the stars of `source` that have one.

    Parameters
    ----------
    rng
        Source of randomness.
    source
        The `gaia_source` rows, N.
    seen
        What arrives from the same N stars.
    """
    n = len(source)
    g = seen.gaia[:, 0]
    transits = np.exp(0.2 * rng.standard_normal(n))
    errors = coefficient_errors(g, transits)
    flux = 10 ** ((ZERO_POINTS[0] - g) / 2.5)
    coefficients = (seen.coefficients + errors * rng.standard_normal(errors.shape)) * flux[:, None]
    errors = errors * flux[:, None]
    depth = _rank(0.75 * (g - 13.0) / 1.9 + 0.66 * rng.standard_normal(n))
    has = source["has_xp_continuous"].to_numpy(zero_copy_only=False)
    columns: dict[str, pa.Array] = {"source_id": source["source_id"].combine_chunks().filter(pa.array(has))}
    for place, band in ((slice(0, 55), "bp"), (slice(55, 110), "rp")):
        columns[f"{band}_coefficients"] = _lists(coefficients[has, place])
        columns[f"{band}_coefficient_errors"] = _lists(errors[has, place])
        columns[f"{band}_n_relevant_bases"] = pa.array(relevant_bases(band, depth[has]))
        columns[f"{band}_standard_deviation"] = _column(1 + 0.05 * rng.standard_normal(int(has.sum())), pa.float32())
        columns[f"{band}_n_measurements"] = pa.array((1500 / transits[has] ** 2).astype(np.int16))
    return pa.table(columns)


def _rank(deviate: Floats) -> Floats:
    """Return the rank in (0, 1) of standard normal deviates."""
    from scipy.stats import norm

    return np.asarray(norm.cdf(deviate))


def _column(values: Floats, kind: pa.DataType) -> pa.Array:
    """Return a column where NaN became NULL, as the archive gives it."""
    return pa.array(values, mask=np.isnan(values)).cast(kind)


def _lists(values: Floats) -> pa.Array:
    """Return a list column of 32-bit floats from rows of a matrix."""
    flat = pa.array(values.astype(np.float32).ravel())
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(offsets, flat)
