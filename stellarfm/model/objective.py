"""What is minimised: the negative log likelihood of what was asked, with the measurement's own error."""

import math

import torch
from torch import Tensor

from stellarfm.model.network import Answer
from stellarfm.model.sampler import Batch


def negative_log_likelihood(answer: Answer, batch: Batch) -> Tensor:
    """Return the negative log likelihood of each request, (B, K); 0 where nothing was asked.

    For one component this is the published loss (Leung & Bovy 2024): with v = exp(s) + error^2,
    0.5 [(y - mean)^2 / v + ln v]. A mixture sums the likelihoods of its components; each gets the error in the same way.
    """
    variance = answer.log_variance.exp() + batch.target_errors[..., None] ** 2  # (B, K, M)
    loss = 0.5 * ((batch.targets[..., None] - answer.mean) ** 2 / variance + variance.log())
    if answer.share is None:
        nll = loss[..., 0]
    else:
        nll = -torch.logsumexp(answer.share.float().log_softmax(-1) - loss, dim=-1)
    return nll.masked_fill(batch.requests == 0, 0.0)


def mean_loss(answer: Answer, batch: Batch) -> Tensor:
    """Return the mean over all that was asked."""
    return negative_log_likelihood(answer, batch).sum() / (batch.requests > 0).sum().clamp_min(1)


HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
"""What the published loss leaves out of the log likelihood of a Gaussian."""
