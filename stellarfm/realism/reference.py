"""What the real training set looks like, as statistics: nothing in here is a survey's row.

The figures are those of the training set of Leung & Bovy (2024).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.resources import resource_folder
from stellarfm.sky.xp import token_statistics
from stellarfm.sky.xp_errors import relevancy_curves

Floats = NDArray[np.float64]

CLUMP_LOGG, DWARF_LOGG = 2.45, 4.55
"""Log g, in dex, at which the red clump and the dwarfs stand out in the real Kiel diagram."""

QUANTILES = np.array([0.05, 0.25, 0.50, 0.75, 0.95])
"""Fractions at which distributions are compared: five say more than a mean, and depend on no outlier."""


@dataclass(frozen=True)
class Density:
    """A distribution in B bins of equal width.

    Attributes
    ----------
    centers
        Shape (B,): centres of the bins, mag or mas.
    density
        Shape (B,): fraction per unit, up to a factor.
    """

    centers: Floats
    density: Floats

    @property
    def edges(self) -> Floats:
        """Edges of the bins, shape (B + 1,)."""
        step = self.centers[1] - self.centers[0]
        return np.append(self.centers - step / 2, self.centers[-1] + step / 2)

    def quantiles(self, shares: Floats) -> Floats:
        """Return the values below which given fractions of the distribution lie.

        Parameters
        ----------
        shares
            Shape (Q,): fractions between 0 and 1.

        Returns
        -------
        ndarray, shape (Q,)
            In the unit of `centers`.
        """
        # linear inside a bin; divided by the sum, since a digitised density need not integrate to 1
        cumulative = np.append(0, np.cumsum(self.density))
        return np.interp(shares, cumulative / cumulative[-1], self.edges)


@dataclass(frozen=True)
class Reference:
    """Statistics of the real training set.

    Attributes
    ----------
    median, mad
        Shape (118,): median and 1.4826 MAD of each token, in its unit.
    relevancy
        ``bp`` and ``rp``: fraction of stars for which an order is relevant, shape (53,).
    g_mag, parallax
        Distributions of G in mag and of parallax in mas (of those between -0.2 and 1).
    """

    median: Floats
    mad: Floats
    relevancy: dict[str, Floats]
    g_mag: Density
    parallax: Density


@cache
def reference() -> Reference:
    """Return the statistics that come with the package, read once a process."""
    median, mad = token_statistics()
    densities = [
        Density(*np.loadtxt(resource_folder("sky") / "reference" / name, delimiter=",", skiprows=1).T)
        for name in ("gmag_density.csv", "parallax_density.csv")
    ]
    return Reference(median, mad, dict(relevancy_curves()), *densities)
