"""From a calibrated spectrum to Gaia's 55 + 55 XP coefficients and its photometry, through GaiaXPy's own instrument model.

GaiaXPy gives the design matrix A of the calibrated spectrum, f = A c. Its regularised inversion is linear, one matrix for
all stars, and the photometry of G, BP and RP is linear in c as well.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.resources import resource_folder

Floats = NDArray[np.float64]

NUM_COEFFICIENTS = 110
ZERO_POINTS = (25.6873668671, 25.3385422158, 24.7478955012)
"""Zero points of G, BP and RP for fluxes in electrons per second (Gaia DR3, Riello et al. 2021)."""

_PRIOR_WIDTHS = 3.0
_NOISE_SHARE = 1e-3


@dataclass(frozen=True)
class Instrument:
    """Linear maps between spectrum, coefficients and photometry.

    Attributes
    ----------
    wavelengths_nm
        Shape (343,): 336 to 1020 nm in steps of 2 nm.
    design
        Shape (343, 110): coefficients to calibrated flux in W m-2 nm-1.
    inverse
        Shape (110, 343): calibrated flux, minus that of the prior's centre, to coefficients minus the prior's centre.
    centre
        Shape (110,): the prior's centre, coefficients for unit G flux.
    photometry
        Shape (110, 3): coefficients to synthetic fluxes of G, BP and RP in the units of `vega_zero_points`.
    vega_zero_points
        Shape (3,): zero points in mag of those fluxes.
    """

    wavelengths_nm: Floats
    design: Floats
    inverse: Floats
    centre: Floats
    photometry: Floats
    vega_zero_points: Floats

    def coefficients(self, flux: Floats) -> Floats:
        """Return coefficients for unit G flux, shape (N, 110), of spectra of any scale, shape (N, 343)."""
        scaled = flux / self._g_scale(flux)[:, None]
        for _ in range(2):  # the prior is stated for unit G flux, which follows from the coefficients
            found = self.centre + (scaled - self.design @ self.centre) @ self.inverse.T
            g_flux = 10 ** ((ZERO_POINTS[0] - self.magnitudes(found)[:, 0]) / 2.5)
            scaled = scaled / g_flux[:, None]
        return np.asarray(found / g_flux[:, None])

    def magnitudes(self, coefficients: Floats) -> Floats:
        """Return synthetic G, BP and RP in mag, shape (N, 3), of coefficients, shape (N, 110)."""
        return np.asarray(-2.5 * np.log10(coefficients @ self.photometry) + self.vega_zero_points)

    def _g_scale(self, flux: Floats) -> Floats:
        """Return the factor by which a spectrum exceeds that of the prior's centre, roughly."""
        return np.asarray(flux.mean(axis=1) / (self.design @ self.centre).mean())


@cache
def instrument() -> Instrument:
    """Return the maps, made once a process from GaiaXPy's configuration files."""
    from gaiaxpy.core.config import load_xpmerge_from_xml, load_xpsampling_from_xml
    from gaiaxpy.generator.photometric_system import PhotometricSystem

    grid, merge = load_xpmerge_from_xml(bp_model="v375wi")
    sampling = load_xpsampling_from_xml(bp_model="v375wi")
    design = np.concatenate([sampling[band] * merge[band] for band in ("bp", "rp")]).T
    filters = load_xpsampling_from_xml("GaiaDr3Vega", bp_model="v375wi")
    photometry = np.concatenate([filters[band] for band in ("bp", "rp")])
    centre, width = token_statistics()
    variance = (_PRIOR_WIDTHS * width[:NUM_COEFFICIENTS]) ** 2
    centre = centre[:NUM_COEFFICIENTS]
    noise = (_NOISE_SHARE * (design @ centre).mean()) ** 2
    gain = (variance[:, None] * design.T) @ np.linalg.inv((design * variance) @ design.T + noise * np.eye(len(grid)))
    zero_points = np.array(PhotometricSystem.Gaia_DR3_Vega.value.zero_points)
    return Instrument(np.asarray(grid, float), design, gain, centre, photometry, zero_points)


def token_statistics() -> tuple[Floats, Floats]:
    """Return median and 1.4826 MAD of the 118 tokens of the real training set, each of shape (118,)."""
    table = np.loadtxt(
        resource_folder("sky") / "reference" / "token_statistics.csv", delimiter=",", skiprows=1, usecols=(2, 3)
    )
    return table[:, 0], table[:, 1]


def coefficient_errors(g_mag: Floats, scatter: Floats) -> Floats:
    """Return errors of coefficients for unit G flux, shape (N, 110).

    They fall with the flux, are alike for low orders and shrink towards the highest, as real ones do.

    Parameters
    ----------
    g_mag
        Shape (N,).
    scatter
        Shape (N,); how far a star's number of transits is from the usual, as a factor.
    """
    order = np.concatenate([np.arange(55), np.arange(55)])
    taper = np.interp(order, [0, 20, 40, 54], [1.0, 0.85, 0.43, 0.05])
    level = 1.6e-4 * 10 ** (0.2 * (np.maximum(g_mag, 8.5) - 16.5))
    return np.asarray((level * scatter)[:, None] * taper)


_RELEVANT = {  # share of XP stars with more relevant bases than the number, from the real training set
    "bp": ([0, 4, 11, 19, 26, 40, 50, 54], [1.0, 0.90, 0.655, 0.513, 0.306, 0.142, 0.109, 0.0]),
    "rp": ([0, 4, 10, 14, 19, 40, 50, 54], [1.0, 0.85, 0.557, 0.262, 0.197, 0.066, 0.044, 0.0]),
}


def relevant_bases(band: str, rank: Floats) -> NDArray[np.int16]:
    """Return numbers of relevant bases from ranks in (0, 1), 0 for the brightest."""
    number, share = _RELEVANT[band]
    return np.asarray(np.interp(rank, share[::-1], number[::-1]) + 1).astype(np.int16)
