"""What is minimised: the negative log likelihood of what was asked, with the error of each measurement.

Letters: B stars, K requests, M components.
"""

import math

import torch
from torch import Tensor

from stellarfm.model.network import Answer
from stellarfm.model.sampler import Batch

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
"""What the published loss leaves out of the negative log likelihood of a Gaussian."""


def negative_log_likelihood(answer: Answer, batch: Batch) -> Tensor:
    """Return the negative log likelihood of each request, (B, K), without the constant; 0 where nothing was asked.

    For one component this is the published loss (Leung & Bovy 2024): with v = exp(s) + error^2,
    0.5 [(y - mean)^2 / v + ln v]. A mixture sums the likelihoods of its components, each with the same error.

    Parameters
    ----------
    answer
        Standardised answers, (B, K, M).
    batch
        Standardised targets and their errors, (B, K).
    """
    # the label's variance is added to the model's, so that exp(s) learns the scatter of stars without the noise of labels
    variance = answer.log_variance.exp() + batch.target_errors[..., None] ** 2  # (B, K, M)
    loss = 0.5 * ((batch.targets[..., None] - answer.mean) ** 2 / variance + variance.log())
    # a component's likelihood may underflow, its logarithm does not: the sum over components is taken by logsumexp
    log_weights = torch.zeros_like(loss) if answer.mixture_logits is None else answer.mixture_logits.log_softmax(-1)
    nll = -torch.logsumexp(log_weights - loss, dim=-1)  # (B, K)
    return nll.masked_fill(batch.requests == 0, 0.0)


def num_asked(batches: list[Batch]) -> Tensor:
    """Return how many requests there are, at least 1, as a scalar tensor on the device."""
    # no .item() here: reading a number would make every step wait for the GPU
    return torch.stack([(batch.requests > 0).sum() for batch in batches]).sum().clamp_min(1)
