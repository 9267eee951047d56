"""The features of a stellar spectrum at the resolution of Gaia's XP spectra, as a table of data.

Each feature has a profile and a strength that depends on temperature, gravity, metallicity and the abundances of alpha
elements and carbon. The strengths at the knots in temperature, one row for dwarfs and one for giants, were calibrated
on the mean Gaia XP spectra by spectral type (temperatures of Pecaut & Mamajek 2013) and, for giants, on bright stars
with temperatures from their colours (Mucciarelli, Bellazzini & Massari 2021); how a strength grows with metallicity and
abundance is set by the saturation of its lines. Features of kind ``continuum`` are what the grey atmosphere lacks.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from stellarfm.resources import resource_folder

Floats = NDArray[np.float64]

_COLUMNS_BEFORE_STRENGTHS = 8
_HEAD_WIDTH_NM = 4.5
"""Standard deviation to which XP's resolution smears the head of a band."""

_GRAVITY_CENTRE, _GRAVITY_WIDTH = 2.6, 0.9
"""Log g at which a star is as much giant as dwarf, and the softness of the transition, in dex."""


@dataclass(frozen=True)
class Features:
    """The table of J features with K knots in temperature.

    Attributes
    ----------
    names
        J names: species and wavelength.
    shapes
        J shapes: ``continuum`` (linear between neighbours), ``line`` (Gaussian), ``band`` (a head, fading to the red).
    wavelengths_nm, widths_nm
        Shape (J,): centre or head, and standard deviation or length of the fading.
    exponents
        Shape (J, 3): growth of log strength with [M/H], [alpha/M] and carbon.
    knots
        Shape (K,): temperatures, K.
    dwarf, giant
        Shape (K, J): optical depth at the centre.
    """

    names: tuple[str, ...]
    shapes: tuple[str, ...]
    wavelengths_nm: Floats
    widths_nm: Floats
    exponents: Floats
    knots: Floats
    dwarf: Floats
    giant: Floats

    def profiles(self, wavelengths_nm: Floats) -> Floats:
        """Return the profile of each feature, shape (J, W), 1 at its largest.

        Parameters
        ----------
        wavelengths_nm
            Shape (W,).
        """
        smooth = [i for i, shape in enumerate(self.shapes) if shape == "continuum"]
        nodes = self.wavelengths_nm[smooth]
        found = np.zeros((len(self.names), len(wavelengths_nm)))
        for place, row in enumerate(smooth):
            # 1 at its own node, 0 at the others: together these features are any broken line
            found[row] = np.interp(wavelengths_nm, nodes, np.arange(len(nodes)) == place)
        for row, shape in enumerate(self.shapes):
            if shape != "continuum":
                profile = _line if shape == "line" else _band
                found[row] = profile(wavelengths_nm, self.wavelengths_nm[row], self.widths_nm[row])
        return found

    def strengths(self, teff: Floats, logg: Floats, m_h: Floats, alpha: Floats, carbon: Floats) -> Floats:
        """Return the optical depth of each feature at its centre, shape (N, J), of N stars.

        Parameters
        ----------
        teff, logg, m_h, alpha, carbon
            Shape (N,); K, and dex for the rest. The last two count from what is usual at a metallicity.
        """
        weights = linear_weights(self.knots, teff)
        giant = giant_share(logg)[:, None]
        solar = (weights @ self.dwarf) * (1 - giant) + (weights @ self.giant) * giant
        abundances = np.stack([m_h, alpha, carbon], axis=1)
        return np.asarray(solar * 10 ** (abundances @ self.exponents.T))


@cache
def features() -> Features:
    """Return the table that comes with the package, read once a process."""
    # each feature has two rows, one for dwarfs and one for giants, in the same order; what they share is read from the first
    lines = (resource_folder("sky") / "reference" / "features.csv").read_text(encoding="utf-8").splitlines()
    knots = [float(name.removeprefix("teff_")) for name in lines[0].split(",")[_COLUMNS_BEFORE_STRENGTHS:]]
    dwarfs, giants = (
        [cells for cells in (line.split(",") for line in lines[1:]) if cells[7] == g] for g in ("dwarf", "giant")
    )
    numbers = np.array([cells[2:7] for cells in dwarfs], dtype=float)
    dwarf, giant = (
        np.array([cells[_COLUMNS_BEFORE_STRENGTHS:] for cells in rows], dtype=float).T for rows in (dwarfs, giants)
    )
    names, shapes = (tuple(cells[k] for cells in dwarfs) for k in (0, 1))
    return Features(names, shapes, numbers[:, 0], numbers[:, 1], numbers[:, 2:], np.array(knots), dwarf, giant)


def giant_share(logg: Floats) -> Floats:
    """Return how far stars are giants, from 0 to 1, a logistic function of log g.

    Parameters
    ----------
    logg
        Shape (N,), dex.
    """
    return np.asarray(1 / (1 + np.exp((logg - _GRAVITY_CENTRE) / _GRAVITY_WIDTH)))


def linear_weights(knots: Floats, values: Floats) -> Floats:
    """Return the weights of linear interpolation between knots; values beyond them take those of the end.

    Parameters
    ----------
    knots
        Shape (K,), rising.
    values
        Shape (N,), in the unit of the knots.

    Returns
    -------
    ndarray, shape (N, K)
        Each row sums to 1 and has at most two weights above 0.
    """
    inside = np.minimum(np.maximum(values, knots[0]), knots[-1])
    place = np.searchsorted(knots, inside).clip(1, len(knots) - 1)
    fraction = (inside - knots[place - 1]) / (knots[place] - knots[place - 1])
    weights = np.zeros((len(values), len(knots)))
    row = np.arange(len(values))
    weights[row, place - 1], weights[row, place] = 1 - fraction, fraction
    return weights


def _line(wavelengths_nm: Floats, centre: float, width: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((wavelengths_nm - centre) / width) ** 2))


def _band(wavelengths_nm: Floats, head: float, length: float) -> Floats:
    """Return a molecular band that fades to the red, its head as sharp as the resolution allows."""
    # the largest value lies near the head, but where depends on the length: it is found on a fine grid
    peak = _fading(np.linspace(-3 * _HEAD_WIDTH_NM, 6 * _HEAD_WIDTH_NM, 400), length).max()
    return np.asarray(_fading(wavelengths_nm - head, length) / peak)


def _fading(distance_nm: Floats, length: float) -> Floats:
    """Return an exponential to the red of 0, convolved with a Gaussian (up to a factor)."""
    s = _HEAD_WIDTH_NM
    x = np.maximum(distance_nm, -6 * s)  # farther to the blue the exponential overflows while erfc underflows: 0 there
    return np.asarray(np.exp(-x / length) * erfc((s / length - x / s) / np.sqrt(2)) * (distance_nm > -6 * s))
