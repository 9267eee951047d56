"""Asking a model."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stellarfm.errors import StellarError
from stellarfm.model.answers import Answers, Mixture
from stellarfm.model.checkpoint import load_model, save_model
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary
from tests.stellarfm.model.conftest import TINY

World = Callable[..., TokenTable]


@pytest.fixture(params=[1, 3], ids=["Gaussian", "mixture"])
def model(request: pytest.FixtureRequest, vocabulary: Vocabulary, world: World) -> FoundationModel:
    torch.manual_seed(0)
    network = StarNetwork(replace(TINY, components=request.param), len(vocabulary))
    return FoundationModel(network, vocabulary, RobustScaler.of(world()), device="cpu")


def test_many_requests_together_are_answered_like_one_by_one(model: FoundationModel, world: World) -> None:
    model.perceive(world(50))
    together = model.request(model.vocabulary.names)
    for k, name in enumerate(model.vocabulary.names):
        alone = model.request([name])
        np.testing.assert_allclose(together.values[:, k], alone.values[:, 0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(together.errors[:, k], alone.errors[:, 0], rtol=1e-5, atol=1e-5)


def test_a_star_is_answered_the_same_in_any_batch_and_in_the_order_of_the_table(
    model: FoundationModel, world: World
) -> None:
    stars = world(3000)
    together = model.predict(stars, ["teff", "s1"])
    for row in (0, 1234, 2999):
        alone = model.predict(stars.rows(slice(row, row + 1)), ["teff", "s1"])
        difference = np.abs(together.values[row] - alone.values[0])
        assert (difference < 1e-5 * (np.abs(alone.values[0]) + alone.errors[0])).all()  # a value may be close to 0
        np.testing.assert_allclose(together.errors[row], alone.errors[0], rtol=1e-5)


def test_a_star_of_which_nothing_is_known_gets_the_prior_and_a_flag(model: FoundationModel, world: World) -> None:
    stars = world(5)
    stars.values[2:4] = np.nan
    answers = model.predict(stars, ["teff"])
    assert answers.is_prior.tolist() == [False, False, True, True, False]
    assert np.isfinite(answers.values).all()
    assert answers.values[2] == pytest.approx(answers.values[3])


def test_columns_may_come_in_any_order_and_number(model: FoundationModel, world: World) -> None:
    stars = world(20)
    names = ["logg", "s0"]
    model.perceive(stars.values[:, [model.vocabulary.index(name) for name in names]], names)
    some = model.request(["teff"])
    only = np.full_like(stars.values, np.nan)
    only[:, [0, 5]] = stars.values[:, [0, 5]]
    np.testing.assert_array_equal(
        some.values, model.predict(TokenTable(stars.ids, only, np.zeros_like(only)), ["teff"]).values
    )


def test_an_empty_table_gives_no_answers(model: FoundationModel, world: World) -> None:
    answers = model.predict(world(0), ["teff", "logg"])
    assert answers.values.shape == answers.errors.shape == (0, 2)
    assert answers.percentile(16).shape == (0, 2)


def test_tables_are_answered_one_after_another(model: FoundationModel, world: World) -> None:
    whole, asked = world(100), []

    def tables() -> Iterator[TokenTable]:
        for block in whole.blocks(30):
            asked.append(len(block))
            yield block

    stream = model.stream(tables(), ["teff"])
    parts = [next(stream).values]
    assert asked == [30]  # nothing is read ahead
    parts += [answers.values for answers in stream]
    np.testing.assert_allclose(np.concatenate(parts), model.predict(whole, ["teff"]).values, rtol=1e-5)


def test_attention_is_shared_out_among_the_known_tokens(model: FoundationModel, world: World) -> None:
    stars = world(40)
    model.perceive(stars)
    share = model.attention("teff")
    assert share.shape == stars.values.shape
    assert (share[np.isnan(stars.values)] == 0).all()
    np.testing.assert_allclose(share.sum(1)[np.isfinite(stars.values).any(1)], 1, rtol=1e-5)


def test_embeddings_have_one_vector_a_star_and_follow_the_values(model: FoundationModel, world: World) -> None:
    stars = world(40)
    vectors = model.embed(stars)
    assert vectors.shape == (40, 16)
    np.testing.assert_allclose(vectors[7], model.embed(stars.rows(slice(7, 8)))[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(vectors[7], vectors[8])


def test_bfloat16_answers_are_good_to_two_digits_of_a_width(vocabulary: Vocabulary, world: World) -> None:
    torch.manual_seed(0)
    network, scaler = StarNetwork(TINY, len(vocabulary)), RobustScaler.of(world())
    exact, rounded = (
        FoundationModel(network, vocabulary, scaler, "cpu", bfloat16=half).predict(world(), ["teff"]).values
        for half in (False, True)
    )
    width = scaler.width[vocabulary.index("teff")]
    assert 0 < np.abs(exact - rounded).max() < 0.1 * width


@pytest.mark.parametrize(
    ("names", "sentence"), [(["vsini"], "has no token 'vsini'"), (["teff", "x"], "has no token 'x'")]
)
def test_an_unknown_request_is_refused(model: FoundationModel, world: World, names: list[str], sentence: str) -> None:
    with pytest.raises(StellarError, match=sentence):
        model.predict(world(2), names)


def test_bad_numbers_and_shapes_are_refused(model: FoundationModel, world: World) -> None:
    with pytest.raises(StellarError, match="call perceive before request"):
        model.request(["teff"])
    with pytest.raises(StellarError, match="'s0' of star 0 has an infinite value"):
        model.perceive(np.array([[np.inf]]), ["s0"])
    with pytest.raises(StellarError, match=r"2 tokens need values of shape \(N, 2\)"):
        model.perceive(np.zeros((3, 1)), ["s0", "s1"])
    stars = world(3)
    stars.errors[1, 1] = -1
    with pytest.raises(StellarError, match="'s1' of star 1 has a negative error"):
        model.perceive(stars)
    with pytest.raises(StellarError, match="the table has 5 tokens but the vocabulary 'world' has 6"):
        model.perceive(TokenTable(stars.ids, stars.values[:, :5], stars.errors[:, :5]))


def test_a_saved_model_answers_the_same(model: FoundationModel, world: World, tmp_path: Path) -> None:
    save_model(tmp_path / "model", model.network, model.vocabulary, model.scaler)
    again = FoundationModel.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(again.predict(world(), ["teff"]).values, model.predict(world(), ["teff"]).values)
    assert again.vocabulary == model.vocabulary


def test_a_folder_that_is_no_model_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(StellarError, match=r"needs config\.json and weights\.safetensors"):
        load_model(tmp_path)


def test_a_percentile_of_a_gaussian_is_a_number_of_sigmas_from_its_mean() -> None:
    answers = Answers(("x",), np.float32([[10.0]]), np.float32([[2.0]]), np.array([False]))
    assert answers.percentile(84.134474).item() == pytest.approx(12, abs=1e-4)
    assert answers.percentile(50).item() == pytest.approx(10)
    with pytest.raises(ValueError, match="between 0 and 100"):
        answers.percentile(100)


def test_a_percentile_of_a_mixture_is_that_of_its_samples() -> None:
    rng = np.random.default_rng(0)
    means, sigmas, weights = np.float32([-3, 0, 5]), np.float32([0.5, 2, 1]), np.float32([0.5, 0.2, 0.3])
    which = rng.choice(3, 400_000, p=weights.astype(float) / weights.sum())
    samples = rng.normal(means[which], sigmas[which])
    mixture = Mixture(*(x[None, None] for x in (means, sigmas, weights)))
    zeros = np.zeros((1, 1), np.float32)
    answers = Answers(("x",), zeros, zeros, np.array([False]), mixture)
    for percent in (2.5, 16, 50, 84, 97.5):
        assert answers.percentile(percent).item() == pytest.approx(np.percentile(samples, percent), abs=0.03)


def test_the_mixture_of_a_model_has_its_values_and_errors(model: FoundationModel, world: World) -> None:
    """The value is the median, the error half of the central 68 %."""
    answers = model.predict(world(30), ["teff", "logg"])
    if answers.mixture is None:
        assert model.network.mixture_logits is None
        return
    np.testing.assert_allclose(answers.cumulative(answers.values), 0.5, atol=1e-4)
    half = (answers.percentile(84.134475) - answers.percentile(15.865525)) / 2
    np.testing.assert_allclose(half, answers.errors, rtol=1e-3)
    assert math.isclose(answers.mixture.weights[0, 0].sum(), 1, rel_tol=1e-5)


def test_how_much_of_an_answer_lies_below_a_value_is_as_in_a_table_of_the_gaussian() -> None:
    answers = Answers(("x",), np.float32([[10.0]]), np.float32([[3.0]]), np.array([False]))
    assert answers.cumulative(np.array([[13.0]])).item() == pytest.approx(0.841345, abs=1e-6)
    assert answers.cumulative(np.array([[15.0]]), np.float32([[4.0]])).item() == pytest.approx(0.841345, abs=1e-6)
    assert np.isnan(answers.cumulative(np.array([[np.nan]]))).all()
