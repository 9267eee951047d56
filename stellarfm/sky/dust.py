"""Dust between the stars and us: how much, and what it takes from each wavelength."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SCALE_HEIGHT_PC = 100.0
_MAG_PER_KPC = 0.42
NO_DUST_LOGEBV = -7.0
"""Value of ln E(B-V) that stands for none (Leung & Bovy 2024)."""


def reddening(distance_pc: Floats, galactic_b: Floats, clumpiness: Floats) -> Floats:
    """Return E(B-V) in mag along sight lines through an exponential layer.

    Parameters
    ----------
    distance_pc
        Distance, parsec.
    galactic_b
        Galactic latitude, degrees.
    clumpiness
        Factor of each sight line: clouds make it log-normal.
    """
    sin_b = np.maximum(np.abs(np.sin(np.radians(galactic_b))), 0.02)
    path_pc = _SCALE_HEIGHT_PC / sin_b * (1 - np.exp(-distance_pc * sin_b / _SCALE_HEIGHT_PC))
    return _MAG_PER_KPC * path_pc / 1000 * clumpiness


@cache
def _law(r_v: float, wavelengths_nm: tuple[float, ...]) -> Floats:
    from dust_extinction.parameter_averages import F99

    inverse_micron = 1000 / np.asarray(wavelengths_nm)
    return np.asarray(F99(Rv=r_v).evaluate(inverse_micron, r_v)) * r_v


def extinction(wavelengths_nm: Floats, ebv: Floats, r_v: Floats) -> Floats:
    """Return A(wavelength) in mag: Fitzpatrick (1999), linear in R_V between 2.6 and 3.6.

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    ebv, r_v
        Shape (N,).

    Returns
    -------
    ndarray, shape (N, W)
    """
    key = tuple(np.asarray(wavelengths_nm, dtype=float))
    low, high = _law(2.6, key), _law(3.6, key)
    share = (r_v - 2.6)[:, None]
    return ebv[:, None] * (low * (1 - share) + high * share)
