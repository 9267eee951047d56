"""Other models on the same stars: what they are given, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from stellarfm.evaluation.comparison import COLOUR_FIT, TREES, colour_rows, tree_rows
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.model.token_table import TokenTable
from stellarfm.statistics import mad_scatter
from stellarfm.vocabulary import Task, load_vocabulary

TASK = Task("labels from colours", ("bprp", "jh"), ("teff", "bp0"))


@pytest.fixture(scope="module")
def stars() -> HeldOut:
    """Stars whose Teff depends on both colours, known with 20 K; a cubic in one of them cannot know it."""
    vocabulary, rng = load_vocabulary("leung_bovy"), np.random.default_rng(4)

    def draw(size: int) -> tuple[TokenTable, np.ndarray]:
        values = np.full((size, len(vocabulary)), np.nan, np.float32)
        colours = rng.uniform(0.5, 2, (size, 2))
        truth = 5000 - 500 * colours[:, 0] + 300 * np.sin(3 * colours[:, 1])
        values[:, [vocabulary.index("bprp"), vocabulary.index("jh")]] = colours
        values[:, vocabulary.index("teff")] = truth + 20 * rng.standard_normal(size)
        values[: size // 10, vocabulary.index("teff")] = np.nan
        return TokenTable(np.arange(size), values, np.zeros_like(values)), truth

    (train, _), (test, truth) = draw(1000), draw(400)
    return HeldOut(test, train, vocabulary, {"teff": truth})


def test_trees_learn_what_a_cubic_in_one_colour_cannot(stars: HeldOut) -> None:
    cubic = {row["against"]: row["scatter"] for row in colour_rows(stars, TASK)}
    for row in tree_rows(stars, TASK, seed=1, threads=1):
        assert row["scatter"] < 0.4 * cubic[row["against"]]


def test_each_label_is_judged_against_label_and_truth_for_the_stars_that_have_it(stars: HeldOut) -> None:
    rows = [*colour_rows(stars, TASK), *tree_rows(stars, TASK, seed=1, threads=1)]
    assert [(row["model"], row["token"], row["against"]) for row in rows] == [
        (model, "teff", against) for model in (COLOUR_FIT, *TREES) for against in ("label", "truth")
    ]
    assert {row["num_stars"] for row in rows} == {360}


def test_a_bias_is_what_was_measured_less_what_was_said(stars: HeldOut) -> None:
    """Given stars 500 K hotter than their colours say, expect a bias of 500 K."""
    values = stars.test.values.copy()
    values[:, stars.vocabulary.index("teff")] += 500
    hotter = HeldOut(replace(stars.test, values=values), stars.train, stars.vocabulary)
    usual, shifted = (colour_rows(given, TASK)[0]["bias"] for given in (stars, hotter))
    assert shifted - usual == pytest.approx(500)


def test_progress_ends_with_all_fits_done(stars: HeldOut) -> None:
    told: list[tuple[int, int, str]] = []
    tree_rows(stars, TASK, seed=1, threads=1, progress=lambda *words: told.append(words))
    assert told == [(0, 2, "XGBoost as published, teff"), (1, 2, "XGBoost tuned, teff"), (2, 2, "")]


def test_a_task_is_put_to_stars_that_have_something_of_each_kind_it_shows(stars: HeldOut) -> None:
    task = Task("with a spectrum", ("bp0", "bprp"), ("teff",))
    assert len(stars.that_can_be_asked(task).test) == 0
    values = stars.test.values.copy()
    values[:7, stars.vocabulary.index("jh")] = np.nan  # one colour is enough
    kept = replace(stars, test=replace(stars.test, values=values)).that_can_be_asked(TASK)
    assert len(kept.test) == 400
    assert mad_scatter(kept.targets("teff")["truth"] - stars.targets("teff")["truth"]) == 0
