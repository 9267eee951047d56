"""Two models star by star: planted faults are found by their name, equal models are left in peace."""

from collections.abc import Callable

import numpy as np
import pytest

from stellarfm.evaluation.paired import bins_of, compare
from tests.stellarfm.evaluation.planted import (
    LABELS,
    Answer,
    Sky,
    biased,
    broken_where,
    errors_times,
    labels_swapped,
    scattered,
    spectra_broken,
)

WORSE: dict[str, tuple[Callable[[Sky, Answer], Answer], str]] = {
    "labels swapped": (labels_swapped, "all stars"),
    "errors too small by 1.3": (errors_times(1 / 1.3), "all stars"),
    "errors too large by 1.3": (errors_times(1.3), "all stars"),
    "biased by 0.3 sigma": (biased(0.3), "all stars"),
    "metal-poor": (broken_where(lambda t: t["m_h"] < -1.0), "m_h"),
    "M dwarfs": (broken_where(lambda t: (t["teff"] < 4400) & (t["logg"] > 3.8)), "teff"),
    "faint": (broken_where(lambda t: t["g_mag"] > 14.5), "g_mag"),
    "one region of the sky": (broken_where(lambda t: t["pixel"] == 5), "HEALPix 5"),
    "few tokens": (broken_where(lambda t: t["num_tokens"] < 45), "num_tokens"),
    "broken spectra": (spectra_broken, "all stars"),
}


@pytest.mark.parametrize("fault", WORSE)
def test_a_planted_fault_is_found_where_it_is(fault: str) -> None:
    plant, where = WORSE[fault]
    sky = Sky.draw(1)
    found = sky.compare(plant(sky, sky.train(1)), sky.train(0), draws=200)
    assert found.worse
    assert where in found.worse[0].where
    assert not found.is_better


@pytest.mark.slow
@pytest.mark.parametrize("fault", WORSE)
def test_a_planted_fault_is_found_with_twenty_seeds(fault: str) -> None:
    plant, _ = WORSE[fault]
    skies = [Sky.draw(seed) for seed in range(20)]
    assert all(sky.compare(plant(sky, sky.train(1)), sky.train(0)).worse for sky in skies)


def test_a_model_against_itself_is_neither_worse_nor_better() -> None:
    sky = Sky.draw(2)
    found = sky.compare(sky.train(0), sky.train(0), draws=50)
    assert (found.worse, found.is_better, found.improvement) == ([], False, 0.0)


@pytest.mark.slow
def test_of_equal_models_at_most_one_in_twenty_is_called_worse() -> None:
    """Given 200 pairs of trainings that differ by their seed, expect a share of refusals that 5 % explains."""
    worse = sum(bool(Sky.draw(s).compare(Sky.draw(s).train(1), Sky.draw(s).train(0)).worse) for s in range(200))
    assert worse <= 10 + 2 * np.sqrt(200 * 0.05 * 0.95)


@pytest.mark.slow
def test_a_model_that_is_better_by_three_percent_is_seen_in_nine_of_ten() -> None:
    skies = [Sky.draw(seed) for seed in range(20)]
    found = [sky.compare(scattered(0.97)(sky, sky.train(0)), sky.train(0)) for sky in skies]
    assert sum(one.is_better and not one.worse for one in found) >= 18


@pytest.mark.slow
def test_a_model_that_is_worse_by_two_percent_is_never_called_better() -> None:
    skies = [Sky.draw(seed) for seed in range(20)]
    assert not any(sky.compare(scattered(1.02)(sky, sky.train(1)), sky.train(0)).is_better for sky in skies)


def test_the_same_seed_gives_the_same_verdict() -> None:
    sky = Sky.draw(3)
    one, other = (sky.compare(sky.train(1), sky.train(0), draws=50) for _ in range(2))
    assert one == other


def test_stars_that_one_model_does_not_answer_are_left_out_of_both() -> None:
    sky = Sky.draw(4)
    champion, candidate = sky.sheet(sky.train(0)), sky.sheet(sky.train(0))
    candidate.crps[0, :100] = np.nan
    found = compare(candidate, champion, {}, LABELS, draws=20)
    assert {one.num_stars for one in found.differences if one.token == "teff"} == {2900}
    assert not found.worse


def test_bins_hold_every_star_once_and_their_tails_are_seen_apart() -> None:
    rng = np.random.default_rng(5)
    value = np.append(rng.standard_normal(1000), np.nan)
    found = bins_of({"m_h": value}, {"HEALPix": np.append(rng.integers(0, 3, 1000), -1)})
    cut, pixels = ({n: inside for n, inside in found.items() if word in n} for word in ("m_h", "HEALPix"))
    assert (np.sum(list(cut.values()), axis=0) == np.isfinite(value)).all()
    assert [int(inside.sum()) for inside in cut.values()] == [50, 150, 200, 200, 200, 150, 50]
    assert (len(pixels), int(np.sum(list(pixels.values())))) == (3, 1000)


def test_a_bin_of_few_stars_is_not_judged() -> None:
    assert bins_of({"m_h": np.arange(20.0)}, {"HEALPix": np.zeros(29, np.int64)}) == {}
