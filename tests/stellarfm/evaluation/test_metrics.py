"""Figures of merit against their definitions and against astropy."""

import numpy as np
import pytest
from astropy.stats import mad_std
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from stellarfm.errors import StellarError
from stellarfm.evaluation.baselines import cubic_fit
from stellarfm.evaluation.metrics import score
from stellarfm.model.answers import Answers
from stellarfm.statistics import mad_scatter


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_the_scatter_is_that_of_astropy(values: list[float]) -> None:
    assert mad_scatter(np.array(values)) == pytest.approx(mad_std(values), rel=1e-4, abs=1e-9)


def test_right_gaussian_errors_cover_what_they_promise() -> None:
    rng = np.random.default_rng(1)
    truth, error = rng.normal(5000, 300, 20_000), np.full(20_000, 40.0)
    predicted = truth + error * rng.standard_normal(20_000)
    found = score(truth, predicted, norm.cdf((truth - predicted) / error))
    assert found.coverage_68 == pytest.approx(0.68, abs=0.01)
    assert found.coverage_95 == pytest.approx(0.95, abs=0.005)
    assert found.scatter == pytest.approx(40, rel=0.03)
    assert found.bias == pytest.approx(0, abs=1)


def test_the_error_of_the_label_itself_is_added_to_the_predicted_error() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 1, 20_000)
    label = truth + 0.3 * rng.standard_normal(20_000)
    predicted = truth + 0.4 * rng.standard_normal(20_000)
    answers = Answers(("x",), predicted[:, None], np.full((20_000, 1), 0.4), np.zeros(20_000, bool))
    below = answers.cumulative(label[:, None], np.full((20_000, 1), np.float32(0.3)))
    assert score(label, predicted, below[:, 0]).coverage_68 == pytest.approx(0.68, abs=0.01)


def test_stars_without_a_truth_do_not_count() -> None:
    found = score(np.array([1.0, np.nan, 3.0]), np.array([1.1, 2.0, np.nan]), np.array([0.5, np.nan, np.nan]))
    assert (found.num_stars, found.coverage_68) == (1, 1.0)
    assert score(np.full(3, np.nan), np.ones(3), np.full(3, np.nan)).num_stars == 0


def test_a_cubic_fit_finds_a_cubic_again_and_needs_four_stars() -> None:
    x = np.linspace(0.5, 2.5, 30)
    y = 9000 - 4000 * x + 900 * x**2 - 80 * x**3
    np.testing.assert_allclose(cubic_fit(x, y, np.array([1.0, np.nan])), [5820, np.nan], rtol=1e-9)
    with pytest.raises(StellarError, match="at least four stars"):
        cubic_fit(x[:3], y[:3], x)
