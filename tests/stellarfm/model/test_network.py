"""The network: its size, and what its answers may and may not depend on."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from torch import Tensor

from stellarfm.model import mixtures
from stellarfm.model.network import PRESETS, Answer, NetworkConfig, StarNetwork, count_parameters

TOKENS = 118
SHAPES = {
    "as published": NetworkConfig(
        32, ((4, 64), (2, 32)), ((4, 64), (2, 32), (1, 16)), (64, 32), pre_norm=False, show_errors=False, dropout=0.1
    ),
    "norm first, errors shown": NetworkConfig(32, ((4, 64),) * 2, ((4, 64),) * 2, (32,)),
    "a summary of the star": NetworkConfig(32, ((4, 64),), ((4, 64),), (32,), summary=(48, 48)),
    "mixture": NetworkConfig(32, ((4, 64),), ((4, 64),), (32,), components=3),
}


def network(name: str) -> StarNetwork:
    torch.manual_seed(0)
    return StarNetwork(SHAPES[name], TOKENS).eval()


def stars(number: int, length: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.stack([torch.randperm(TOKENS, generator=generator)[:length] + 1 for _ in range(number)])
    return ids, torch.randn(number, length, generator=generator), torch.rand(number, length, generator=generator)


def assert_same(a: Answer, b: Answer) -> None:
    torch.testing.assert_close(a.mean, b.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(a.log_variance, b.log_variance, rtol=1e-5, atol=1e-5)


def test_preset_paper_has_exactly_the_published_number_of_parameters() -> None:
    assert count_parameters(StarNetwork(PRESETS["paper"], TOKENS)) == 8_845_529


def test_the_other_presets_are_smaller_than_the_published_network() -> None:
    """A third and a tenth of it, and less."""
    assert count_parameters(StarNetwork(PRESETS["default"], TOKENS)) < 8_845_529 / 3
    assert count_parameters(StarNetwork(PRESETS["small"], TOKENS)) < 8_845_529 / 10


@pytest.mark.parametrize("name", SHAPES)
def test_many_requests_together_are_answered_like_one_by_one(name: str) -> None:
    net, shown = network(name), stars(3, 9, seed=1)
    asked = torch.arange(1, TOKENS + 1).expand(3, -1)
    together = net(*shown, asked)
    for place in range(0, TOKENS, 7):
        alone = net(*shown, asked[:, place : place + 1])
        torch.testing.assert_close(together.mean[:, place], alone.mean[:, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), padding=st.integers(1, 40))
def test_an_answer_does_not_depend_on_padding(name: str, seed: int, padding: int) -> None:
    net, (ids, values, errors) = network(name), stars(2, 5, seed)
    asked = torch.tensor([[1, 50], [7, 118]])
    empty = torch.zeros(2, padding)
    padded = net(torch.cat([ids, empty.long()], 1), torch.cat([values, empty], 1), torch.cat([errors, empty], 1), asked)
    assert_same(net(ids, values, errors, asked), padded)


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_an_answer_does_not_depend_on_the_order_of_tokens(name: str, seed: int) -> None:
    net, (ids, values, errors) = network(name), stars(2, 12, seed)
    asked = torch.tensor([[3, 90], [3, 90]])
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    assert_same(net(ids, values, errors, asked), net(ids[:, order], values[:, order], errors[:, order], asked))


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_does_not_depend_on_the_other_stars(name: str) -> None:
    net, (ids, values, errors) = network(name), stars(6, 8, seed=4)
    asked = torch.full((6, 2), 5)
    together, alone = net(ids, values, errors, asked), net(ids[2:3], values[2:3], errors[2:3], asked[2:3])
    assert_same(Answer(together.mean[2:3], together.log_variance[2:3], None), alone)


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_depends_on_the_values_that_are_shown(name: str) -> None:
    net, (ids, values, errors) = network(name), stars(2, 8, seed=4)
    asked = torch.full((2, 1), 5)
    assert not torch.allclose(net(ids, values, errors, asked).mean, net(ids, values + 1, errors, asked).mean)


def test_errors_matter_only_where_the_shape_shows_them() -> None:
    ids, values, errors = stars(2, 8, seed=4)
    asked = torch.full((2, 1), 5)
    for name, matters in (("as published", False), ("norm first, errors shown", True)):
        net = network(name)
        same = torch.allclose(net(ids, values, errors, asked).mean, net(ids, values, 3 * errors, asked).mean)
        assert same != matters


def test_a_star_of_which_nothing_is_known_gets_a_finite_answer() -> None:
    for name in SHAPES:
        answer = network(name)(
            torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 3), torch.zeros(1, 3), torch.tensor([[4]])
        )
        assert bool(answer.mean.isfinite().all())


def test_a_mixture_lies_around_its_median_with_half_of_its_central_68_percent() -> None:
    """Given two equal Gaussians of sigma 1 at -1 and 1: 84.1 % lie below 1.411."""
    answer = Answer(
        mean=torch.tensor([[[-1.0, 1.0]]]), log_variance=torch.zeros(1, 1, 2), mixture_logits=torch.zeros(1, 1, 2)
    )
    median, error = answer.median_and_error()
    assert median.item() == pytest.approx(0, abs=1e-6)
    assert 0.5 * (norm.cdf(error.item() + 1) + norm.cdf(error.item() - 1)) == pytest.approx(0.84134475, abs=1e-6)


@given(
    means=st.lists(st.floats(-20, 20), min_size=3, max_size=3),
    sigmas=st.lists(st.floats(0.01, 5), min_size=3, max_size=3),
    weights=st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
    share=st.floats(0.01, 0.99),
)
def test_a_quantile_is_where_the_cumulative_distribution_reaches_its_share(
    means: list[float], sigmas: list[float], weights: list[float], share: float
) -> None:
    parts = [torch.tensor(x, dtype=torch.float64) for x in (means, sigmas, weights)]
    parts[2] = parts[2] / parts[2].sum()
    at = mixtures.quantile(*parts, share)
    step = 1e-3  # a flat part between two Gaussians may reach the share anywhere on it
    assert mixtures.cumulative(at - step, *parts) <= share <= mixtures.cumulative(at + step, *parts)


def test_attention_sums_to_one_over_the_tokens_that_are_known() -> None:
    net, (ids, values, errors) = network("as published"), stars(2, 6, seed=1)
    ids[:, 4:] = 0
    share = net.attention_weights(net.encode(ids, values, errors), torch.tensor([[1], [2]]))
    torch.testing.assert_close(share.sum(-1), torch.ones(2, 1))
    assert bool((share[..., 4:] == 0).all())


def test_attention_agrees_with_torchs_own_module() -> None:
    """MultiheadAttention with an added key and value is what the published code is built of."""
    block = network("as published").encoder[0].attention
    theirs = torch.nn.MultiheadAttention(32, 4, add_bias_kv=True, batch_first=True).eval()
    theirs.load_state_dict(
        {
            "in_proj_weight": block.in_weight,
            "in_proj_bias": block.in_bias,
            "bias_k": block.extra_key.view(1, 1, -1),
            "bias_v": block.extra_value.view(1, 1, -1),
            "out_proj.weight": block.out.weight,
            "out_proj.bias": block.out.bias,
        }
    )
    query, known = torch.randn(2, 7, 32), torch.rand(2, 7) < 0.7
    expected, _ = theirs(query, query, query, key_padding_mask=~known, need_weights=False)
    torch.testing.assert_close(block(query, query, known), expected, rtol=1e-5, atol=1e-5)


def test_a_network_without_errors_has_no_weights_for_them() -> None:
    with_errors, without = (
        SHAPES["norm first, errors shown"],
        replace(SHAPES["norm first, errors shown"], show_errors=False),
    )
    difference = count_parameters(StarNetwork(with_errors, TOKENS)) - count_parameters(StarNetwork(without, TOKENS))
    assert difference == (TOKENS + 1) * 32
