"""Figures of merit of predictions, robust against outliers; NaN is ignored everywhere."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.statistics import mad_scatter

Floats = NDArray[np.floating]


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


def score(truth: Floats, predicted: Floats, below: Floats) -> Score:
    """Compare predictions with what is true.

    Parameters
    ----------
    truth, predicted
        Shape (N,), in one unit.
    below
        Shape (N,): how much of each predicted distribution lies below the truth; see `coverage`.
    """
    known = np.isfinite(truth) & np.isfinite(predicted)
    residual = (truth - predicted)[known].astype(np.float64)
    if residual.size == 0:
        return Score(0, *[float("nan")] * 6)
    p16, p50, p84 = np.percentile(residual, [16, 50, 84])
    return Score(
        num_stars=int(residual.size),
        scatter=mad_scatter(residual),
        bias=float(p50),
        p16=float(p16),
        p84=float(p84),
        coverage_68=coverage(below[known], 0.68),
        coverage_95=coverage(below[known], 0.95),
    )


def coverage(below: Floats, share: float) -> float:
    """Return the share of stars inside the central interval that promises `share`.

    Parameters
    ----------
    below
        Shape (N,): how much of each predicted distribution lies below the truth, between 0 and 1; NaN does not count.
    share
        What the interval promises.
    """
    known = below[np.isfinite(below)]
    return float(np.mean(np.abs(known - 0.5) < share / 2)) if known.size else float("nan")
