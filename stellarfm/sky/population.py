"""Which stars there are: labels, distances, motions and positions of an APOGEE-like sample.

The proportions follow the Kiel diagram of the training set of Leung & Bovy (2024): giants dominate, with a red clump near
log g 2.45, a dwarf spike near 4.55 and a sparse metal-poor tail.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIELDS = np.array(
    # l [deg], b [deg], radius [deg], weight: disc, bulge, Kepler-like, halo, the Magellanic side, both poles
    [
        (0.5, -2.0, 1.5, 6), (15.0, 1.0, 1.5, 8), (30.0, 0.0, 1.5, 8), (45.0, -4.0, 1.5, 7), (60.0, 4.0, 1.5, 7),
        (76.3, 13.5, 5.0, 14), (96.9, -60.2, 2.0, 4), (110.0, 0.0, 1.5, 8), (122.9, 27.1, 2.0, 5), (150.0, 8.0, 1.5, 6),
        (180.0, -4.0, 1.5, 7), (205.0, 20.0, 1.5, 5), (240.0, -8.0, 1.5, 5), (280.5, -32.9, 3.0, 5), (320.0, 60.0, 2.5, 5),
        (45.0, 88.0, 2.5, 4),
    ]
)  # fmt: skip
"""The third and fourth straddle crowded plane; field 7 lies at RA 0 and field 9 at the north celestial pole."""

_G_QUANTILES = np.array([0.0, 0.01, 0.05, 0.16, 0.25, 0.50, 0.75, 0.84, 0.95, 0.99, 1.0])
_G_MAGS = np.array([6.1, 9.09, 10.17, 11.32, 11.90, 13.03, 14.36, 14.96, 15.99, 17.07, 18.9])
"""Observed G of the real sample (Leung & Bovy 2024; quantiles of its training set)."""

_POPULATIONS = ("thin disc", "thick disc", "halo")
_M_H = {"thin disc": (-0.08, 0.24), "thick disc": (-0.45, 0.28), "halo": (-1.35, 0.45)}
_DISPERSION_KM_S = {"thin disc": (35.0, 25.0, 18.0), "thick disc": (65.0, 50.0, 38.0), "halo": (150.0, 110.0, 90.0)}
_LAG_KM_S = {"thin disc": 12.0, "thick disc": 45.0, "halo": 200.0}


@dataclass(frozen=True)
class Stars:
    """True properties of N stars, each of shape (N,).

    Attributes
    ----------
    teff, logg, m_h
        K, dex, dex.
    absolute_g
        Absolute G magnitude without dust.
    apparent_g
        The magnitude the survey selected, with dust.
    l, b
        Galactic coordinates, degrees.
    velocity
        Shape (N, 3), km/s, relative to the Sun along (l, b, radial).
    population
        Index into `POPULATIONS`.
    """

    teff: Floats
    logg: Floats
    m_h: Floats
    absolute_g: Floats
    apparent_g: Floats
    l: Floats  # noqa: E741  the field's name for galactic longitude
    b: Floats
    velocity: Floats
    population: NDArray[np.intp]


POPULATIONS = _POPULATIONS


def draw_stars(rng: np.random.Generator, num_stars: int) -> Stars:
    """Draw stars.

    Parameters
    ----------
    rng
        Source of randomness.
    num_stars
        How many.
    """
    galactic_l, galactic_b = _draw_positions(rng, num_stars)
    high_latitude = np.abs(galactic_b) > 25
    thin = np.where(high_latitude, 0.55, 0.85)
    halo = np.where(high_latitude, 0.08, 0.015)
    u = rng.random(num_stars)
    population = np.where(u < thin, 0, np.where(u < 1 - halo, 1, 2))
    centre, width = np.array([_M_H[name] for name in _POPULATIONS])[population].T
    m_h = np.clip(centre + width * rng.standard_normal(num_stars), -2.45, 0.48)
    teff, logg = _draw_kiel(rng, m_h)
    mass = np.where(logg < 3.7, 1.15, np.clip((teff / 5772) ** 1.4, 0.15, 2.0)) * np.exp(
        0.12 * rng.standard_normal(num_stars)
    )
    luminosity = mass * (teff / 5772) ** 4 * 10 ** (4.438 - logg)
    absolute_g = 4.74 - 2.5 * np.log10(luminosity) - bolometric_correction_g(teff)
    apparent_g = np.interp(rng.random(num_stars), _G_QUANTILES, _G_MAGS)
    sigma = np.array([_DISPERSION_KM_S[name] for name in _POPULATIONS])[population]
    velocity = sigma * rng.standard_normal((num_stars, 3))
    velocity[:, 0] -= np.array([_LAG_KM_S[name] for name in _POPULATIONS])[population] * np.cos(np.radians(galactic_l))
    return Stars(teff, logg, m_h, absolute_g, apparent_g, galactic_l, galactic_b, velocity, population)


def bolometric_correction_g(teff: Floats) -> Floats:
    """Return BC_G of Andrae et al. (2018, A&A 616, A8), in mag, for 3300 to 8000 K and its end values outside.

    Parameters
    ----------
    teff
        Effective temperature, K.
    """
    x = np.clip(teff, 3300, 8000) - 5772
    hot = 6.0e-2 + x * (6.731e-5 + x * (-6.647e-8 + x * (2.859e-11 + x * -7.197e-15)))
    cool = 1.749 + x * (1.977e-3 + x * (3.737e-7 + x * (-8.966e-11 + x * -4.183e-14)))
    return np.where(teff < 4000, cool, hot)


def _draw_positions(rng: np.random.Generator, num_stars: int) -> tuple[Floats, Floats]:
    """Draw galactic coordinates inside the fields, uniform on each field's cap."""
    share = FIELDS[:, 3] / FIELDS[:, 3].sum()
    field = FIELDS[rng.choice(len(FIELDS), num_stars, p=share)]
    radius = np.radians(field[:, 2]) * np.sqrt(rng.random(num_stars))
    angle = 2 * np.pi * rng.random(num_stars)
    centre_l, centre_b = np.radians(field[:, 0]), np.radians(field[:, 1])
    sin_b = np.sin(centre_b) * np.cos(radius) + np.cos(centre_b) * np.sin(radius) * np.cos(angle)
    delta = np.arctan2(np.sin(angle) * np.sin(radius) * np.cos(centre_b), np.cos(radius) - np.sin(centre_b) * sin_b)
    return np.degrees(centre_l + delta) % 360, np.degrees(np.arcsin(sin_b))


def _draw_kiel(rng: np.random.Generator, m_h: Floats) -> tuple[Floats, Floats]:
    """Draw Teff and log g: red clump, branch, subgiants, dwarfs and a few blue horizontal-branch stars."""
    n = len(m_h)
    kind = rng.choice(5, n, p=[0.24, 0.38, 0.07, 0.30, 0.01])
    noise = rng.standard_normal(n)
    logg_branch = 3.6 - 3.3 * rng.random(n) ** 1.6
    clump_logg = 2.45 + 0.08 * rng.standard_normal(n)
    subgiant_logg = 3.6 + 0.5 * rng.random(n)
    u = rng.random(n)
    dwarf_teff = np.interp(u, [0, 0.15, 0.4, 0.75, 0.95, 1], [3250, 3900, 4900, 5900, 6500, 7200])
    dwarf_logg = 4.62 - 2.2e-4 * np.maximum(dwarf_teff - 4600, 0) - 0.12 * rng.random(n) * (dwarf_teff > 5500)
    dwarf_logg = np.where(dwarf_teff < 4000, 4.62 + 2e-4 * (4000 - dwarf_teff), dwarf_logg) + 0.04 * noise
    branch_teff = np.where(logg_branch < 3.15, 5200 - 441 * (3.65 - logg_branch), 5000 + 300 * (logg_branch - 3.15))
    branch_teff = branch_teff - 290 * m_h + 45 * noise
    clump_teff = 4830 - 330 * m_h + 60 * noise
    subgiant_teff = 5200 + 1300 * (subgiant_logg - 3.6) - 200 * m_h + 120 * noise
    blue_teff = 5400 + 1100 * u
    teff = np.choose(kind, [clump_teff, branch_teff, subgiant_teff, dwarf_teff, blue_teff])
    logg = np.choose(kind, [clump_logg, logg_branch, subgiant_logg, dwarf_logg, 2.2 + 0.1 * noise])
    return np.clip(teff, 3150, 7900), np.clip(logg, 0.0, 5.1)
