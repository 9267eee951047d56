"""Figures of merit of predictions, robust against outliers; NaN is ignored everywhere."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

MAD_TO_SIGMA = 1.4826
"""Scale that makes the median absolute deviation of a Gaussian its standard deviation."""

_SIGMAS_68, _SIGMAS_95 = 0.994458, 1.959964


@dataclass(frozen=True)
class Score:
    """How well one token was predicted.

    Attributes
    ----------
    num_stars
        Stars with both a truth and a prediction.
    scatter
        1.4826 MAD of truth minus prediction, in the token's unit (Leung & Bovy 2024).
    bias
        Median of truth minus prediction.
    p16, p84
        16th and 84th percentile of truth minus prediction.
    coverage_68, coverage_95
        Share of truths within the central 68 % and 95 % interval of the prediction.
    """

    num_stars: int
    scatter: float
    bias: float
    p16: float
    p84: float
    coverage_68: float
    coverage_95: float

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready form."""
        return asdict(self)


def mad_scatter(residual: Floats) -> float:
    """Return 1.4826 times the median absolute deviation from the median; NaN if nothing is finite."""
    finite = residual[np.isfinite(residual)]
    if finite.size == 0:
        return float("nan")
    return float(MAD_TO_SIGMA * np.median(np.abs(finite - np.median(finite))))


def score(truth: Floats, predicted: Floats, predicted_error: Floats, truth_error: Floats | None = None) -> Score:
    """Compare predictions with what is true.

    Parameters
    ----------
    truth, predicted, predicted_error
        Shape (N,), in one unit; `predicted_error` is 1 sigma.
    truth_error
        Shape (N,); 1 sigma of `truth` itself where it was measured, added in quadrature for the coverage.
    """
    known = np.isfinite(truth) & np.isfinite(predicted)
    residual = (truth - predicted)[known].astype(np.float64)
    if residual.size == 0:
        return Score(0, *[float("nan")] * 6)
    variance = predicted_error[known].astype(np.float64) ** 2
    if truth_error is not None:
        variance += np.nan_to_num(truth_error[known]).astype(np.float64) ** 2
    pull = np.abs(residual) / np.sqrt(variance)
    p16, p50, p84 = np.percentile(residual, [16, 50, 84])
    return Score(
        num_stars=int(residual.size),
        scatter=mad_scatter(residual),
        bias=float(p50),
        p16=float(p16),
        p84=float(p84),
        coverage_68=float(np.mean(pull < _SIGMAS_68)),
        coverage_95=float(np.mean(pull < _SIGMAS_95)),
    )
