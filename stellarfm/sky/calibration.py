"""What the calibration of XP spectra leaves: smooth errors in wavelength that no formal error knows of.

They make the errors of a star's coefficients correlated, and set a floor for bright stars: the part of what comparisons
with spectrophotometric standards find (Montegriffo et al. 2023) that differs from star to star.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.features import linear_weights
from stellarfm.sky.xp import instrument

Floats = NDArray[np.float64]

_NODES_NM = np.array([336.0, 370, 400, 430, 470, 520, 580, 640, 700, 770, 850, 930, 1020])
_SHARES = np.array([0.012, 0.008, 0.005, 0.004, 0.003, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.003, 0.006])


def draw_calibration(rng: np.random.Generator, coefficients: Floats) -> Floats:
    """Return errors of coefficients, shape (N, 110), for coefficients of the same shape.

    Parameters
    ----------
    rng
        Source of randomness: one smooth curve a star.
    coefficients
        Noiseless coefficients.
    """
    to_flux, to_coefficients = _maps()
    curve = (_SHARES * rng.standard_normal((len(coefficients), len(_NODES_NM)))) @ _hats()
    return np.asarray(((coefficients @ to_flux) * curve) @ to_coefficients)


@cache
def _hats() -> Floats:
    return np.ascontiguousarray(linear_weights(_NODES_NM, instrument().wavelengths_nm).T)


@cache
def _maps() -> tuple[Floats, Floats]:
    maps = instrument()
    return np.ascontiguousarray(maps.design.T), np.ascontiguousarray(maps.inverse.T)
