"""What arrives from the stars of one block, before any survey measures it: fluxes, colours, positions, distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.astrometry import GALACTIC_TO_ICRS, to_angles, to_vector
from stellarfm.sky.calibration import draw_calibration
from stellarfm.sky.dust import extinction
from stellarfm.sky.footprint import Directions
from stellarfm.sky.infrared import NEAR_INFRARED_NM, near_infrared
from stellarfm.sky.kinematics import KM_S_PER_MAS_YR_KPC, velocities
from stellarfm.sky.population import Stars, draw_companions
from stellarfm.sky.selection import Sightlines, draw_sightlines
from stellarfm.sky.spectra import spectra
from stellarfm.sky.xp import instrument

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """The light of stars that arrives, without noise, for N stars.

    Attributes
    ----------
    coefficients
        Shape (N, 110): XP coefficients for unit G flux.
    absolute_g
        Shape (N,): absolute G plus the extinction in G, mag.
    near_infrared
        Shape (N, 3): J, H, Ks on the same scale, mag at 10 pc with extinction.
    """

    coefficients: Floats
    absolute_g: Floats
    near_infrared: Floats


@dataclass(frozen=True)
class Observed:
    """What arrives from N stars.

    Attributes
    ----------
    ra, dec
        Shape (N,): ICRS, degrees, at the epoch of the release.
    distance_pc, ebv
        Shape (N,); parsec, mag.
    coefficients
        Shape (N, 110): noiseless XP coefficients for unit G flux.
    calibrated
        Shape (N, 110): the same as the calibration of the spectra leaves them.
    gaia
        Shape (N, 3): noiseless G, BP, RP in mag.
    near_infrared
        Shape (N, 3): noiseless J, H, Ks in mag.
    pm_east, pm_north
        Shape (N,): proper motion in mas/yr (the east one multiplied by cos dec).
    radial_velocity
        Shape (N,): km/s, positive if the star recedes.
    """

    ra: Floats
    dec: Floats
    distance_pc: Floats
    ebv: Floats
    coefficients: Floats
    calibrated: Floats
    gaia: Floats
    near_infrared: Floats
    pm_east: Floats
    pm_north: Floats
    radial_velocity: Floats


def observe(rng: np.random.Generator, stars: Stars, directions: Directions) -> Observed:
    """Place stars, give some a companion, redden their light and turn it into coefficients, without noise.

    Parameters
    ----------
    rng
        Source of randomness.
    stars
        True properties of N stars.
    directions
        Where they stand.

    Returns
    -------
    Observed
    """
    # companions first: a star is placed where it and its companion together have the magnitude that the sample wants
    companions, host = draw_companions(rng, stars)
    sight = draw_sightlines(rng, stars, _with_companions(stars.absolute_g, companions.absolute_g, host), directions)
    behind = Sightlines(sight.distance_pc[host], sight.ebv[host], sight.r_v[host])
    light = _add_light(shine(stars, sight), shine(companions, behind), host)
    modulus = 5 * np.log10(sight.distance_pc) - 5
    g = light.absolute_g + modulus
    synthetic = instrument().magnitudes(light.coefficients)
    # colours from the spectrum, the level from distance and luminosity: G of both must agree
    gaia = g[:, None] + synthetic - synthetic[:, :1]
    ra, dec, east, north, radial = _move(rng, stars, directions, sight)
    return Observed(
        ra=ra,
        dec=dec,
        distance_pc=sight.distance_pc,
        ebv=sight.ebv,
        coefficients=light.coefficients,
        calibrated=light.coefficients + draw_calibration(rng, light.coefficients),
        gaia=gaia,
        near_infrared=light.near_infrared + modulus[:, None],
        pm_east=east,
        pm_north=north,
        radial_velocity=radial,
    )


def shine(stars: Stars, sight: Sightlines) -> Light:
    """Return the light of stars behind dust.

    Parameters
    ----------
    stars, sight
        N stars and what lies before them.

    Returns
    -------
    Light
        At a distance of 10 pc.
    """
    maps = instrument()
    flux = spectra(maps.wavelengths_nm, stars.teff, stars.logg, stars.m_h, stars.alpha, stars.carbon)
    _, bare_g = maps.coefficients(flux)
    # dust is applied to the spectrum, not to magnitudes: the extinction in G depends on the star and on how much there is
    flux *= 10 ** (-0.4 * extinction(maps.wavelengths_nm, sight.ebv, sight.r_v))
    coefficients, g = maps.coefficients(flux)
    infrared = near_infrared(stars.absolute_g, stars.teff, stars.logg, stars.m_h)
    return Light(
        coefficients,
        stars.absolute_g - 2.5 * np.log10(g / bare_g),
        infrared + extinction(NEAR_INFRARED_NM, sight.ebv, sight.r_v),
    )


def _with_companions(magnitude: Floats, companion: Floats, host: NDArray[np.intp]) -> Floats:
    """Return magnitudes of stars with the light of their companions; arrays of shape (N,) or (N, K)."""
    flux = 10 ** (-0.4 * magnitude)
    flux[host] += 10 ** (-0.4 * companion)  # no star has two companions
    return np.asarray(-2.5 * np.log10(flux))


def _add_light(light: Light, companion: Light, host: NDArray[np.intp]) -> Light:
    """Return the light of pairs: fluxes add up, coefficients too."""
    flux_ratio = (10 ** (-0.4 * (companion.absolute_g - light.absolute_g[host])))[:, None]
    # coefficients are for unit G flux: those of a pair are the mean of both, weighted by their G flux
    coefficients = light.coefficients.copy()
    coefficients[host] = (coefficients[host] + flux_ratio * companion.coefficients) / (1 + flux_ratio)
    return Light(
        coefficients,
        _with_companions(light.absolute_g, companion.absolute_g, host),
        _with_companions(light.near_infrared, companion.near_infrared, host),
    )


def _move(
    rng: np.random.Generator, stars: Stars, directions: Directions, sight: Sightlines
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return position at the epoch of the release, proper motion to the east and north and radial velocity, equatorial."""
    velocity = velocities(rng, directions, sight.distance_pc, stars.population)
    to_icrs = GALACTIC_TO_ICRS.T  # vectors are rows: v R^T
    ra, dec = to_angles(to_vector(directions.l, directions.b) @ to_icrs)
    from stellarfm.sky.astrometry import local_axes

    galactic_east, galactic_north = local_axes(directions.l, directions.b)
    # motion across the sight as a vector, turned to ICRS, then along the axes there
    across = (velocity[:, :1] * galactic_east + velocity[:, 1:2] * galactic_north) @ to_icrs
    factor = 1 / (KM_S_PER_MAS_YR_KPC * sight.distance_pc / 1000)
    east, north = ((across * axis).sum(axis=1) * factor for axis in local_axes(ra, dec))
    return ra, dec, east, north, velocity[:, 2]
