"""What a model says of stars: values, errors and percentiles."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stellarfm.model import mixtures

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """Gaussians of each answer, shape (N, K, M): means and sigmas in the units of the tokens, weights that sum to 1."""

    means: Floats
    sigmas: Floats
    weights: Floats


@dataclass(frozen=True)
class Answers:
    """What a model says of N stars.

    Attributes
    ----------
    names
        The K tokens that were requested.
    values, errors
        Shape (N, K), in the units of the tokens: the median, and half of the central 68 %, which for one Gaussian are its
        mean and sigma. Of the star itself, without measurement noise.
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
        probability = percent / 100
        if self.mixture is None:
            deviate = torch.special.ndtri(torch.tensor(probability, dtype=torch.float64)).item()
            return (self.values + np.float32(deviate) * self.errors).astype(np.float32)
        return np.asarray(mixtures.quantile(*_tensors(self.mixture), probability).float().numpy())

    def cumulative(self, values: Floats, errors: Floats | None = None) -> NDArray[np.float64]:
        """Return how much of each answer lies below a value, (N, K): uniform between 0 and 1 where the answers are right.

        Parameters
        ----------
        values
            Shape (N, K), in the units of the tokens; NaN gives NaN.
        errors
            Shape (N, K): 1 sigma of `values`, by which the answers are widened; NaN stands for none.
        """
        own = self.mixture or Mixture(
            self.values[..., None], self.errors[..., None], np.ones_like(self.errors)[..., None]
        )
        means, sigmas, weights = _tensors(own)
        if errors is not None:
            sigmas = torch.hypot(sigmas, torch.from_numpy(np.nan_to_num(errors)).double()[..., None])
        at = torch.from_numpy(np.asarray(values, np.float64))
        return np.asarray(mixtures.cumulative(at, means, sigmas, weights).numpy())


def _tensors(mixture: Mixture) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    means, sigmas, weights = (
        torch.from_numpy(np.asarray(x, np.float64)) for x in (mixture.means, mixture.sigmas, mixture.weights)
    )
    return means, sigmas, weights
