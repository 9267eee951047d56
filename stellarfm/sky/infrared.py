"""Intrinsic colours that lead from G to the 2MASS bands.

Dwarfs follow LAMOST stars with little dust above 4200 K and Pecaut & Mamajek (2013) below, giants LAMOST above 4500 K,
González Hernández & Bonifacio (2009) down to 3800 K and Bessell & Brett (1988) below.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEAR_INFRARED_NM = np.array([1235.0, 1662.0, 2159.0])
"""Effective wavelengths of 2MASS J, H and Ks (Cohen, Wheaton & Megeath 2003)."""

_DWARF = np.array(
    # Teff [K], G-Ks, J-H, H-Ks [mag]
    [
        (2700, 5.30, 0.620, 0.380), (3000, 4.50, 0.580, 0.320), (3200, 4.05, 0.560, 0.275), (3430, 3.65, 0.560, 0.245),
        (3660, 3.33, 0.605, 0.215), (3850, 3.13, 0.635, 0.180), (4100, 2.85, 0.645, 0.148), (4300, 2.60, 0.620, 0.130),
        (4525, 2.36, 0.580, 0.118), (4775, 2.11, 0.522, 0.104), (5025, 1.91, 0.463, 0.089), (5275, 1.70, 0.407, 0.074),
        (5525, 1.51, 0.350, 0.063), (5775, 1.37, 0.306, 0.057), (6025, 1.21, 0.265, 0.050), (6275, 1.08, 0.230, 0.046),
        (6525, 0.94, 0.193, 0.043), (6775, 0.83, 0.168, 0.040), (7220, 0.66, 0.125, 0.036), (8000, 0.42, 0.065, 0.030),
        (10000, -0.05, -0.02, 0.005),
    ]
)  # fmt: skip
# columns as above; from 7220 K on the rows of both are the same
_GIANT = np.array(
    [
        (2700, 7.00, 0.990, 0.420), (3200, 5.10, 0.960, 0.360), (3400, 4.25, 0.920, 0.300), (3600, 3.70, 0.870, 0.250),
        (3800, 3.32, 0.830, 0.200), (4000, 3.00, 0.775, 0.165), (4250, 2.64, 0.690, 0.140), (4500, 2.32, 0.608, 0.119),
        (4750, 2.11, 0.537, 0.103), (5000, 1.95, 0.483, 0.091), (5500, 1.55, 0.375, 0.066), (6000, 1.21, 0.270, 0.050),
        (6500, 0.95, 0.200, 0.043), (7220, 0.66, 0.125, 0.036), (8000, 0.42, 0.065, 0.030),
        (10000, -0.05, -0.02, 0.005),
    ]
)  # fmt: skip
_GRAVITY_CENTRE, _GRAVITY_WIDTH = 3.6, 0.35
"""Log g at which a star's colours lie midway between dwarf and giant, and the softness of the transition, in dex."""

_PER_DEX = np.array([-0.05, 0.01, 0.012])
"""Change of the three colours with [M/H] at a given temperature (MARCS models, Casagrande & VandenBerg 2014)."""


def near_infrared(g_mag: Floats, teff: Floats, logg: Floats, m_h: Floats) -> Floats:
    """Return J, H, Ks without dust from G without dust, in mag, shape (N, 3).

    Parameters
    ----------
    g_mag, teff, logg, m_h
        Shape (N,); mag, K, dex, dex.
    """
    giant = 1 / (1 + np.exp((logg - _GRAVITY_CENTRE) / _GRAVITY_WIDTH))
    colours = [
        np.interp(teff, _DWARF[:, 0], _DWARF[:, k]) * (1 - giant)
        + np.interp(teff, _GIANT[:, 0], _GIANT[:, k]) * giant
        + _PER_DEX[k - 1] * m_h
        for k in (1, 2, 3)
    ]
    # from G to Ks, and from there upwards: the colours are G-Ks, J-H and H-Ks
    k = g_mag - colours[0]
    return np.stack([k + colours[2] + colours[1], k + colours[2], k], axis=1)
