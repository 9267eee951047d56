"""Where the probability of a sum of Gaussians reaches a share. Needs torch alone."""

import torch
from torch import Tensor

MEDIAN, LOWER, UPPER = 0.5, 0.15865525, 0.84134475
"""Shares below the middle, and below 1 sigma of a Gaussian on either side of it."""

_STEPS = 40
_TOLERANCE = 1e-5
"""Largest last step, in the smallest sigma."""


def quantile(means: Tensor, sigmas: Tensor, shares: Tensor, share: float) -> Tensor:
    """Return where the cumulative distribution of mixtures reaches a share.

    Newton's steps, and the middle of what is left where one would leave it: it lies between the components' own quantiles.

    Parameters
    ----------
    means, sigmas, shares
        Shape (..., M); shares sum to 1.
    share
        Between 0 and 1.

    Returns
    -------
    Tensor, shape (...)
        In the unit of the means.
    """
    deviate = torch.special.ndtri(torch.tensor(share, dtype=torch.float64)).item()
    own = means + deviate * sigmas
    low, high = own.amin(-1), own.amax(-1)  # (...)
    at: Tensor = (shares * own).sum(-1)
    for _ in range(_STEPS):
        pull = (at[..., None] - means) / sigmas
        excess = (shares * torch.special.ndtr(pull)).sum(-1) - share
        low, high = torch.where(excess < 0, at, low), torch.where(excess < 0, high, at)
        density = (shares * torch.exp(-0.5 * pull * pull) / sigmas).sum(-1) / (2 * torch.pi) ** 0.5
        step = at - excess / density.clamp_min(1e-30)
        before, at = at, torch.where((step > low) & (step < high), step, (low + high) / 2)
        if bool(((at - before).abs() <= _TOLERANCE * sigmas.amin(-1)).all()):
            break
    return at


def cumulative(at: Tensor, means: Tensor, sigmas: Tensor, shares: Tensor) -> Tensor:
    """Return the share of mixtures below `at`, shape (...), for components of shape (..., M)."""
    below: Tensor = (shares * torch.special.ndtr((at[..., None] - means) / sigmas)).sum(-1)
    return below
