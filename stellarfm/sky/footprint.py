"""Where the surveys point: fields on the sky, spread over disc, bulge, halo and the Magellanic side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIELDS = np.array(
    # l [deg], b [deg], radius [deg], weight
    [
        (0.5, -2.0, 1.5, 3), (15.0, 1.0, 1.5, 5), (30.0, 0.0, 1.5, 5), (45.0, -4.0, 1.5, 6), (60.0, 4.0, 1.5, 6),
        (76.3, 13.5, 5.0, 18), (96.9, -60.2, 2.0, 8), (110.0, 0.0, 1.5, 6), (122.9, 27.1, 2.0, 8), (150.0, 8.0, 1.5, 7),
        (180.0, -4.0, 1.5, 7), (205.0, 20.0, 1.5, 7), (240.0, -8.0, 1.5, 6), (280.5, -32.9, 3.0, 6),
        (320.0, 60.0, 2.5, 9),
        (45.0, 88.0, 2.5, 7),
    ]
)  # fmt: skip
"""Sixteen fields: the third and the eighth straddle the crowded plane, the seventh lies at RA 0, the ninth at the north
celestial pole, the sixth is like Kepler's."""


@dataclass(frozen=True)
class Directions:
    """Where N stars stand.

    Attributes
    ----------
    l, b
        Galactic coordinates, degrees, of shape (N,).
    """

    l: Floats  # noqa: E741  the field's name for galactic longitude
    b: Floats


def draw_directions(rng: np.random.Generator, num_stars: int) -> Directions:
    """Draw galactic coordinates inside the fields, uniform on the cap of each.

    Parameters
    ----------
    rng
        Source of randomness.
    num_stars
        How many, N.

    Returns
    -------
    Directions
    """
    fraction = FIELDS[:, 3] / FIELDS[:, 3].sum()
    field = FIELDS[rng.choice(len(FIELDS), num_stars, p=fraction)]
    # a radius that goes with the root of a uniform number fills a disc evenly; at most 5 deg, a cap is almost flat
    radius = np.radians(field[:, 2]) * np.sqrt(rng.random(num_stars))
    angle = 2 * np.pi * rng.random(num_stars)
    centre_l, centre_b = np.radians(field[:, 0]), np.radians(field[:, 1])
    # the point at this angle and position angle from the centre, on the sphere: right at the poles as well
    sin_b = np.sin(centre_b) * np.cos(radius) + np.cos(centre_b) * np.sin(radius) * np.cos(angle)
    delta = np.arctan2(np.sin(angle) * np.sin(radius) * np.cos(centre_b), np.cos(radius) - np.sin(centre_b) * sin_b)
    return Directions(np.degrees(centre_l + delta) % 360, np.degrees(np.arcsin(sin_b)))
