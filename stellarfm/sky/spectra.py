"""Spectra of stars at the resolution of Gaia's XP spectra: the continuum of a grey atmosphere and features on it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.continuum import log_continuum
from stellarfm.sky.features import features
from stellarfm.sky.limits import check_limits

Floats = NDArray[np.float64]


def spectra(
    wavelengths_nm: Floats,
    teff: Floats,
    logg: Floats,
    m_h: Floats,
    alpha: Floats | None = None,
    carbon: Floats | None = None,
) -> Floats:
    """Return spectra of N stars: energy per nm at the surface, up to a common factor.

    Parameters
    ----------
    wavelengths_nm
        Shape (W,), 336 to 1020 nm.
    teff, logg, m_h
        Shape (N,); K, dex, dex.
    alpha
        Shape (N,); [alpha/M] in dex beyond the usual for the metallicity, 0 if not given.
    carbon
        Shape (N,); strength of carbon's molecules in dex beyond the usual, 0 if not given.

    Returns
    -------
    ndarray, shape (N, W)
        Comparable in shape; the level of a star comes from its luminosity instead.

    Raises
    ------
    ValueError
        If a parameter is outside of the limits of `stellarfm.sky.limits`.
    """
    none = np.zeros_like(teff)
    alpha, carbon = none if alpha is None else alpha, none if carbon is None else carbon
    check_limits(teff=teff, logg=logg, m_h=m_h, alpha=alpha, carbon=carbon)
    # features absorb as optical depths, which add up, whatever the continuum below them
    depth = features().strengths(teff, logg, m_h, alpha, carbon) @ _profiles(_key(wavelengths_nm))
    return np.asarray(np.exp(log_continuum(wavelengths_nm, teff, logg) - depth))


@cache
def _profiles(wavelengths_nm: tuple[float, ...]) -> Floats:
    return features().profiles(np.asarray(wavelengths_nm))


def _key(wavelengths_nm: Floats) -> tuple[float, ...]:
    # arrays cannot be keys of a cache
    return tuple(np.asarray(wavelengths_nm, dtype=float))
