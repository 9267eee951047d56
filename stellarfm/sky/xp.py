"""From a calibrated spectrum to Gaia's XP coefficients and its photometry, through GaiaXPy's instrument model.

GaiaXPy gives the design matrix A of the calibrated spectrum, f = A c. Its regularised inversion is linear, one matrix
for all stars, and the photometry of G, BP and RP is linear in c as well.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stellarfm.resources import resource_folder
from stellarfm.sky.release import NUM_COEFFICIENTS, ZERO_POINTS
from stellarfm.sky.xp_errors import coefficient_errors

Floats = NDArray[np.float64]

_PRIOR_WIDTHS = 3.0
"""Width of the prior in 1.4826 MADs of the real training set: wide enough to leave ordinary stars where they are."""

_NOISE_SIGMAS, _BRIGHT_G_MAG = 1.5, 12.0
"""Noise that the inversion allows for, in errors of a star of that G."""


@dataclass(frozen=True)
class Instrument:
    """Linear maps between spectrum, coefficients and photometry. Coefficients are BP's, then RP's.

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

    def coefficients(self, flux: Floats) -> tuple[Floats, Floats]:
        """Turn spectra into coefficients.

        Parameters
        ----------
        flux
            Shape (N, 343), energy per nm on `wavelengths_nm`, of any scale, positive.

        Returns
        -------
        coefficients
            Shape (N, 110), for unit G flux.
        g_flux
            Shape (N,): G flux of each spectrum in the units of its scale.
        """
        # a linear map serves for any scale, but its prior does not: each spectrum is first scaled to unit G flux
        centre_flux = self.design @ self.centre
        scale = centre_flux.mean() / flux.mean(axis=1)
        for _ in range(3):  # the prior is stated for unit G flux, which follows from the coefficients
            found = self.centre + (flux * scale[:, None] - centre_flux) @ self.inverse.T
            g_flux = 10 ** ((ZERO_POINTS[0] - self.magnitudes(found)[:, 0]) / 2.5)
            scale = scale / g_flux
        return found / g_flux[:, None], 1 / scale

    def magnitudes(self, coefficients: Floats) -> Floats:
        """Return synthetic G, BP and RP in mag, shape (N, 3), in the Vega system.

        Parameters
        ----------
        coefficients
            Shape (N, 110).
        """
        return np.asarray(-2.5 * np.log10(coefficients @ self.photometry) + self.vega_zero_points)


@cache
def instrument() -> Instrument:
    """Return the maps, made once a process from GaiaXPy's configuration files."""
    import matplotlib as mpl

    with mpl.rc_context():  # GaiaXPy switches every figure of the process to LaTeX when it is imported
        from gaiaxpy.core.config import load_xpmerge_from_xml, load_xpsampling_from_xml
        from gaiaxpy.generator.photometric_system import PhotometricSystem

    # "v375wi" is the model of BP that GaiaXPy uses for DR3. Where BP and RP overlap, merge weights say how much each counts
    grid, merge = load_xpmerge_from_xml(bp_model="v375wi")
    sampling = load_xpsampling_from_xml(bp_model="v375wi")
    design = np.concatenate([sampling[band] * merge[band] for band in ("bp", "rp")]).T
    filters = load_xpsampling_from_xml("GaiaDr3Vega", bp_model="v375wi")
    photometry = np.concatenate([filters[band] for band in ("bp", "rp")])
    centre, width = (column[:NUM_COEFFICIENTS] for column in token_statistics())
    zero_points = np.array(PhotometricSystem.Gaia_DR3_Vega.value.zero_points)
    gain = _regularised_inverse(design, _PRIOR_WIDTHS * width)
    return Instrument(np.asarray(grid, float), design, gain, centre, photometry, zero_points)


def _regularised_inverse(design: Floats, prior_width: Floats) -> Floats:
    """Return the inverse that trusts each wavelength as far as the errors of a bright star's coefficients allow.

    Where the instrument sees little (below 400 nm, above 1000 nm) a spectrum must not be followed to the letter: the
    coefficients would ring.
    """
    # the posterior mean of coefficients c with prior covariance P, for f = A c + noise of covariance N (both diagonal):
    # P A^T (A P A^T + N)^-1. N comes from the errors of coefficients, taken to wavelengths
    error = coefficient_errors(np.array([_BRIGHT_G_MAG]), np.ones(1))[0]
    noise = _NOISE_SIGMAS**2 * (design**2 @ error**2)
    prior = prior_width**2
    covariance = (design * prior) @ design.T + np.diag(noise)
    return np.asarray(np.linalg.solve(covariance, design * prior).T)  # (110, 343)


def token_statistics() -> tuple[Floats, Floats]:
    """Return median and 1.4826 MAD of the 118 tokens of the real training set, each of shape (118,), in their units.

    The first 110 are coefficients for unit G flux (Leung & Bovy 2024, the constants of their standardisation).
    """
    table = np.loadtxt(
        resource_folder("sky") / "reference" / "token_statistics.csv", delimiter=",", skiprows=1, usecols=(2, 3)
    )
    return table[:, 0], table[:, 1]
