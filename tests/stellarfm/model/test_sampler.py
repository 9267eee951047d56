"""What a training step is shown and asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stellarfm.errors import StellarError
from stellarfm.model.presets import TRAINING_PRESETS
from stellarfm.model.rows import Rows
from stellarfm.model.sampler import Batch, Sampler, SamplerSettings
from stellarfm.model.scaling import RobustScaler
from stellarfm.model.token_table import TokenTable, open_table, write_table
from stellarfm.vocabulary import Token, Vocabulary

CPU = torch.device("cpu")
NUM_SPECTRUM, NUM_LABELS = 20, 4
VOCABULARY = Vocabulary(
    "v",
    "",
    tuple(Token(f"s{i}", f"s{i}", kind="spectrum") for i in range(NUM_SPECTRUM))
    + tuple(Token(f"l{i}", f"l{i}") for i in range(NUM_LABELS))
    + (Token("c", "c", kind="colour", requestable=False),),
)
NUM_TOKENS = len(VOCABULARY)


def table(num_stars: int = 300, unknown: float = 0.3, seed: int = 0) -> TokenTable:
    """A value tells its star and token: star + token / 100."""
    values = (np.arange(num_stars)[:, None] + np.arange(NUM_TOKENS) / 100).astype(np.float32)
    values[np.random.default_rng(seed).random(values.shape) < unknown] = np.nan
    return TokenTable(np.arange(num_stars), values, np.full_like(values, 0.5))


def sampler(of: TokenTable, settings: SamplerSettings, seed: int = 1) -> Sampler:
    scaler = RobustScaler(np.zeros(NUM_TOKENS, np.float32), np.ones(NUM_TOKENS, np.float32))
    return Sampler(Rows(of, scaler, CPU, settings.hold), VOCABULARY, settings, seed)


def test_what_is_shown_and_asked_is_what_the_table_says() -> None:
    stars = table()
    for batch in sampler(stars, SamplerSettings(batch=100, requests=5)).draw():
        for ids, values in ((batch.ids, batch.values), (batch.requests, batch.targets)):
            star = values[ids > 0].long().numpy()
            token = ids[ids > 0].numpy() - 1
            np.testing.assert_array_equal(values[ids > 0].numpy(), stars.values[star, token])


@settings(max_examples=20, deadline=None)
@given(requests=st.integers(1, 30), unknown=st.floats(0, 1), buckets=st.integers(1, 7), seed=st.integers(0, 99))
def test_no_request_is_shown_or_repeated_or_unknown(requests: int, unknown: float, buckets: int, seed: int) -> None:
    drawn = SamplerSettings(batch=64, requests=requests, copy_share=0.0, buckets=buckets)
    batches = sampler(table(80, unknown, seed), drawn, seed).draw()
    assert sum(len(batch.ids) for batch in batches) == 64
    for batch in batches:
        for shown, asked in zip(batch.ids.tolist(), batch.requests.tolist(), strict=True):
            shown, asked = [i for i in shown if i], [i for i in asked if i]
            assert len(set(shown + asked)) == len(shown) + len(asked)
            assert NUM_TOKENS not in asked  # the colour is an input only
        assert bool(batch.values.isfinite().all()) and bool(batch.targets.isfinite().all())


def test_a_star_of_which_nothing_is_known_is_neither_shown_nor_asked() -> None:
    batches = sampler(table(40, unknown=1.0), SamplerSettings(batch=40)).draw()
    assert all(int(batch.ids.sum()) == 0 and int(batch.requests.sum()) == 0 for batch in batches)


def test_the_share_of_copies_is_as_set() -> None:
    drawn = SamplerSettings(batch=300, requests=4, copy_share=0.5, full_share=1.0, hide_labels_share=0.0, buckets=1)
    (batch,) = sampler(table(unknown=0.0), drawn).draw()
    copied = (batch.requests[:, :, None] == batch.ids[:, None, :]).any(-1).float().mean().item()
    assert copied == pytest.approx(0.5, abs=0.06)


def test_labels_are_asked_as_often_as_set_and_hidden_from_as_many_stars_as_set() -> None:
    drawn = SamplerSettings(batch=300, requests=1, label_share=0.7, hide_labels_share=0.6, full_share=1.0, buckets=1)
    (batch,) = sampler(table(unknown=0.0), drawn).draw()
    is_label = (batch.requests > NUM_SPECTRUM) & (batch.requests <= NUM_SPECTRUM + NUM_LABELS)
    assert is_label.float().mean().item() == pytest.approx(0.7, abs=0.08)
    shows_label = ((batch.ids > NUM_SPECTRUM) & (batch.ids <= NUM_SPECTRUM + NUM_LABELS)).any(1)
    assert shows_label.float().mean().item() == pytest.approx(0.4, abs=0.08)


def test_without_spectra_labels_are_asked_as_often_as_set() -> None:
    colours = tuple(Token(f"c{i}", f"c{i}", kind="colour") for i in range(NUM_TOKENS - NUM_LABELS))
    words = Vocabulary("v", "", colours + tuple(Token(f"l{i}", f"l{i}") for i in range(NUM_LABELS)))
    scaler = RobustScaler(np.zeros(NUM_TOKENS, np.float32), np.ones(NUM_TOKENS, np.float32))
    rows = Rows(table(unknown=0.0), scaler, CPU, 1000)
    (batch,) = Sampler(rows, words, SamplerSettings(batch=300, requests=1, label_share=0.7, buckets=1), 1).draw()
    assert (batch.requests > len(colours)).float().mean().item() == pytest.approx(0.7, abs=0.08)


@pytest.mark.parametrize(("num_tokens", "requests"), [(118, 12), (17, 3), (3, 1)])
def test_of_a_short_vocabulary_little_is_asked_so_that_much_is_shown(num_tokens: int, requests: int) -> None:
    assert TRAINING_PRESETS["small"].for_tokens(num_tokens).sampler.requests == requests


def test_contexts_have_all_lengths_that_the_settings_allow() -> None:
    drawn = SamplerSettings(batch=300, requests=1, min_context=3, max_context=8, hide_labels_share=0.0, full_share=0.0)
    lengths = torch.cat([(batch.ids > 0).sum(1) for batch in sampler(table(unknown=0.0), drawn).draw()])
    assert set(lengths.tolist()) == set(range(3, 9))


def test_stars_with_as_many_tokens_share_a_bucket_and_no_bucket_is_longer_than_its_longest_star() -> None:
    batches = sampler(table(), SamplerSettings(batch=300, buckets=6)).draw()
    longest = [int((batch.ids > 0).sum(1).max()) for batch in batches]
    assert longest == sorted(longest)
    assert [batch.ids.shape[1] for batch in batches] == [max(1, length) for length in longest]
    assert padding(batches) < 0.5 * padding(sampler(table(), SamplerSettings(batch=300, buckets=1)).draw())


def padding(batches: list[Batch]) -> float:
    return 1 - sum(int((b.ids > 0).sum()) for b in batches) / sum(b.ids.numel() for b in batches)


def test_padded_lengths_are_multiples_of_what_a_compiler_wants() -> None:
    batches = sampler(table(), SamplerSettings(batch=300, buckets=6, multiple=8)).draw()
    assert all(batch.ids.shape[1] % 8 == 0 for batch in batches)


def test_buckets_change_the_order_of_stars_only() -> None:
    one, four = (sampler(table(), SamplerSettings(batch=200, buckets=n)).draw() for n in (1, 4))
    assert torch.equal(torch.cat([batch.targets for batch in one]), torch.cat([batch.targets for batch in four]))


def test_every_star_is_seen_once_before_any_is_seen_again() -> None:
    draw = sampler(table(unknown=0.0), SamplerSettings(batch=60, requests=1, buckets=1))
    seen = torch.cat([draw.draw()[0].targets.long().flatten() for _ in range(5)])
    assert sorted(seen.tolist()) == list(range(300))


def same(a: list[Batch], b: list[Batch]) -> bool:
    return all(
        torch.equal(x, y)
        for one, two in zip(a, b, strict=True)
        for x, y in zip(one.__dict__.values(), two.__dict__.values(), strict=True)
    )


@pytest.mark.parametrize("hold", [10**6, 50])
def test_a_seed_fixes_all_draws_and_a_state_goes_on_with_the_same(hold: int) -> None:
    drawn = SamplerSettings(batch=32, hold=hold)
    first, second = sampler(table(), drawn, seed=5), sampler(table(), drawn, seed=5)
    for _ in range(13):
        assert same(first.draw(), second.draw())
    third = sampler(table(), drawn, seed=99)
    third.restore(first.state())
    for _ in range(25):
        assert same(first.draw(), third.draw())
    assert not same(sampler(table(), drawn, seed=6).draw(), sampler(table(), drawn, seed=5).draw())


def test_a_table_larger_than_what_is_held_streams_through_all_its_stars(tmp_path: Path) -> None:
    whole = table(1000, unknown=0.0)
    write_table(tmp_path / "t", whole.blocks(300), 1000, NUM_TOKENS)
    mapped = open_table(tmp_path / "t")
    assert isinstance(mapped.values, np.memmap)
    draw = sampler(mapped, SamplerSettings(batch=50, requests=1, hold=100, buckets=1))
    assert draw.rows.streams
    seen = torch.cat([draw.draw()[0].targets.long().flatten() for _ in range(20)])
    assert len(draw.rows.values) == 100
    assert sorted(seen.tolist()) == list(range(1000))


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(StellarError, match="1000 stars were to be written"):
        write_table(tmp_path / "t", table(999).blocks(), 1000, NUM_TOKENS)
    with pytest.raises(StellarError, match="not a table of tokens"):
        open_table(tmp_path / "t")


def test_as_published_one_request_is_drawn_from_all_that_a_star_has_and_5_to_64_are_shown() -> None:
    names = tuple(Token(f"s{i}", f"s{i}", kind="spectrum") for i in range(118))
    wide = TokenTable(np.arange(2000), np.ones((2000, 118), np.float32), np.zeros((2000, 118), np.float32))
    scaler = RobustScaler(np.zeros(118, np.float32), np.ones(118, np.float32))
    drawn = SamplerSettings(batch=2000, requests=1, as_published=True, buckets=1)
    rows = Rows(wide, scaler, CPU, 10**6)
    (batch,) = Sampler(rows, Vocabulary("v", "", names), drawn, 3).draw()
    lengths = (batch.ids > 0).sum(1)
    assert (int(lengths.min()), int(lengths.max())) == (5, 64)
    assert lengths.float().mean().item() == pytest.approx(34.5, abs=1.2)
    copied = (batch.requests == batch.ids).any(1).float().mean().item()
    assert copied == pytest.approx(34.5 / 118, abs=0.04)  # for a star with all 118 tokens, as in the paper: 29 %


def test_as_published_a_short_row_keeps_all_its_tokens() -> None:
    few = table(200, unknown=0.0)
    few.values[:, 4:] = np.nan
    drawn = SamplerSettings(batch=200, requests=1, as_published=True)
    for batch in sampler(few, drawn).draw():
        assert bool(((batch.ids > 0).sum(1) == 4).all())


def test_settings_that_differ_draw_something_else() -> None:
    base = SamplerSettings(batch=64)
    assert not same(sampler(table(), base).draw(), sampler(table(), replace(base, label_share=0.9)).draw())
