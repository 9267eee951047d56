"""The Kiel diagram: temperatures, gravities, masses and luminosities along the stages of a star's life."""

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.limits import LIMITS

Floats = NDArray[np.float64]

_STAGES = ("clump", "branch", "subgiant", "dwarf", "cool dwarf", "blue horizontal branch", "hot star")
_FRACTIONS_LOW_LATITUDE = np.array([0.215, 0.49, 0.06, 0.150, 0.045, 0.01, 0.03])
_FRACTIONS_HIGH_LATITUDE = np.array([0.175, 0.445, 0.07, 0.205, 0.07, 0.015, 0.02])
"""Fractions of stars in the stages, in their order; the hot stars are those that APOGEE observes to know the sky's absorption."""

_SOLAR_TEFF, _SOLAR_LOGG = 5772.0, 4.438
_GIANT_MASS = 1.15
"""Median mass of giants in solar masses."""


def draw_kiel(rng: np.random.Generator, m_h: Floats, high_latitude: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Draw Teff in K, log g in dex and mass in solar masses.

    Parameters
    ----------
    rng
        Source of randomness.
    m_h
        Shape (N,), dex: the branch is bluer where metals are few.
    high_latitude
        Shape (N,): whether a star lies towards the galactic poles, where fewer giants are met.

    Returns
    -------
    teff, logg, mass
        Shape (N,), inside the limits of `stellarfm.sky.limits`; K, dex, solar masses.
    """
    n = len(m_h)
    u = rng.random(n)
    low, high = (
        np.searchsorted(np.cumsum(s), u).clip(0, len(_STAGES) - 1)
        for s in (_FRACTIONS_LOW_LATITUDE, _FRACTIONS_HIGH_LATITUDE)
    )
    # one number decides the stage for either table, so that the random stream does not depend on the latitude
    stage = np.where(high_latitude, high, low)
    teff, logg = np.empty(n), np.empty(n)
    todo = np.arange(n)
    while todo.size:  # what falls outside of the limits is drawn again
        teff[todo], logg[todo] = _draw_stages(rng, stage[todo], m_h[todo])
        outside = [(x < LIMITS[name][0]) | (x > LIMITS[name][1]) for name, x in (("teff", teff), ("logg", logg))]
        todo = np.flatnonzero(outside[0] | outside[1])
    # from log g = 3.7 up a star is taken for a dwarf, whose mass follows from its temperature; 10 % of scatter for both
    mass = np.where(logg < 3.7, _GIANT_MASS, main_sequence_mass(teff)) * np.exp(0.10 * rng.standard_normal(n))
    return teff, logg, mass


def _draw_stages(rng: np.random.Generator, stage: NDArray[np.intp], m_h: Floats) -> tuple[Floats, Floats]:
    """Return Teff and log g of each star; every stage is drawn for every star and one of them taken: no loop over stages."""
    n = len(m_h)
    u, noise, other = rng.random(n), rng.standard_normal(n), rng.standard_normal(n)
    clump = 4790 - 340 * m_h + 55 * noise, 2.45 + 0.02 * m_h + 0.07 * other
    branch_logg = 3.6 - 3.75 * u**1.25
    branch = branch_teff(branch_logg, m_h) + 45 * noise, branch_logg
    subgiant_logg = 3.55 + 0.5 * u
    subgiant = 5150 + 1200 * (subgiant_logg - 3.55) - 220 * m_h + 130 * noise, subgiant_logg
    dwarf_teff = np.interp(u, [0, 0.2, 0.45, 0.8, 0.97, 1], [4200, 4850, 5450, 6050, 6600, 7600]) - 120 * m_h
    evolved = 0.32 * rng.random(n) ** 1.3 * np.clip((dwarf_teff - 5200) / 600, 0, 1)
    dwarf = dwarf_teff, main_sequence_logg(dwarf_teff) - evolved + 0.03 * other
    cool_teff = 3150 + 1050 * u**0.8
    cool = cool_teff, main_sequence_logg(cool_teff) + 0.03 * other
    blue = 5500 + 1800 * u, 2.3 + 0.45 * u + 0.1 * other
    hot_teff = 6700 + 3200 * u**1.3
    hot = hot_teff, main_sequence_logg(hot_teff) - 0.45 * rng.random(n)
    parts = (clump, branch, subgiant, dwarf, cool, blue, hot)
    return np.choose(stage, [part[0] for part in parts]), np.choose(stage, [part[1] for part in parts])


def branch_teff(logg: Floats, m_h: Floats) -> Floats:
    """Return Teff in K of the red giant branch, as APOGEE sees it: steeper at its foot, tilted by metallicity.

    Its straight part is the relation of the notebooks of Leung & Bovy (2024).

    Parameters
    ----------
    logg, m_h
        Shape (N,), dex.
    """
    straight = 5200 - 441 * (3.65 - logg)
    foot = 4980 + 300 * (logg - 3.15)
    tip = -55 * np.maximum(1.3 - logg, 0) ** 2
    tilt = -290 * np.maximum(m_h, -1.2) - 100 * np.minimum(m_h + 1.2, 0)
    return np.asarray(np.where(logg < 3.15, straight, foot) + tip + tilt)


def main_sequence_logg(teff: Floats) -> Floats:
    """Return log g of unevolved dwarfs as APOGEE has it, close to the radii of Mann et al. (2015) for cool ones.

    Parameters
    ----------
    teff
        Shape (N,), K.
    """
    knots = [2700, 3000, 3300, 3600, 4000, 4400, 5200, 5800, 6500, 8000, 10000]
    return np.asarray(np.interp(teff, knots, [5.25, 5.08, 4.91, 4.76, 4.63, 4.575, 4.545, 4.46, 4.33, 4.25, 4.15]))


_SEQUENCE_TEFF = np.array(
    [2700, 3050, 3210, 3430, 3660, 3850, 4100, 4440, 4830, 5270, 5660, 5930, 6550, 7220, 8000, 10000.0]
)
_SEQUENCE_MASS = np.array(
    [0.09, 0.16, 0.23, 0.37, 0.50, 0.57, 0.63, 0.70, 0.76, 0.88, 0.98, 1.06, 1.33, 1.60, 1.85, 2.5]
)


def main_sequence_mass(teff: Floats) -> Floats:
    """Return the mass of a dwarf in solar masses (Pecaut & Mamajek 2013).

    Parameters
    ----------
    teff
        Shape (N,), K.
    """
    return np.asarray(np.interp(teff, _SEQUENCE_TEFF, _SEQUENCE_MASS))


def companion_of(teff: Floats, mass_ratio: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return Teff, log g and mass of a companion on the main sequence, and whether it is massive enough to be seen.

    Parameters
    ----------
    teff
        Shape (N,): temperature of the dwarf that it belongs to, K.
    mass_ratio
        Shape (N,): mass of the companion in masses of that dwarf.

    Returns
    -------
    teff, logg, mass, is_seen
        Shape (N,); K, dex, solar masses, and whether the mass is above that of the second coolest entry of the sequence.
    """
    mass = mass_ratio * main_sequence_mass(teff)
    cooler = np.interp(mass, _SEQUENCE_MASS, _SEQUENCE_TEFF)
    return cooler, main_sequence_logg(cooler), mass, mass > _SEQUENCE_MASS[1]


def luminosity(teff: Floats, logg: Floats, mass: Floats) -> Floats:
    """Return the luminosity in units of the Sun's.

    Parameters
    ----------
    teff, logg, mass
        Shape (N,); K, dex, solar masses.
    """
    # L goes as R^2 T^4, and R^2 = G M / g
    return np.asarray(mass * (teff / _SOLAR_TEFF) ** 4 * 10 ** (_SOLAR_LOGG - logg))


def bolometric_correction_g(teff: Floats) -> Floats:
    """Return BC_G in mag: Andrae et al. (2018, A&A 616, A8) for 3300 to 8000 K, linear in log Teff below and above.

    Parameters
    ----------
    teff
        Shape (N,): effective temperature, K.
    """
    # polynomials in Teff - 5772 K, one for each side of 4000 K; the clip keeps them inside the range that they were fitted in
    x = np.clip(teff, 3300, 8000) - _SOLAR_TEFF
    hot = 6.0e-2 + x * (6.731e-5 + x * (-6.647e-8 + x * (2.859e-11 + x * -7.197e-15)))
    cool = 1.749 + x * (1.977e-3 + x * (3.737e-7 + x * (-8.966e-11 + x * -4.183e-14)))
    outside = 14.0 * np.log10(np.minimum(teff, 3300) / 3300) - 2.0 * np.log10(np.maximum(teff, 8000) / 8000)
    return np.asarray(np.where(teff < 4000, cool, hot) + outside)
