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
        Median of truth minus prediction, in the token's unit.
    p16, p84
        16th and 84th percentile of truth minus prediction, in the token's unit.
    coverage_68, coverage_95
        Fraction of truths within the central 68 % and 95 % interval of the prediction.
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
    """Compare the predictions of one token with what is true.

    Parameters
    ----------
    truth, predicted
        Shape (N,), in one unit.
    below
        Shape (N,): probability of each predicted distribution below the truth; see `coverage`.

    Returns
    -------
    Score
        All NaN but for the number of stars where no star has both.
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
    """Return the fraction of stars inside the central interval that promises the fraction `share`.

    An interval of the central 68 % spans the probabilities from 0.16 to 0.84: the truth lies inside where the probability
    below it is within 0.34 of one half. This holds for distributions of any shape.

    Parameters
    ----------
    below
        Shape (N,): probability of each predicted distribution below the truth, between 0 and 1; NaN does not count.
    share
        What the interval promises, between 0 and 1.

    Returns
    -------
    float
        Between 0 and 1; NaN if no star counts.
    """
    known = below[np.isfinite(below)]
    return float(np.mean(np.abs(known - 0.5) < share / 2)) if known.size else float("nan")
