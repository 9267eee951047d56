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
# 1 sigma of the flux at each node: larger where BP and RP see little
_RELATIVE_ERRORS = np.array([0.012, 0.008, 0.005, 0.004, 0.003, 0.002, 0.002, 0.002, 0.002, 0.002, 0.002, 0.003, 0.006])


def draw_calibration(rng: np.random.Generator, coefficients: Floats) -> Floats:
    """Return errors of coefficients, shape (N, 110), for coefficients of the same shape.

    Parameters
    ----------
    rng
        Source of randomness: one smooth curve a star.
    coefficients
        Shape (N, 110): noiseless coefficients for unit G flux.
    """
    # a relative error is one of the flux: coefficients to flux, times the curve, and back
    to_flux, to_coefficients = _maps()
    curve = (_RELATIVE_ERRORS * rng.standard_normal((len(coefficients), len(_NODES_NM)))) @ _hats()
    return np.asarray(((coefficients @ to_flux) * curve) @ to_coefficients)


@cache
def _hats() -> Floats:
    """Return functions that are 1 at a node and fall to 0 at its neighbours, shape (13, 343)."""
    return np.ascontiguousarray(linear_weights(_NODES_NM, instrument().wavelengths_nm).T)


@cache
def _maps() -> tuple[Floats, Floats]:
    """Return the maps to flux, (110, 343), and back, (343, 110), laid out for fast products."""
    maps = instrument()
    return np.ascontiguousarray(maps.design.T), np.ascontiguousarray(maps.inverse.T)
