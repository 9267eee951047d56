"""Which stars there are: population, abundances and companions of an APOGEE-like sample.

The proportions follow the Kiel diagram of the training set of Leung & Bovy (2024): giants dominate, with a red clump
near log g 2.45, a dwarf spike near 4.55 and a sparse metal-poor tail.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.footprint import Directions
from stellarfm.sky.kiel import bolometric_correction_g, companion_of, draw_kiel, luminosity
from stellarfm.sky.limits import truncated_normal

Floats = NDArray[np.float64]

POPULATIONS = ("thin disc", "thick disc", "halo")

# mean and spread of [M/H] of each population, dex
_M_H_CENTRE, _M_H_WIDTH = np.array([-0.08, -0.47, -1.40]), np.array([0.27, 0.30, 0.45])
_HIGH_LATITUDE_DEG = 25.0
# at low and at high latitude; the rest is thick disc
_FRACTION_THIN = (0.84, 0.62)
_FRACTION_HALO = (0.012, 0.06)
_SOLAR_BOLOMETRIC_MAG = 4.74
_FRACTION_COMPANIONS = 0.25
"""Of dwarfs; giants get none."""


@dataclass(frozen=True)
class Stars:
    """True properties of N stars, each of shape (N,).

    Attributes
    ----------
    teff, logg, m_h
        K, dex, dex.
    alpha, carbon
        What [alpha/M] and the strength of carbon's molecules have beyond the usual of the metallicity, dex.
    absolute_g
        Absolute G magnitude without dust.
    population
        Index into `POPULATIONS`.
    """

    teff: Floats
    logg: Floats
    m_h: Floats
    alpha: Floats
    carbon: Floats
    absolute_g: Floats
    population: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> "Stars":
        """Return some of the stars, by their indices, shape (R,)."""
        return Stars(**{name: values[rows] for name, values in vars(self).items()})


def draw_stars(rng: np.random.Generator, directions: Directions) -> Stars:
    """Draw one star in each direction.

    Parameters
    ----------
    rng
        Source of randomness.
    directions
        Where the N stars stand.

    Returns
    -------
    Stars
    """
    n = len(directions.b)
    high = (np.abs(directions.b) > _HIGH_LATITUDE_DEG).astype(int)
    thin, halo = np.array(_FRACTION_THIN)[high], np.array(_FRACTION_HALO)[high]
    u = rng.random(n)
    population = np.where(u < thin, 0, np.where(u < 1 - halo, 1, 2))
    m_h = truncated_normal(rng, _M_H_CENTRE[population], _M_H_WIDTH[population], "m_h", n)
    # metallicity before temperature: the giant branch depends on it
    teff, logg, mass = draw_kiel(rng, m_h, high == 1)
    absolute_g = _SOLAR_BOLOMETRIC_MAG - 2.5 * np.log10(luminosity(teff, logg, mass)) - bolometric_correction_g(teff)
    alpha, carbon = _abundances(rng, population, m_h, logg)
    return Stars(teff, logg, m_h, alpha, carbon, absolute_g, population)


def draw_companions(rng: np.random.Generator, stars: Stars) -> tuple[Stars, NDArray[np.intp]]:
    """Draw companions that no survey resolves, and return them with the index of the star that each belongs to.

    Parameters
    ----------
    rng
        Source of randomness.
    stars
        N stars; dwarfs among them get companions.

    Returns
    -------
    companions, host
        C stars, and the index (C,) of the star of each.
    """
    n = len(stars.teff)
    # drawn for all stars, also those without: the random stream does not depend on who has one
    mass_ratio = 0.25 + 0.75 * rng.random(n)
    has = (rng.random(n) < _FRACTION_COMPANIONS) & (stars.logg > 3.9)
    teff, logg, mass, possible = companion_of(stars.teff, mass_ratio)
    host = np.flatnonzero(has & possible)
    teff, logg, mass = teff[host], logg[host], mass[host]
    absolute_g = _SOLAR_BOLOMETRIC_MAG - 2.5 * np.log10(luminosity(teff, logg, mass)) - bolometric_correction_g(teff)
    same = stars.take(host)  # born together: the abundances of a pair are the same
    return Stars(teff, logg, same.m_h, same.alpha, same.carbon, absolute_g, same.population), host


def _abundances(
    rng: np.random.Generator, population: NDArray[np.intp], m_h: Floats, logg: Floats
) -> tuple[Floats, Floats]:
    """Return [alpha/M] and carbon: the thick disc and the halo are rich in alpha, giants have mixed their carbon away.

    The sequences are those of APOGEE (Hayden et al. 2015); the spectra's features stand for the thin disc's.
    """
    n = len(m_h)
    thin = -0.12 * np.minimum(m_h, 0.2)
    usual = np.where(population == 0, thin, np.where(population == 1, 0.24, 0.26))
    mixed = np.where(logg < 2.2, -0.06, 0.0)
    return truncated_normal(rng, usual, 0.03, "alpha", n), truncated_normal(rng, mixed, 0.10, "carbon", n)
