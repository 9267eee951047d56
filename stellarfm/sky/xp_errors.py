"""Errors of Gaia's XP coefficients and the numbers of bases that are relevant, by magnitude and order."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from stellarfm.resources import resource_folder
from stellarfm.sky.release import NUM_BP, NUM_RP

Floats = NDArray[np.float64]

_G_MAG = np.array([10.0, 11.75, 13.25, 14.5, 15.5, 16.5, 17.4])
_ORDER = np.array([0, 3, 8, 15, 20, 25, 30, 35, 40, 45, 50, 54])
# one row a magnitude, one column an order; in logarithms, in which they are interpolated
_LOG_ERROR = {
    "bp": np.log(
        1e-6
        * np.array(
            [
                [40, 40, 33, 30, 25, 23, 16.8, 12.2, 12.0, 12.0, 7.1, 0.94],
                [43, 42, 37, 32, 25, 24, 16.8, 12.2, 12.0, 12.0, 7.1, 0.94],
                [54, 53, 46, 40, 31, 30, 20, 14.3, 14.7, 14.5, 7.2, 1.2],
                [74, 72, 64, 55, 43, 41, 28, 21, 21, 20, 10.4, 1.9],
                [110, 107, 97, 85, 66, 63, 46, 37, 37, 35, 18.5, 3.7],
                [173, 168, 166, 147, 111, 105, 86, 76, 72, 62, 35, 7.7],
                [262, 258, 258, 240, 186, 174, 156, 148, 139, 111, 69, 15],
            ]
        )
    ),
    "rp": np.log(
        1e-6
        * np.array(
            [
                [19.5, 19.0, 18.5, 18.8, 17.0, 16.9, 12.5, 9.9, 6.9, 6.6, 4.3, 0.82],
                [19.5, 19.0, 18.5, 18.8, 17.8, 17.5, 13.5, 10.6, 7.1, 6.9, 4.5, 0.82],
                [33, 33, 32, 33, 32, 30, 24, 18, 12, 11.4, 8.4, 1.2],
                [54, 55, 53, 54, 54, 50, 39, 29, 20, 19, 14, 2.3],
                [91, 92, 89, 93, 91, 84, 68, 52, 38, 36, 24, 4.6],
                [153, 156, 149, 159, 154, 139, 118, 93, 79, 69, 44, 10],
                [246, 254, 244, 259, 251, 227, 201, 163, 148, 124, 76, 20],
            ]
        )
    ),
}
"""Median error for unit G flux of ordinary DR3 stars of one patch at each magnitude and order."""

_FRACTION_OF_PATCH = {"bp": 0.74, "rp": 0.90}
"""The patch lies near the ecliptic and was seen less often than most of the sky; so the widths of the highest orders of
the real training set, which are noise, come out."""

_MOST_BASES = 53
"""No published spectrum has more relevant bases, of the 55 that it is expanded in."""

_NUMBERS = np.arange(_MOST_BASES + 1)


def coefficient_errors(g_mag: Floats, scatter: Floats) -> Floats:
    """Return errors of coefficients for unit G flux.

    Brighter than G = 11.75 they hardly change: the calibration sets a floor.

    Parameters
    ----------
    g_mag
        Shape (N,), mag.
    scatter
        Shape (N,); how far a star's errors are from the usual, as a factor.

    Returns
    -------
    ndarray, shape (N, 110)
        1 sigma, BP's orders before RP's.
    """
    slope = 0.2 * np.log(10)  # beyond the faintest node errors grow with the inverse root of the flux
    beyond = slope * np.maximum(g_mag - _G_MAG[-1], 0)
    log_error = []
    for band in ("bp", "rp"):
        orders = np.arange({"bp": NUM_BP, "rp": NUM_RP}[band])
        # linear in the order first, (7, 55), then in G, (N, 55)
        by_order = np.stack([np.interp(orders, _ORDER, row) for row in _LOG_ERROR[band]])
        level = np.log(_FRACTION_OF_PATCH[band])
        log_error.append(level + np.stack([np.interp(g_mag, _G_MAG, column) for column in by_order.T], axis=1))
    return np.asarray(np.exp(np.concatenate(log_error, axis=1) + (beyond + np.log(scatter))[:, None]))


def relevancy_curves() -> Mapping[str, Floats]:
    """Return the fraction of the real training set for which an order is relevant, shape (53,) for ``bp`` and ``rp``.

    They begin below 1, for some stars have no XP spectrum.
    """
    path = resource_folder("sky") / "reference" / "xp_relevancy_fraction.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return {"bp": table[:, 1], "rp": table[:, 2]}


def relevant_bases(band: str, depth: Floats) -> NDArray[np.int16]:
    """Return numbers of relevant bases, 1 to 53, from standard normal deviates, small for stars with the most.

    Parameters
    ----------
    band
        ``bp`` or ``rp``.
    depth
        Shape (N,): standard normal deviates.

    Returns
    -------
    ndarray, shape (N,)
        Distributed as in the real training set, whatever else the deviates depend on.
    """
    # the curve was read off a figure, and wiggles: a star for which an order is relevant has all lower ones too
    curve = np.minimum.accumulate(relevancy_curves()[band])
    fraction = np.append(curve / curve[0], 0.0)  # among stars that have a spectrum
    rank = ndtr(depth)
    # the fraction with at least n bases falls with n: its inverse at a star's rank is the number of the star
    return np.asarray(np.searchsorted(-fraction, -rank, side="left")).clip(1, _MOST_BASES).astype(np.int16)
