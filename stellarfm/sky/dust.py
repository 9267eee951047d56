"""Dust between the stars and us: how much, and what it takes from each wavelength."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.limits import check_limits

Floats = NDArray[np.float64]

_SCALE_HEIGHT_PC, _SCALE_LENGTH_KPC, _SUN_KPC = 100.0, 3.5, 8.178
_MAG_PER_KPC = 0.48
"""E(B-V) per kpc in the plane near the Sun, before clumpiness."""

_BUBBLE_PC = 60.0
"""Radius of the local bubble, which has no dust."""

_FLATTEST_SIN_B = 0.01
"""Smallest |sin b| that counts: a sight line exactly in the plane would never rise out of the dust."""

_KNOTS_R_V = (2.3, 2.6, 3.1, 3.6, 4.2, 5.6)
"""R_V at which the law is evaluated, from end to end of its range of validity."""


def reddening(distance_pc: Floats, galactic_l: Floats, galactic_b: Floats, clumpiness: Floats) -> Floats:
    """Return E(B-V) in mag along sight lines through an exponential disc of dust outside of the local bubble.

    The means are those of Drimmel & Spergel (2001) near the Sun.

    Parameters
    ----------
    distance_pc
        Shape (N,): distance, parsec.
    galactic_l, galactic_b
        Shape (N,): galactic coordinates, degrees.
    clumpiness
        Shape (N,): factor of each sight line; clouds make it log-normal.

    Returns
    -------
    ndarray, shape (N,)
        E(B-V), mag; 0 inside the bubble.
    """
    # along a sight line the density goes as exp(-rate s), for it falls with height above the plane and with distance from the
    # centre; the reddening is its integral from the edge of the bubble to the star
    sin_b = np.maximum(np.abs(np.sin(np.radians(galactic_b))), _FLATTEST_SIN_B)
    inward = np.cos(np.radians(galactic_l)) * np.cos(np.radians(galactic_b))
    rate = sin_b / _SCALE_HEIGHT_PC - inward / (1000 * _SCALE_LENGTH_KPC)
    rate = np.where(np.abs(rate) < 1e-7, 1e-7, rate)  # a constant density would divide 0 by 0
    # not beyond the distance of the centre: towards it the exponential would grow for ever
    end = np.minimum(np.maximum(distance_pc, _BUBBLE_PC), 1000 * _SUN_KPC)
    path_pc = (np.exp(-rate * _BUBBLE_PC) - np.exp(-rate * end)) / rate
    return np.asarray(_MAG_PER_KPC * path_pc / 1000 * clumpiness)


@cache
def _laws(wavelengths_nm: tuple[float, ...]) -> Floats:
    """Return A(wavelength) for unit E(B-V) at each knot of R_V, shape (K, W)."""
    from dust_extinction.parameter_averages import F99

    # `evaluate` takes wavenumbers in 1/micron as bare numbers and gives A / A(V); times R_V = A(V) / E(B-V) it is A / E(B-V)
    inverse_micron = 1000 / np.asarray(wavelengths_nm)
    return np.stack([np.asarray(F99(Rv=r_v).evaluate(inverse_micron, r_v)) * r_v for r_v in _KNOTS_R_V])


def extinction(wavelengths_nm: Floats, ebv: Floats, r_v: Floats) -> Floats:
    """Return A(wavelength) in mag: Fitzpatrick (1999), linear in R_V between knots.

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    ebv, r_v
        Shape (N,); E(B-V) in mag.

    Returns
    -------
    ndarray, shape (N, W)
        Magnitudes.

    Raises
    ------
    ValueError
        If E(B-V) or R_V is outside of the limits of `stellarfm.sky.limits`.
    """
    from stellarfm.sky.features import linear_weights

    check_limits(ebv=ebv, r_v=r_v)
    # interpolated between a few laws: one matrix product for all stars instead of a law for each
    laws = _laws(tuple(np.asarray(wavelengths_nm, dtype=float)))
    return np.asarray((ebv[:, None] * linear_weights(np.array(_KNOTS_R_V), r_v)) @ laws)
