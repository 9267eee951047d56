"""Quantiles and cumulative probabilities of Gaussian mixtures. Needs torch alone."""

import torch
from torch import Tensor

MEDIAN, LOWER, UPPER = 0.5, 0.15865525, 0.84134475
"""Probability below the median, and below 1 sigma of a Gaussian on either side of it."""

_STEPS = 40
"""More than enough: Newton needs a few, halving adds a bit of precision each."""

_TOLERANCE = 1e-5
"""Largest last step, in units of the smallest sigma."""


def quantile(means: Tensor, sigmas: Tensor, weights: Tensor, probability: float) -> Tensor:
    """Return where the cumulative distribution of mixtures reaches a probability.

    Newton's method, kept between bounds: where a step would leave the interval that holds the root, the interval is halved.

    Parameters
    ----------
    means, sigmas, weights
        Shape (..., M); weights sum to 1.
    probability
        Between 0 and 1.

    Returns
    -------
    Tensor, shape (...)
        In the unit of the means.
    """
    deviate = torch.special.ndtri(torch.tensor(probability, dtype=torch.float64)).item()
    quantiles = means + deviate * sigmas
    # below the smallest of the components' quantiles every component has too little probability, above the largest too much
    low, high = quantiles.amin(-1), quantiles.amax(-1)  # (...)
    at: Tensor = (weights * quantiles).sum(-1)
    for _ in range(_STEPS):
        pull = (at[..., None] - means) / sigmas
        excess = (weights * torch.special.ndtr(pull)).sum(-1) - probability
        low, high = torch.where(excess < 0, at, low), torch.where(excess < 0, high, at)
        # between components that lie far apart the density underflows to 0: the huge step that follows leaves the interval,
        # which is halved instead
        density = (weights * torch.exp(-0.5 * pull * pull) / sigmas).sum(-1) / (2 * torch.pi) ** 0.5
        step = at - excess / density.clamp_min(1e-30)
        before, at = at, torch.where((step > low) & (step < high), step, (low + high) / 2)
        if bool(((at - before).abs() <= _TOLERANCE * sigmas.amin(-1)).all()):
            break
    return at


def cumulative(at: Tensor, means: Tensor, sigmas: Tensor, weights: Tensor) -> Tensor:
    """Return the probability of mixtures below a value.

    Parameters
    ----------
    at
        Shape (...), in the unit of the means.
    means, sigmas, weights
        Shape (..., M); weights sum to 1.

    Returns
    -------
    Tensor, shape (...)
        Between 0 and 1.
    """
    below: Tensor = (weights * torch.special.ndtr((at[..., None] - means) / sigmas)).sum(-1)
    return below
