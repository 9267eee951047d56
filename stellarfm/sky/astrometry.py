"""Positions and motions on the sphere, as unit vectors: nothing special happens at the poles or at RA 0."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAS = np.pi / 180 / 3.6e6
"""One milliarcsecond in radians."""

GALACTIC_TO_ICRS = np.array(
    [
        [-0.0548755604162154, 0.4941094278755837, -0.8676661490190047],
        [-0.8734370902348850, -0.4448296299600112, -0.1980763734312015],
        [-0.4838350155487132, 0.7469822444972189, 0.4559837761750669],
    ]
)
"""Rotation of Hipparcos (ESA 1997, vol. 1, sect. 1.5.3)."""


def to_vector(longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    """Return unit vectors, shape (N, 3).

    Parameters
    ----------
    longitude_deg, latitude_deg
        Shape (N,), degrees.
    """
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def to_angles(vectors: Floats) -> tuple[Floats, Floats]:
    """Return longitude in [0, 360) and latitude of vectors of any length, in degrees, each of shape (N,).

    Parameters
    ----------
    vectors
        Shape (N, 3).
    """
    # the latitude by arctan2, not arcsin: it keeps its digits near the poles, and no vector need be normalised
    longitude = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
    return longitude, np.degrees(np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1])))


def local_axes(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    """Return the unit vectors to the east and to the north at each point, each of shape (N, 3).

    At a pole, where east is no direction, they are those of the meridian that the longitude names.

    Parameters
    ----------
    longitude_deg, latitude_deg
        Shape (N,), degrees.
    """
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=1)
    return east, north


def shift(ra_deg: Floats, dec_deg: Floats, east_mas: Floats, north_mas: Floats) -> tuple[Floats, Floats]:
    """Return positions moved by angles along the tangent plane, e.g. proper motion times years.

    Parameters
    ----------
    ra_deg, dec_deg
        Shape (N,), degrees.
    east_mas, north_mas
        Shape (N,), mas; the first is multiplied by cos(dec).

    Returns
    -------
    ra_deg, dec_deg
        Shape (N,), degrees.
    """
    east, north = local_axes(ra_deg, dec_deg)
    vectors = to_vector(ra_deg, dec_deg) + MAS * (east_mas[:, None] * east + north_mas[:, None] * north)
    return to_angles(vectors)


def ecliptic_latitude(ra_deg: Floats, dec_deg: Floats) -> Floats:
    """Return ecliptic latitude in degrees, shape (N,), for the obliquity of J2000.

    Parameters
    ----------
    ra_deg, dec_deg
        Shape (N,), degrees.
    """
    obliquity = np.radians(23.4392911111)  # 23 deg 26' 21.448"
    # sin(beta) = sin(dec) cos(eps) - cos(dec) sin(ra) sin(eps)
    vector = to_vector(ra_deg, dec_deg)
    return np.asarray(np.degrees(np.arcsin(vector[:, 2] * np.cos(obliquity) - vector[:, 1] * np.sin(obliquity))))
