"""Spectra have the shape of real ones, and features answer to what they should answer to."""

from pathlib import Path

import numpy as np
import pytest

from stellarfm.realism.spectra import DWARF_TEFF, MAX_TEMPLATE_RMS, compare_types
from stellarfm.sky.continuum import log_continuum, opacity
from stellarfm.sky.features import features, linear_weights
from stellarfm.sky.spectra import spectra
from stellarfm.sky.xp import instrument

WAVELENGTHS = np.arange(336.0, 1021.0, 2.0)
POORLY_TYPED = {"G6", "K9"}
"""Real means that are redder than both of their neighbours by far: no smooth model goes through them."""


def _flux(teff: float, logg: float, m_h: float, **abundances: float) -> np.ndarray:
    extra = {name: np.array([value]) for name, value in abundances.items()}
    return spectra(WAVELENGTHS, np.array([teff]), np.array([logg]), np.array([m_h]), **extra)[0]


def _depth(flux: np.ndarray, centre: float, width: float) -> float:
    """How much a band lies below its neighbourhood."""
    inside = np.abs(WAVELENGTHS - centre) <= width
    around = (np.abs(WAVELENGTHS - centre) > 1.5 * width) & (np.abs(WAVELENGTHS - centre) < 3.5 * width)
    return 1 - flux[inside].mean() / np.interp(centre, WAVELENGTHS[around], flux[around])


def test_dwarfs_of_every_type_look_like_the_mean_real_ones(shared: Path) -> None:
    compared = compare_types(shared / "real")
    rms = dict(zip(compared.types, compared.rms, strict=True))
    assert set(rms) == set(DWARF_TEFF)
    for name, value in rms.items():
        assert value < (0.14 if name in POORLY_TYPED else MAX_TEMPLATE_RMS), name


def test_balmer_lines_and_jump_are_strongest_in_hot_stars() -> None:
    hot, sun = _flux(9000, 4.1, 0), _flux(5772, 4.44, 0)
    assert _depth(hot, 486, 8) > _depth(sun, 486, 8) + 0.05
    blue, red = (WAVELENGTHS < 356) & (WAVELENGTHS > 344), (WAVELENGTHS > 396) & (WAVELENGTHS < 408)
    assert hot[blue].mean() / hot[red].mean() < 0.75


@pytest.mark.parametrize(("centre", "width"), [(705.0 + 8, 8.0), (760.0 + 10, 12.0)])
def test_titanium_oxide_is_seen_in_cool_stars_alone(centre: float, width: float) -> None:
    assert _depth(_flux(3200, 5.0, 0), centre, width) > 0.1
    assert abs(_depth(_flux(5500, 4.5, 0), centre, width)) < 0.03


def test_poor_stars_are_brighter_in_the_blue_and_have_weaker_lines() -> None:
    rich, poor = _flux(4800, 2.5, 0.2), _flux(4800, 2.5, -1.5)
    blue, red = WAVELENGTHS < 440, WAVELENGTHS > 600
    assert poor[blue].sum() / poor[red].sum() > 1.02 * rich[blue].sum() / rich[red].sum()
    assert _depth(poor, 517.5, 9) < _depth(rich, 517.5, 9)


def test_magnesium_tells_dwarfs_from_giants() -> None:
    assert _depth(_flux(4600, 4.6, 0), 514, 10) > _depth(_flux(4600, 2.0, 0), 514, 10) + 0.02


def test_carbon_and_alpha_change_their_own_features() -> None:
    usual = _flux(4500, 2.2, 0)
    assert np.argmax(np.abs(np.log(_flux(4500, 2.2, 0, carbon=0.3) / usual))) < np.argmax(WAVELENGTHS > 460)
    changed = np.log(_flux(4500, 2.2, 0, alpha=0.3) / usual)
    assert changed[np.argmin(np.abs(WAVELENGTHS - 518))] < -0.005
    assert abs(changed[np.argmin(np.abs(WAVELENGTHS - 925))]) < 0.02


def test_the_continuum_approaches_a_black_body_where_the_atmosphere_is_grey() -> None:
    teff = np.array([5772.0])
    ratio = log_continuum(WAVELENGTHS, teff, np.array([4.44]))[0]
    assert np.all(np.diff(ratio[WAVELENGTHS > 520]) < 0)  # the Sun's continuum falls to the red


def test_hydrogen_minus_has_its_minimum_near_1600_nm() -> None:
    """Gray (2005), figure 8.5: the bound-free edge lies at 1640 nm, the opacity peaks near 850 nm."""
    wavelengths = np.arange(400.0, 2400.0, 10.0)
    found = opacity(wavelengths, np.array([[5700.0]]), np.array([[20.0]]))[0]
    assert 780 < wavelengths[:120][np.argmax(found[:120])] < 930
    assert 1550 < wavelengths[np.argmin(found[wavelengths > 0])] < 1750


def test_the_neutral_edges_are_where_the_levels_are() -> None:
    hot = opacity(np.array([360.0, 370.0, 815.0, 825.0]), np.array([[9500.0]]), np.array([[1000.0]]))[0]
    assert hot[0] > 3 * hot[1]
    assert hot[2] > 1.1 * hot[3]


def test_every_feature_peaks_at_one_and_absorption_is_never_negative() -> None:
    table = features()
    profiles = table.profiles(np.arange(320.0, 1040.0, 0.25))
    assert np.allclose(profiles.max(axis=1), 1, atol=0.01)
    absorbing = [k for k, shape in enumerate(table.shapes) if shape != "continuum"]
    assert (table.dwarf[:, absorbing] >= 0).all() and (table.giant[:, absorbing] >= 0).all()
    assert len(table.names) == len(set(table.names))


def test_linear_weights_interpolate() -> None:
    knots, x = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 3.0, 4.0, 9.0])
    assert np.allclose(linear_weights(knots, x) @ np.array([10.0, 20.0, 60.0]), [10, 10, 40, 60, 60])


def test_the_grid_of_the_instrument_is_that_of_the_spectra() -> None:
    assert np.array_equal(instrument().wavelengths_nm, WAVELENGTHS)
