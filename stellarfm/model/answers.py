"""What a model says of stars: values, errors and percentiles."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stellarfm.model import mixtures

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """The M Gaussians of each answer, for N stars and K requests.

    Attributes
    ----------
    means, sigmas
        Shape (N, K, M), in the units of the tokens.
    weights
        Shape (N, K, M); they sum to 1 over the last axis.
    """

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

    def columns(self, percentiles: Mapping[str, float] | None = None) -> dict[str, Floats]:
        """Return the answers as columns, each of shape (N,), in the units of the tokens.

        Parameters
        ----------
        percentiles
            Percentiles to give as well, by the suffix of their columns, e.g. ``{"16": 15.87}``.

        Returns
        -------
        dict
            For each token ``NAME`` and ``NAME_error``, then ``NAME_16`` and so on.
        """
        bounds = {suffix: self.percentile(percent) for suffix, percent in (percentiles or {}).items()}
        found: dict[str, Floats] = {}
        for k, name in enumerate(self.names):
            found[name], found[f"{name}_error"] = self.values[:, k], self.errors[:, k]
            found |= {f"{name}_{suffix}": bound[:, k] for suffix, bound in bounds.items()}
        return found

    def percentile(self, percent: float) -> Floats:
        """Return a percentile of each answer.

        Parameters
        ----------
        percent
            Above 0 and below 100; 50 is the median.

        Returns
        -------
        ndarray, shape (N, K)
            In the units of the tokens.

        Raises
        ------
        ValueError
            If `percent` is not between 0 and 100.
        """
        if not 0 < percent < 100:
            raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
        probability = percent / 100
        if self.mixture is None:  # one Gaussian has a closed form
            deviate = torch.special.ndtri(torch.tensor(probability, dtype=torch.float64)).item()
            return (self.values + np.float32(deviate) * self.errors).astype(np.float32)
        return np.asarray(mixtures.quantile(*_tensors(self.mixture), probability).float().numpy())

    def cumulative(self, values: Floats, errors: Floats | None = None) -> NDArray[np.float64]:
        """Return the probability of each answer below a value: uniform between 0 and 1 where the answers are right.

        Parameters
        ----------
        values
            Shape (N, K), in the units of the tokens; NaN gives NaN.
        errors
            Shape (N, K): 1 sigma of `values`, by which the answers are widened; NaN stands for none.

        Returns
        -------
        ndarray, shape (N, K)
            Between 0 and 1.
        """
        mixture = self.mixture or Mixture(
            self.values[..., None], self.errors[..., None], np.ones_like(self.errors)[..., None]
        )
        means, sigmas, weights = _tensors(mixture)
        if errors is not None:  # a measured value scatters about the star's by its error, as in the loss of training
            sigmas = torch.hypot(sigmas, torch.from_numpy(np.nan_to_num(errors)).double()[..., None])
        at = torch.from_numpy(np.asarray(values, np.float64))
        return np.asarray(mixtures.cumulative(at, means, sigmas, weights).numpy())


def _tensors(mixture: Mixture) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    # in double precision: the roots and tails of a distribution lose digits in the model's own float32
    means, sigmas, weights = (
        torch.from_numpy(np.asarray(x, np.float64)) for x in (mixture.means, mixture.sigmas, mixture.weights)
    )
    return means, sigmas, weights
