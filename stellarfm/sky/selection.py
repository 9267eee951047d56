"""How bright the stars of the sample appear, and so how far they are and how much dust lies before them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.dust import reddening
from stellarfm.sky.footprint import Directions
from stellarfm.sky.infrared import near_infrared
from stellarfm.sky.limits import LIMITS, truncated_normal
from stellarfm.sky.population import Stars

Floats = NDArray[np.float64]

_G_QUANTILES = np.array([0.0, 0.01, 0.05, 0.16, 0.25, 0.47, 0.62, 0.70, 0.80, 0.91, 0.98, 1.0])
_G_MAGS = np.array([6.2, 9.4, 10.9, 12.05, 12.65, 13.95, 14.95, 15.7, 16.3, 16.9, 17.5, 18.9])
"""Quantiles of G before the selection; after it the G of the real training set comes out (Leung & Bovy 2024)."""

_H_LIMITS = (5.0, 14.3)
"""APOGEE chose its targets by H; what lies outside is drawn again."""

_A_G_PER_EBV, _A_H_PER_EBV = 2.5, 0.51
"""Extinction for unit E(B-V), good enough to place a star; its spectrum is then reddened wavelength by wavelength."""

_LOG_CLUMPINESS, _FRACTION_NO_DUST = 1.08, 0.05
"""Spread of the logarithm of the dust factor between sight lines, and the fraction of stars without any."""

_R_V, _R_V_WIDTH = 3.1, 0.18
"""Mean and spread of R_V over the disc (Schlafly et al. 2016)."""
_MAX_EBV = 6.0
"""A star behind more dust is drawn again: it would not be in the sample."""

_EMPTY_HEIGHT_PC, _EMPTY_LENGTH_PC = 7000.0, 20000.0
"""Heights above the plane and distances over which the disc's stars become few."""
_HALO = 2  # index into POPULATIONS
_BRIGHTER_MAG, _MOST_BRIGHTER_MAG = 0.05, 4.0
_STEPS = 12


@dataclass(frozen=True)
class Sightlines:
    """What lies between N stars and us.

    Attributes
    ----------
    distance_pc, ebv, r_v
        Shape (N,); parsec, E(B-V) in mag, R_V without unit.
    """

    distance_pc: Floats
    ebv: Floats
    r_v: Floats


def draw_sightlines(rng: np.random.Generator, stars: Stars, total_g: Floats, directions: Directions) -> Sightlines:
    """Draw the apparent magnitude of each star and place it at the distance that gives it.

    Parameters
    ----------
    rng
        Source of randomness.
    stars
        N stars.
    total_g
        Shape (N,): absolute G with the light of companions, mag.
    directions
        Where they stand.

    Returns
    -------
    Sightlines
        Inside the limits of `stellarfm.sky.limits`.
    """
    n = len(total_g)
    distance_pc, ebv = np.empty(n), np.empty(n)
    todo, brighter = np.arange(n), 0.0
    while todo.size:  # whatever finds no place is drawn again, a little brighter and so nearer each time
        g = np.interp(rng.random(len(todo)), _G_QUANTILES, _G_MAGS) - brighter
        brighter = min(brighter + _BRIGHTER_MAG, _MOST_BRIGHTER_MAG)
        clumpiness = np.exp(_LOG_CLUMPINESS * rng.standard_normal(len(todo))) * (
            rng.random(len(todo)) > _FRACTION_NO_DUST
        )
        where = Directions(directions.l[todo], directions.b[todo])
        distance_pc[todo], ebv[todo] = _place(g - total_g[todo], where, clumpiness)
        placed = stars.take(todo)
        # kept with the probability that stars of its population are found so far away, and if APOGEE would have chosen it
        there = rng.random(len(todo)) < _crowding(placed, distance_pc[todo], where)
        todo = todo[~(there & _is_chosen(g, placed, distance_pc[todo], ebv[todo]))]
    return Sightlines(distance_pc, ebv, truncated_normal(rng, _R_V, _R_V_WIDTH, "r_v", n))


def _is_chosen(g: Floats, stars: Stars, distance_pc: Floats, ebv: Floats) -> NDArray[np.bool_]:
    """Whether APOGEE would have chosen a star, at a distance and behind dust for which the models are valid."""
    # G without dust gives H without dust; both laws are those of a mean star
    h = near_infrared(g - _A_G_PER_EBV * ebv, stars.teff, stars.logg, stars.m_h)[:, 1] + _A_H_PER_EBV * ebv
    low, high, _ = LIMITS["distance_pc"]
    chosen = (h > _H_LIMITS[0]) & (h < _H_LIMITS[1]) & (ebv < _MAX_EBV)
    return np.asarray(chosen & (distance_pc > low) & (distance_pc < high))


def _crowding(stars: Stars, distance_pc: Floats, directions: Directions) -> Floats:
    """Return how many stars of its population there are where a star lies, relative to near the Sun, at most 1."""
    height = distance_pc * np.abs(np.sin(np.radians(directions.b)))
    disc = np.exp(-height / _EMPTY_HEIGHT_PC - distance_pc / _EMPTY_LENGTH_PC)
    return np.asarray(np.where(stars.population == _HALO, 1.0, disc))


def _place(modulus: Floats, directions: Directions, clumpiness: Floats) -> tuple[Floats, Floats]:
    """Return distance and E(B-V) that together make up a distance modulus: dust grows with distance, and both dim."""
    # by halving: the modulus with dust has no inverse in a formula, but rises with distance. 24 steps leave 4e-7 of 6 dex
    near, far = np.zeros_like(modulus), np.full_like(modulus, 6.0)  # log10 of parsecs
    for _ in range(2 * _STEPS):
        midpoint = 0.5 * (near + far)
        ebv = reddening(10**midpoint, directions.l, directions.b, clumpiness)
        too_far = 5 * midpoint - 5 + _A_G_PER_EBV * ebv > modulus
        near, far = np.where(too_far, near, midpoint), np.where(too_far, midpoint, far)
    distance_pc = 10 ** (0.5 * (near + far))
    return distance_pc, reddening(distance_pc, directions.l, directions.b, clumpiness)
