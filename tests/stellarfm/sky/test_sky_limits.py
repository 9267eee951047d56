"""Parameters outside of the models' validity are refused, and draws stay inside."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellarfm.sky import simulate as sky
from stellarfm.sky.dust import extinction
from stellarfm.sky.limits import LIMITS, check_limits, truncated_normal
from stellarfm.sky.spectra import spectra

WAVELENGTHS = np.arange(400.0, 500.0, 10.0)


@pytest.mark.parametrize("name", LIMITS)
def test_a_value_beyond_a_limit_is_refused_with_the_limits(name: str) -> None:
    low, high, _ = LIMITS[name]
    check_limits(**{name: np.array([low, high])})
    for value in (low - 1e-6, high + 1e-6 * high, np.nan, np.inf):
        with pytest.raises(ValueError, match=re.escape(f"{name} must be between {low:g} and {high:g}")):
            check_limits(**{name: np.array([low, value])})


def test_spectra_outside_of_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="teff must be between 2700 and 10000 K"):
        spectra(WAVELENGTHS, np.array([2000.0]), np.array([4.5]), np.array([0.0]))
    with pytest.raises(ValueError, match=r"m_h must be between -2\.5 and 0\.5 dex"):
        spectra(WAVELENGTHS, np.array([5000.0]), np.array([4.5]), np.array([1.0]))


def test_dust_outside_of_the_law_is_refused() -> None:
    with pytest.raises(ValueError, match=r"r_v must be between 2\.3 and 5\.6"):
        extinction(WAVELENGTHS, np.array([0.1]), np.array([2.0]))
    with pytest.raises(ValueError, match="ebv must be between 0 and 10 mag"):
        extinction(WAVELENGTHS, np.array([-0.1]), np.array([3.1]))


@given(centre=st.floats(-3, 1), width=st.floats(0.05, 1), seed=st.integers(0, 1000))
def test_draws_never_leave_the_limits(centre: float, width: float, seed: int) -> None:
    drawn = truncated_normal(np.random.default_rng(seed), centre, width, "m_h", 50)
    assert (drawn >= -2.5).all() and (drawn <= 0.5).all()


def test_draws_far_from_the_limits_are_normal() -> None:
    drawn = truncated_normal(np.random.default_rng(1), 5000.0, 100.0, "teff", 20_000)
    assert abs(drawn.mean() - 5000) < 3
    assert abs(drawn.std() - 100) < 3


@pytest.mark.parametrize(
    ("num_stars", "seed", "words"),
    [
        (0, 1, "num_stars must be an integer from 1 to"),
        (-5, 1, "num_stars must be an integer from 1 to"),
        (1 << 40, 1, "num_stars must be an integer from 1 to"),
        (10, -1, "seed must be an integer from 0 to"),
        (10, 1.5, "seed must be an integer from 0 to"),
        (10, "7", "seed must be an integer from 0 to"),
        (10, True, "seed must be an integer from 0 to"),
    ],
)
def test_sizes_and_seeds_that_make_no_sky_are_refused(num_stars: int, seed: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        next(sky.simulate(num_stars, seed))


def test_a_range_starts_at_a_block() -> None:
    with pytest.raises(ValueError, match="first must be a multiple of 1000"):
        sky.simulate_range(1, 500, 10)
