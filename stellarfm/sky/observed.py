"""The observed side of the stars of one block, before any survey looks: fluxes, colours, positions, distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.astrometry import GALACTIC_TO_ICRS, to_angles, to_vector
from stellarfm.sky.dust import extinction, reddening
from stellarfm.sky.population import Stars
from stellarfm.sky.spectra import spectra
from stellarfm.sky.xp import instrument

Floats = NDArray[np.float64]

_NEAR_INFRARED_NM = np.array([1235.0, 1662.0, 2159.0])  # 2MASS J, H, Ks (Cohen, Wheaton & Megeath 2003)
_KM_S_PER_MAS_YR_KPC = 4.740470463


@dataclass(frozen=True)
class Observed:
    """What light arrives, for N stars.

    Attributes
    ----------
    ra, dec
        ICRS degrees at epoch 2016.0.
    distance_pc, ebv
        Shape (N,).
    coefficients
        Shape (N, 110): noiseless XP coefficients for unit G flux.
    gaia
        Shape (N, 3): noiseless G, BP, RP in mag.
    near_infrared
        Shape (N, 3): noiseless J, H, Ks in mag.
    pm_east, pm_north
        Proper motion in mas/yr (the east one times cos dec).
    """

    ra: Floats
    dec: Floats
    distance_pc: Floats
    ebv: Floats
    coefficients: Floats
    gaia: Floats
    near_infrared: Floats
    pm_east: Floats
    pm_north: Floats


def observe(rng: np.random.Generator, stars: Stars) -> Observed:
    """Redden the stars' light and take it apart, without noise.

    Parameters
    ----------
    rng
        Source of randomness for dust clouds and R_V.
    stars
        True properties.
    """
    n = len(stars.teff)
    clumpiness = np.exp(0.55 * rng.standard_normal(n)) * np.where(rng.random(n) < 0.04, 0.0, 1.0)
    r_v = np.clip(3.1 + 0.12 * rng.standard_normal(n), 2.6, 3.6)
    distance_pc, ebv = _solve_distance(stars, clumpiness)
    maps = instrument()
    flux = spectra(maps.wavelengths_nm, stars.teff, stars.logg, stars.m_h)
    flux *= 10 ** (-0.4 * extinction(maps.wavelengths_nm, ebv, r_v))
    coefficients = maps.coefficients(flux)
    bp, rp = (maps.magnitudes(coefficients)[:, k] for k in (1, 2))
    gaia = np.stack([stars.apparent_g, stars.apparent_g + bp - maps.magnitudes(coefficients)[:, 0],
                     stars.apparent_g + rp - maps.magnitudes(coefficients)[:, 0]], axis=1)  # fmt: skip
    infrared = _near_infrared(stars, gaia[:, 0] - 2.74 * ebv) + extinction(_NEAR_INFRARED_NM, ebv, r_v)
    ra, dec = to_angles(to_vector(stars.l, stars.b) @ GALACTIC_TO_ICRS.T)
    factor = 1 / (_KM_S_PER_MAS_YR_KPC * distance_pc / 1000)
    return Observed(
        ra,
        dec,
        distance_pc,
        ebv,
        coefficients,
        gaia,
        infrared,
        stars.velocity[:, 0] * factor,
        stars.velocity[:, 1] * factor,
    )


def _solve_distance(stars: Stars, clumpiness: Floats) -> tuple[Floats, Floats]:
    """Return distance and E(B-V) that agree with the apparent magnitude: dust depends on distance and both dim."""
    ebv = np.zeros_like(stars.teff)
    distance_pc = np.zeros_like(ebv)
    for _ in range(6):
        a_g = 2.74 * ebv  # Casagrande & VandenBerg (2018)
        distance_pc = 10 ** (0.2 * (stars.apparent_g - stars.absolute_g - a_g) + 1)
        ebv = 0.5 * (ebv + reddening(distance_pc, stars.b, clumpiness))
    return distance_pc, ebv


def _near_infrared(stars: Stars, unreddened_g: Floats) -> Floats:
    """Return J, H, Ks without dust from G: intrinsic colours of dwarfs and giants.

    The colours follow the sequences of Pecaut & Mamajek (2013) for dwarfs and Bessell & Brett (1988) for giants.
    """
    grid = np.array([3000, 3200, 3500, 3800, 4200, 4600, 5000, 5500, 6000, 6500, 7200, 8000.0])
    g_k = np.interp(stars.teff, grid, [4.05, 3.75, 3.35, 2.95, 2.50, 2.12, 1.82, 1.52, 1.26, 1.04, 0.72, 0.40])
    dwarf = np.interp(stars.teff, grid, [0.56, 0.57, 0.62, 0.65, 0.60, 0.52, 0.44, 0.35, 0.28, 0.21, 0.12, 0.05])
    giant = np.interp(stars.teff, grid, [0.97, 0.92, 0.86, 0.80, 0.70, 0.59, 0.49, 0.38, 0.29, 0.21, 0.12, 0.05])
    h_k = np.interp(stars.teff, grid, [0.29, 0.26, 0.22, 0.17, 0.12, 0.09, 0.075, 0.06, 0.05, 0.045, 0.035, 0.025])
    share = 1 / (1 + np.exp((stars.logg - 3.6) / 0.4))
    j_h = dwarf * (1 - share) + giant * share - 0.015 * stars.m_h
    k = unreddened_g - g_k + 0.03 * stars.m_h
    return np.stack([k + h_k + j_h, k + h_k, k], axis=1)
