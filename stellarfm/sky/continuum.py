"""The continuum of a star: a grey atmosphere seen to the depth that its hydrogen lets through at each wavelength.

The opacities are those of H- and of neutral hydrogen (Gray 2005, The Observation and Analysis of Stellar Photospheres,
3rd edition, eqs. 8.8 to 8.16), which give the continuum its shape and the Balmer and Paschen jumps.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.features import linear_weights

Floats = NDArray[np.float64]

_H, _C, _K = 6.62607015e-34, 2.99792458e8, 1.380649e-23  # SI
_IONISATION_EV = 13.598

# the grid of atmospheres, somewhat wider in temperature than the limits of the sky, so that interpolation never meets its edge
_TEMPERATURES = np.geomspace(2500.0, 10500.0, 49)
_GRAVITIES = np.linspace(-0.5, 5.5, 7)

_ROSSELAND_NM = np.geomspace(200.0, 4000.0, 240)
_MAX_DEPTH = 3.0
"""Rosseland depth that is seen at most, however clear hydrogen is at a wavelength: no other absorber is counted here."""

_RESOLUTION_NM = 4.0


def black_body(wavelengths_nm: Floats, temperature: Floats) -> Floats:
    """Return B_lambda in W m-2 nm-1 sr-1.

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    temperature
        K, of shape (W,) or (..., W) or (..., 1).

    Returns
    -------
    ndarray, shape (..., W)
    """
    metres = wavelengths_nm * 1e-9
    exponent = _H * _C / (_K * metres * temperature)
    return np.asarray(2 * _H * _C**2 / metres**5 / np.expm1(exponent) * 1e-9)


def electron_pressure(temperature: Floats, logg: Floats) -> Floats:
    """Return the electron pressure at optical depth 2/3 in dyn cm-2.

    Metals feed it below about 5500 K and hydrogen above; it grows as g^(1/3) (Gray 2005, eqs. 9.19 to 9.23).

    Parameters
    ----------
    temperature, logg
        Shapes that broadcast; K, and dex in cgs units. The table of the dependence on temperature is for the Sun's log g, 4.44.
    """
    log_pressure = np.interp(
        temperature, [2500, 3500, 4500, 5772, 7000, 8500, 10500], [-0.9, -0.1, 0.55, 1.25, 2.1, 2.75, 3.2]
    )
    return np.asarray(10 ** (log_pressure + (logg - 4.44) / 3))


def opacity(wavelengths_nm: Floats, temperature: Floats, pressure: Floats) -> Floats:
    """Return the continuous opacity of hydrogen in 1e-26 cm2 per neutral atom, shape (..., W).

    Parameters
    ----------
    wavelengths_nm
        Shape (W,), 200 to 4000 nm.
    temperature, pressure
        Shape (..., 1); K, and electron pressure in dyn cm-2.
    """
    theta = 5040 / temperature  # as Gray has it: 10^(-theta chi) is the Boltzmann factor of an energy chi in eV
    # an H- ion needs a free electron, so its opacity goes with the electron pressure; that of neutral hydrogen does not
    return (
        _minus_bound_free(wavelengths_nm, theta) * pressure
        + _minus_free_free(wavelengths_nm, theta) * pressure
        + _neutral(wavelengths_nm, theta)
    )


def _minus_bound_free(wavelengths_nm: Floats, theta: Floats) -> Floats:
    """Return the opacity of H- by ionisation, per unit electron pressure; 0.754 eV binds the second electron.

    The series gives the cross section in 1e-18 cm2, hence 1e8 for 1e-26. It ends where photons no longer ionise, and must
    not be followed below 0. Stimulated emission takes back the part 10^(-theta chi) for a photon of chi = 12398 eV / angstrom.
    """
    angstrom = wavelengths_nm * 10
    series = (1.99654, -1.18267e-5, 2.64243e-6, -4.40524e-10, 3.23992e-14, -1.39568e-18, 2.78701e-23)
    cross_section = np.where(angstrom < 16300, np.polynomial.polynomial.polyval(angstrom, series), 0.0)
    stimulated = 1 - 10 ** (-theta * 1.2398e4 / angstrom)
    return 4.158e-10 * np.maximum(cross_section, 0) * 1e8 * theta**2.5 * 10 ** (0.754 * theta) * stimulated


def _minus_free_free(wavelengths_nm: Floats, theta: Floats) -> Floats:
    """Return the opacity of H- by free electrons, per unit electron pressure: a fit, which includes stimulated emission."""
    x, t = np.log10(wavelengths_nm * 10), np.log10(theta)
    f0 = -2.2763 + x * (-1.6850 + x * (0.76661 - 0.053346 * x))
    f1 = 15.2827 + x * (-9.2846 + x * (1.99381 - 0.142631 * x))
    f2 = -197.789 + x * (190.266 + x * (-67.9775 + x * (10.6913 - 0.625151 * x)))
    return np.asarray(10 ** (f0 + f1 * t + f2 * t * t))


def _neutral(wavelengths_nm: Floats, theta: Floats) -> Floats:
    """Return the opacity of neutral hydrogen by ionisation from levels 2 to 8, whose edges are the jumps of the continuum.

    Higher levels and free electrons, without edges in this range, are left out.
    """
    angstrom = wavelengths_nm * 10
    total = np.zeros(np.broadcast_shapes(theta.shape, angstrom.shape))
    for level in range(2, 9):
        excitation = _IONISATION_EV * (1 - 1 / level**2)
        edge = 911.8 * level**2
        total = total + np.where(angstrom < edge, 10 ** (-theta * excitation) / level**3, 0.0)
    return 1.0449 * angstrom**3 * total * (1 - 10 ** (-theta * 1.2398e4 / angstrom))


@cache
def _table(wavelengths_nm: tuple[float, ...]) -> Floats:
    """Return the logarithm of the flux on the grid of temperature and gravity, shape (T, G, W)."""
    wavelengths = np.asarray(wavelengths_nm)
    teff, logg = (axis[..., None] for axis in np.meshgrid(_TEMPERATURES, _GRAVITIES, indexing="ij"))
    pressure = electron_pressure(teff, logg)
    mean = _rosseland(teff, pressure)
    # light of a wavelength comes from where its own optical depth is 2/3: at another Rosseland depth, and so temperature. In
    # a grey atmosphere T^4 = 3/4 Teff^4 (depth + 2/3)
    ratio = mean / opacity(wavelengths, teff, pressure)  # (T, G, W)
    depth = np.minimum(2 / 3 * ratio, _MAX_DEPTH)
    flux = black_body(wavelengths, teff * (0.75 * (depth + 2 / 3)) ** 0.25)
    return np.log(flux @ _blur(wavelengths))


def _blur(wavelengths_nm: Floats) -> Floats:
    """Return the matrix that blurs a spectrum to the resolution of XP at its jumps, shape (W, W)."""
    kernel = np.exp(-0.5 * ((wavelengths_nm[:, None] - wavelengths_nm) / _RESOLUTION_NM) ** 2)
    return np.asarray(kernel / kernel.sum(axis=0))


def _rosseland(teff: Floats, pressure: Floats) -> Floats:
    """Return the Rosseland mean opacity, shape (..., 1): the harmonic mean, weighted by dB/dT."""
    step = 1.001  # dB/dT as a difference; its factor cancels
    weight = black_body(_ROSSELAND_NM, teff * step) - black_body(_ROSSELAND_NM, teff)
    transparency = np.trapezoid(weight / opacity(_ROSSELAND_NM, teff, pressure), _ROSSELAND_NM, axis=-1)
    return np.asarray(np.trapezoid(weight, _ROSSELAND_NM, axis=-1) / transparency)[..., None]


def log_continuum(wavelengths_nm: Floats, teff: Floats, logg: Floats) -> Floats:
    """Return the natural logarithm of the continuum's surface brightness, shape (N, W).

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    teff, logg
        Shape (N,); K and dex, inside the limits of `stellarfm.sky.limits`.
    """
    # logarithms are interpolated: they are smooth where fluxes change by decades. The weights of both axes multiply to one
    # row of weights a star, (N, T * G), so that all stars are one matrix product
    table = _table(tuple(np.asarray(wavelengths_nm, dtype=float)))
    weights = linear_weights(_TEMPERATURES, teff)[:, :, None] * linear_weights(_GRAVITIES, logg)[:, None, :]
    return weights.reshape(len(teff), -1) @ table.reshape(-1, table.shape[-1])
