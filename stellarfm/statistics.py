"""Robust statistics: the scale of the median absolute deviation, once. Needs numpy alone."""

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA = 1.4826
"""Scale that makes the median absolute deviation of a Gaussian its standard deviation: 1 / ndtri(0.75), as Leung & Bovy (2024)
round it."""


def mad_scatter(residual: NDArray[np.floating]) -> float:
    """Return 1.4826 times the median absolute deviation from the median, in the unit of `residual`; NaN if nothing is finite.

    Parameters
    ----------
    residual
        Any shape; what is not finite is left out.
    """
    finite = residual[np.isfinite(residual)]
    if finite.size == 0:
        return float("nan")
    return float(MAD_TO_SIGMA * np.median(np.abs(finite - np.median(finite))))
