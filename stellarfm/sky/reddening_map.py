"""The reddening of each source as a map of the dust in three dimensions would give it."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.rules import rule_value
from stellarfm.sky.observed import Observed

_NOTHING_MAG = 1e-3
"""E(B-V) below which the map shows no dust."""

_FRACTION_OUTSIDE = 0.02


def extinction_table(rng: np.random.Generator, ids: NDArray[np.int64], seen: Observed) -> pa.Table:
    """Return ln E(B-V) (E in mag) with its error, N rows, NULL for the few sight lines outside of the map.

    Parameters
    ----------
    rng
        Source of randomness.
    ids
        Source identifiers, shape (N,).
    seen
        What arrives from the same stars; its E(B-V) is the truth.
    """
    n = len(ids)
    sigma = 0.10 + 0.25 * rng.random(n) ** 2
    none = seen.ebv < _NOTHING_MAG
    # the error is one of the logarithm: a map is wrong by a factor. No dust is a value of its own, as in Leung & Bovy (2024)
    logebv = np.log(np.where(none, 1.0, seen.ebv)) + sigma * rng.standard_normal(n)
    no_dust = rule_value("no_dust_logebv")
    logebv = np.where(none | (logebv < no_dust), no_dust, logebv)
    outside = rng.random(n) < _FRACTION_OUTSIDE
    return pa.table(
        {
            "source_id": pa.array(ids),
            "logebv": pa.array(logebv, mask=outside).cast(pa.float32()),
            "logebv_error": pa.array(np.where(none, 0.0, sigma), mask=outside).cast(pa.float32()),
            "map": pa.array(["simulated layer"] * n),
        }
    )
