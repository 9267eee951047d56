"""How stars move: a flat rotation curve, asymmetric drift and random motions, as seen from the moving Sun."""

import numpy as np
from numpy.typing import NDArray

from stellarfm.sky.astrometry import local_axes, to_vector
from stellarfm.sky.footprint import Directions

Floats = NDArray[np.float64]

_SUN_KPC, _ROTATION_KM_S = 8.178, 229.0
_SUN_KM_S = np.array([11.1, 241.24, 7.25])
"""Distance of the centre (GRAVITY 2019), rotation (Eilers et al. 2019), motion of the Sun (Schönrich et al. 2010)."""

_DISPERSION_KM_S = np.array([(35.0, 25.0, 18.0), (65.0, 50.0, 38.0), (150.0, 110.0, 90.0)])
_LAG_KM_S = np.array([12.0, 45.0, 215.0])
"""Random motion (radial, along the rotation, vertical) and lag behind the rotation of thin disc, thick disc and halo."""

KM_S_PER_MAS_YR_KPC = 4.740470463
"""Velocity across the line of sight for a proper motion of 1 mas/yr at 1 kpc: an astronomical unit a year, in km/s."""


def velocities(
    rng: np.random.Generator, directions: Directions, distance_pc: Floats, population: NDArray[np.intp]
) -> Floats:
    """Return velocities relative to the Sun along (l, b, line of sight) in km/s, shape (N, 3).

    Parameters
    ----------
    rng
        Source of randomness.
    directions
        Where N stars stand.
    distance_pc
        Shape (N,), parsec.
    population
        Shape (N,): index into `stellarfm.sky.population.POPULATIONS`.
    """
    sight = to_vector(directions.l, directions.b)
    # galactocentric position in kpc, the x axis from the Sun through the centre: the Sun stands at -8.178
    place = sight * (distance_pc / 1000)[:, None] - np.array([_SUN_KPC, 0, 0])
    radius = np.hypot(place[:, 0], place[:, 1])
    outward = np.stack([place[:, 0] / radius, place[:, 1] / radius], axis=1)
    random_motion = _DISPERSION_KM_S[population] * rng.standard_normal((len(radius), 3))
    rotation = _ROTATION_KM_S - _LAG_KM_S[population] + random_motion[:, 1]
    # outward and rotation (clockwise from the north pole) to axes towards the centre and along the Sun's rotation
    towards = random_motion[:, 0] * outward[:, 0] + rotation * outward[:, 1]
    along = random_motion[:, 0] * outward[:, 1] - rotation * outward[:, 0]
    relative = np.stack([towards, along, random_motion[:, 2]], axis=1) - _SUN_KM_S
    east, north = local_axes(directions.l, directions.b)
    return np.stack([(relative * axis).sum(axis=1) for axis in (east, north, sight)], axis=1)
