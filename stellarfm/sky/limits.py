"""Where the models of the simulated sky are valid, and draws that stay inside."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

LIMITS: Mapping[str, tuple[float, float, str]] = {
    "teff": (2700.0, 10000.0, " K"),
    "logg": (-0.5, 5.5, " dex"),
    "m_h": (-2.5, 0.5, " dex"),
    "alpha": (-0.3, 0.6, " dex"),
    "carbon": (-1.0, 1.0, " dex"),
    "ebv": (0.0, 10.0, " mag"),
    "r_v": (2.3, 5.6, ""),
    "distance_pc": (1.0, 1e6, " pc"),
}
"""Smallest and largest value and unit of each parameter: the spread of the spectra that the features were measured on
(mean Gaia XP spectra by type, M7 to A0), and the range of Fitzpatrick (1999) in R_V."""


def check_limits(**parameters: Floats) -> None:
    """Refuse parameters for which the models are not valid.

    Parameters
    ----------
    **parameters
        Arrays of any shape by the name that they have in `LIMITS`, in the unit given there.

    Raises
    ------
    ValueError
        If any value is outside of its limits or not finite.
    """
    for name, values in parameters.items():
        low, high, unit = LIMITS[name]
        # "not inside" rather than "outside": NaN fails both comparisons
        outside = ~((np.asarray(values) >= low) & (np.asarray(values) <= high))
        if outside.any():
            worst = np.asarray(values)[outside][0]
            raise ValueError(
                f"{name} must be between {low:g} and {high:g}{unit}, where the simulated sky is valid, not {worst:g}"
            )


def truncated_normal(
    rng: np.random.Generator, centre: Floats | float, width: Floats | float, name: str, size: int
) -> Floats:
    """Draw from a normal distribution that ends at the limits of a parameter.

    Parameters
    ----------
    rng
        Source of randomness; one number is drawn per value.
    centre, width
        Mean and standard deviation of the distribution before it is cut: numbers, or arrays of shape (N,), in the unit
        of the parameter.
    name
        Parameter of `LIMITS` whose limits count.
    size
        How many, N.

    Returns
    -------
    ndarray, shape (N,)
        In the unit of the parameter.
    """
    # by inversion of the cumulative distribution, not by rejection: the random stream advances by N whatever the limits
    low, high, _ = LIMITS[name]
    start, end = (low - centre) / width, (high - centre) / width
    mirror = np.where(start > 0, -1.0, 1.0)  # in the lower tail ranks, near 0, keep their digits
    first, last = ndtr(np.minimum(mirror * start, mirror * end)), ndtr(np.maximum(mirror * start, mirror * end))
    deviate = mirror * ndtri(first + (last - first) * rng.random(size))
    return np.asarray(centre + width * np.minimum(np.maximum(deviate, start), end))  # for rounding alone
