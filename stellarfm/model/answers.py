"""What a model says of stars: values, errors and percentiles."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
_HALVINGS = 60


@dataclass(frozen=True)
class Mixture:
    """Gaussians of each answer, shape (N, K, M): means and sigmas in the units of the tokens, shares that sum to 1."""

    means: Floats
    sigmas: Floats
    shares: Floats


@dataclass(frozen=True)
class Answers:
    """What a model says of N stars.

    Attributes
    ----------
    names
        The K tokens that were requested.
    values, errors
        Shape (N, K), in the units of the tokens; errors are 1 sigma of the star itself, without measurement noise.
    is_prior
        Shape (N,): nothing was known of the star, so the answer is that for a star drawn at random.
    mixture
        The whole distributions of a model that answers with several Gaussians.
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    is_prior: NDArray[np.bool_]
    mixture: Mixture | None = None

    def percentile(self, percent: float) -> Floats:
        """Return a percentile of each answer, (N, K).

        Raises
        ------
        ValueError
            If it is not between 0 and 100.
        """
        if not 0 < percent < 100:
            raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
        deviate = torch.special.ndtri(torch.tensor(percent / 100, dtype=torch.float64)).item()
        if self.mixture is None:
            return (self.values + np.float32(deviate) * self.errors).astype(np.float32)
        return _mixture_quantile(self.mixture, percent / 100, deviate)


def _mixture_quantile(mixture: Mixture, share: float, deviate: float) -> Floats:
    """Return where the cumulative distribution reaches a share, by bisection between the components' own quantiles."""
    means, sigmas, shares = (
        torch.from_numpy(np.asarray(x)).double() for x in (mixture.means, mixture.sigmas, mixture.shares)
    )
    own = means + deviate * sigmas  # (N, K, M)
    low, high = own.min(-1).values, own.max(-1).values  # (N, K)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = _cumulative(middle, means, sigmas, shares) < share
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return np.asarray(((low + high) / 2).float().numpy())


def _cumulative(at: Tensor, means: Tensor, sigmas: Tensor, shares: Tensor) -> Tensor:
    below: Tensor = shares * torch.special.ndtr((at[..., None] - means) / sigmas)
    return below.sum(-1)
