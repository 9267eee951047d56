"""Gaia's `xp_continuous_mean_spectrum` as its archive gives it: noisy coefficients, errors and relevant bases."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.sky.gaia import column
from stellarfm.sky.observed import Observed
from stellarfm.sky.release import NUM_BP, NUM_COEFFICIENTS, ZERO_POINTS
from stellarfm.sky.xp_errors import coefficient_errors, relevant_bases

Floats = NDArray[np.float64]

_NEIGHBOUR_WEIGHT = 0.15
_MEAN_MAG, _WIDTH_MAG = {"bp": 13.8, "rp": 12.2}, {"bp": 2.0, "rp": 1.75}
"""Mean and spread of BP and RP in the sample, which make a deviate of a magnitude."""

_BRIGHTNESS, _COMMON = {"bp": 0.80, "rp": 0.66}, 0.30
"""Correlation of the number of relevant bases with brightness, and with that of the other band."""


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

    Returns
    -------
    Table
        R rows in the columns of the archive: coefficients times the G flux of the star, as they are published.
    """
    n = len(source)
    g = seen.gaia[:, 0]
    transits = np.exp(0.22 * rng.standard_normal(n))
    errors = coefficient_errors(g, transits)
    # noise is drawn for unit G flux, where errors are tabulated, and scaled to the flux of the star afterwards
    flux = 10 ** ((ZERO_POINTS[0] - g) / 2.5)
    coefficients = (seen.calibrated + errors * _noise(rng, n)) * flux[:, None]
    errors = errors * flux[:, None]
    has = source["has_xp_continuous"].to_numpy(zero_copy_only=False)
    columns: dict[str, pa.Array] = {"source_id": source["source_id"].combine_chunks().filter(pa.array(has))}
    common = rng.standard_normal(n)
    for place, band in ((slice(0, NUM_BP), "bp"), (slice(NUM_BP, NUM_COEFFICIENTS), "rp")):
        columns[f"{band}_coefficients"] = _lists(coefficients[has, place])
        columns[f"{band}_coefficient_errors"] = _lists(errors[has, place])
        columns[f"{band}_n_relevant_bases"] = pa.array(relevant_bases(band, _depth(rng, band, seen, common))[has])
        columns[f"{band}_standard_deviation"] = column(1 + 0.05 * rng.standard_normal(int(has.sum())), pa.float32())
        columns[f"{band}_n_measurements"] = pa.array(np.rint(1500 / transits[has] ** 2).astype(np.int16))
    return pa.table(columns)


def _noise(rng: np.random.Generator, n: int) -> Floats:
    """Return deviates of unit variance, shape (N, 110): errors of neighbouring orders are correlated a little."""
    independent = rng.standard_normal((n, NUM_COEFFICIENTS))
    weight = _NEIGHBOUR_WEIGHT  # of two neighbours each; what is left keeps the variance at 1
    mixed = np.sqrt(1 - 2 * weight**2) * independent
    for band in (slice(0, NUM_BP), slice(NUM_BP, NUM_COEFFICIENTS)):
        mixed[:, band] += weight * (np.roll(independent[:, band], 1, axis=1) - np.roll(independent[:, band], 3, axis=1))
    return np.asarray(mixed)


def _depth(rng: np.random.Generator, band: str, seen: Observed, common: Floats) -> Floats:
    """Return deviates that say how many bases a spectrum needs: few for faint stars, and much chance."""
    bright = _BRIGHTNESS[band]
    magnitude = seen.gaia[:, 1 if band == "bp" else 2]
    deviate = (magnitude - _MEAN_MAG[band]) / _WIDTH_MAG[band]
    # three parts whose squares sum to 1: magnitude, what both bands share, and chance
    independent = np.sqrt(1 - bright**2 - _COMMON**2) * rng.standard_normal(len(common))
    return np.asarray(bright * deviate + _COMMON * common + independent)


def _lists(values: Floats) -> pa.Array:
    """Return a list column of 32-bit floats from rows of a matrix."""
    flat = pa.array(values.astype(np.float32).ravel())
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(offsets, flat)
