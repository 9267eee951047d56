"""The loss against closed forms."""

import math

import pytest
import torch

from stellarfm.model.loss import HALF_LOG_TWO_PI, negative_log_likelihood, num_asked
from stellarfm.model.network import Answer
from stellarfm.model.sampler import Batch


def batch(targets: list[float], errors: list[float], ids: list[int]) -> Batch:
    nothing = torch.zeros(1, 1)
    asked, y, sigma = (torch.tensor([x]) for x in (ids, targets, errors))
    return Batch(nothing.long(), nothing, nothing, asked, y, sigma)


def test_one_gaussian_has_the_published_loss_with_the_labels_own_error() -> None:
    answer = Answer(torch.tensor([[[0.5]]]), torch.tensor([[[math.log(0.09)]]]), None)
    loss = negative_log_likelihood(answer, batch([1.0], [0.4], [1]))
    v = 0.09 + 0.16
    assert loss.item() == pytest.approx(0.5 * (0.25 / v + math.log(v)))


def test_the_constant_makes_it_a_log_likelihood() -> None:
    answer = Answer(torch.tensor([[[0.5]]]), torch.tensor([[[math.log(0.09)]]]), None)
    density = torch.distributions.Normal(0.5, 0.5).log_prob(torch.tensor(1.0)).item()
    loss = negative_log_likelihood(answer, batch([1.0], [0.4], [1])).item()
    assert -(loss + HALF_LOG_TWO_PI) == pytest.approx(density, abs=1e-6)


def test_a_mixture_of_equal_parts_is_one_gaussian() -> None:
    one = Answer(torch.full((1, 1, 1), 0.3), torch.full((1, 1, 1), -1.0), None)
    three = Answer(torch.full((1, 1, 3), 0.3), torch.full((1, 1, 3), -1.0), torch.tensor([[[0.1, 2.0, -1.0]]]))
    asked = batch([1.0], [0.2], [1])
    torch.testing.assert_close(negative_log_likelihood(one, asked), negative_log_likelihood(three, asked))


def test_a_mixture_has_the_density_of_torchs_own_distribution() -> None:
    torch.manual_seed(0)
    answer = Answer(torch.randn(1, 2, 4), torch.randn(1, 2, 4), torch.randn(1, 2, 4))
    asked = batch([0.4, -1.2], [0.3, 0.1], [1, 2])
    sigma = (answer.log_variance.exp() + asked.target_errors[..., None] ** 2).sqrt()
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=answer.mixture_logits), torch.distributions.Normal(answer.mean, sigma)
    )
    torch.testing.assert_close(
        -(negative_log_likelihood(answer, asked) + HALF_LOG_TWO_PI), mixture.log_prob(asked.targets)
    )


def test_what_was_not_asked_costs_nothing() -> None:
    answer = Answer(torch.zeros(1, 2, 1), torch.zeros(1, 2, 1), None)
    asked = batch([3.0, 3.0], [0.0, 0.0], [5, 0])
    assert negative_log_likelihood(answer, asked).tolist() == [[4.5, 0.0]]
    assert num_asked([asked, asked]).item() == 2
