"""Coefficients are what GaiaXPy understands: its own functions give back the spectrum and the photometry."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stellarfm.realism.spectra import DWARF_TEFF, dwarf_spectra, relative_rms
from stellarfm.sky.release import ZERO_POINTS
from stellarfm.sky.xp import instrument
from stellarfm.sky.xp_errors import coefficient_errors, relevancy_curves, relevant_bases

TYPES = ("A0", "F5", "G2", "K2", "M0", "M4")


def _as_archive(coefficients: np.ndarray) -> pd.DataFrame:
    """Coefficients in the columns of the archive."""
    n = len(coefficients)
    columns: dict[str, Any] = {"source_id": np.arange(n)}
    for band, part in (("bp", coefficients[:, :55]), ("rp", coefficients[:, 55:])):
        columns |= {
            f"{band}_n_parameters": [55] * n,
            f"{band}_standard_deviation": [1.0] * n,
            f"{band}_coefficients": list(part),
            f"{band}_coefficient_errors": list(np.full((n, 55), 1e-6)),
            f"{band}_coefficient_correlations": [np.zeros(1485)] * n,
            f"{band}_n_relevant_bases": [53] * n,
            f"{band}_relative_shrinking": [0.0] * n,
        }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def gaiaxpy() -> Any:
    import matplotlib as mpl

    with mpl.rc_context():
        return pytest.importorskip("gaiaxpy")


def test_calibrating_a_noiseless_star_gives_back_its_spectrum(gaiaxpy: Any) -> None:
    flux = dwarf_spectra(TYPES)
    coefficients, g_flux = instrument().coefficients(flux)
    sampling = instrument().wavelengths_nm
    calibrated, _ = gaiaxpy.calibrate(_as_archive(coefficients), sampling=sampling, save_file=False)
    found = np.stack(calibrated["flux"].to_list()) * g_flux[:, None]
    assert relative_rms(found, flux).max() < 0.02


def test_every_type_survives_the_way_there_and_back() -> None:
    flux = dwarf_spectra(tuple(DWARF_TEFF))
    coefficients, g_flux = instrument().coefficients(flux)
    assert relative_rms(coefficients * g_flux[:, None] @ instrument().design.T, flux).max() < 0.02


def test_converting_gives_the_same_internal_spectrum_as_the_bases(gaiaxpy: Any) -> None:
    coefficients, _ = instrument().coefficients(dwarf_spectra(("G2",)))
    internal, _ = gaiaxpy.convert(_as_archive(coefficients), sampling=np.linspace(0, 60, 601), save_file=False)
    bp = np.asarray(internal[internal["xp"].str.upper() == "BP"]["flux"].iloc[0])
    assert bp.max() > 0
    assert bp.min() > -0.02 * bp.max()


def test_generated_photometry_is_that_of_the_catalogue(gaiaxpy: Any) -> None:
    coefficients, _ = instrument().coefficients(dwarf_spectra(TYPES))
    system = gaiaxpy.PhotometricSystem.Gaia_DR3_Vega
    made = gaiaxpy.generate(_as_archive(coefficients), photometric_system=system, save_file=False)
    found = made[[f"GaiaDr3Vega_mag_{band}" for band in ("G", "BP", "RP")]].to_numpy()
    assert np.allclose(found, instrument().magnitudes(coefficients), atol=1e-4)


def test_coefficients_are_for_unit_g_flux_whatever_the_scale() -> None:
    flux = dwarf_spectra(TYPES)
    once, g_flux = instrument().coefficients(flux)
    thousandfold, more = instrument().coefficients(1000 * flux)
    assert np.allclose(instrument().magnitudes(once)[:, 0], ZERO_POINTS[0])
    assert np.allclose(once, thousandfold)
    assert np.allclose(more, 1000 * g_flux)


def test_importing_gaiaxpy_leaves_other_figures_alone() -> None:
    import matplotlib as mpl

    instrument()
    assert not mpl.rcParams["text.usetex"]


def test_errors_grow_with_magnitude_and_fall_with_order() -> None:
    errors = coefficient_errors(np.array([9.0, 11.0, 14.0, 17.0, 19.0]), np.ones(5))
    assert (errors[0] <= errors[1] * 1.1).all()  # the calibration sets a floor
    assert (np.diff(errors[1:], axis=0) > 0).all()
    assert (errors[:, 54] < 0.15 * errors[:, 0]).all()
    assert (errors[:, 109] < 0.15 * errors[:, 55]).all()


@pytest.mark.parametrize("band", ["bp", "rp"])
def test_relevant_bases_follow_the_real_curve(band: str) -> None:
    numbers = relevant_bases(band, np.random.default_rng(3).standard_normal(20_000))
    curve = relevancy_curves()[band] / relevancy_curves()[band][0]
    share = np.array([(numbers > order).mean() for order in range(53)])
    assert np.abs(share - curve).max() < 0.02
    assert numbers.min() >= 1 and numbers.max() <= 53


@pytest.mark.parametrize("make", [np.zeros, np.ones])
def test_the_matrix_maps_flat_spectra_to_finite_coefficients(make: Callable[..., np.ndarray]) -> None:
    coefficients, _ = instrument().coefficients(make((1, 343)) + 0.5)
    assert np.isfinite(coefficients).all()
