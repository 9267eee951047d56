"""The gate: given what was found of a candidate, expected verdicts and the names of the rules that do not hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stellarfm.config import Gate
from stellarfm.evaluation.sheet import Sheet
from stellarfm.gate import (
    GateVerdict,
    conclude,
    judge_against,
    judge_alone,
    judge_moves,
    judge_speed,
    let_through,
)
from tests.stellarfm.evaluation.planted import Answer, Plant, Sky, biased, errors_times, scattered

SKY = Sky.draw(7)
CHAMPION = SKY.train(0)


def report(teff: float = 90, held_68: float = 0.68, held_95: float = 0.95, cubic: float = 200.0) -> dict[str, Any]:
    shared = {"task": "labels", "token": "teff", "against": "truth", "num_stars": 3000}
    figures = {"scatter": teff, "coverage_68": held_68, "coverage_95": held_95}
    rows = [{**shared, "model": "model", **figures}, {**shared, "model": "cubic fit in BP-RP", "scatter": cubic}]
    return {"headline": "labels", "rows": rows}


def judge(candidate: Answer, gate: Gate = Gate()) -> GateVerdict:  # noqa: B008  settings never change
    found = SKY.compare(candidate, CHAMPION, draws=200)
    alone = judge_alone(report(), SKY.sheet(candidate), gate)
    return conclude(alone, judge_against(found, "the champion", gate), [found])


@pytest.mark.parametrize(
    ("metrics", "broken"),
    [
        (report(), ()),
        (report(teff=120), ("beats_colour_fit",)),
        (report(held_68=0.40), ("intervals_hold",)),
        (report(held_68=0.85), ("intervals_hold",)),
        (report(held_95=0.80), ("intervals_hold",)),
        (report(held_95=1.0), ("intervals_hold",)),
    ],
)
def test_a_first_model_is_judged_by_itself(metrics: dict[str, Any], broken: tuple[str, ...]) -> None:
    verdict = conclude(judge_alone(metrics, SKY.sheet(CHAMPION), Gate()), None)
    assert (verdict.broken, verdict.passed) == (broken, not broken)
    assert verdict.outcome == ("unfit" if broken else "first")


def test_few_stars_are_given_what_chance_does_to_them() -> None:
    metrics = report(held_68=0.5)
    metrics["rows"][0]["num_stars"] = 25
    assert conclude(judge_alone(metrics, SKY.sheet(CHAMPION), Gate()), None).passed


def test_weights_that_are_not_a_number_are_refused_also_by_an_open_gate() -> None:
    sheet: Sheet = replace(SKY.sheet(CHAMPION), num_not_finite=3)
    verdict = conclude(judge_alone(report(), sheet, Gate()), None)
    assert verdict.broken == ("answers_are_finite",)
    assert not let_through(verdict).passed


@pytest.mark.parametrize("plant", [errors_times(1 / 1.3), errors_times(1.3), biased(0.3), scattered(1.2)])
def test_a_worse_candidate_is_refused_and_told_where(plant: Plant) -> None:
    verdict = judge(plant(SKY, SKY.train(1)))
    assert (verdict.outcome, verdict.passed) == ("worse", False)
    assert "not_worse_anywhere" in verdict.broken
    assert "against the champion" in verdict.reasons[0]


def test_a_better_candidate_passes() -> None:
    verdict = judge(scattered(0.9)(SKY, SKY.train(1)))
    assert (verdict.outcome, verdict.passed, verdict.broken) == ("better", True, ())


def test_an_equal_candidate_stays_outside_or_passes_as_the_setting_says() -> None:
    assert judge(SKY.train(1)).broken == ("better_than_champion",)
    lenient = judge(SKY.train(1), Gate(accept="not worse"))
    assert (lenient.outcome, lenient.passed) == ("not worse", True)


def test_an_open_gate_says_what_was_found_and_lets_through() -> None:
    verdict = let_through(judge(errors_times(1.3)(SKY, SKY.train(1))))
    assert (verdict.passed, verdict.outcome) == (True, "worse")


def test_a_verdict_reads_as_it_was_written() -> None:
    verdict = judge(SKY.train(1))
    assert GateVerdict.from_dict(verdict.to_dict()) == verdict


def test_a_candidate_that_moves_many_stars_is_held_up() -> None:
    champion, moved = SKY.sheet(CHAMPION), SKY.sheet(CHAMPION)
    moved.residual[0, :300] += 10 * champion.error[0, :300]
    (finding,) = judge_moves(moved, champion, Gate(max_moved_share=0.02))
    assert (finding.rule, finding.holds) == ("few_stars_move", False)
    assert judge_moves(champion, champion, Gate())[0].holds


@pytest.mark.parametrize(("seconds", "holds"), [(1.2, True), (2.0, False)])
def test_a_candidate_that_takes_twice_as_long_is_refused(seconds: float, holds: bool) -> None:
    assert judge_speed(seconds, 1.0, Gate())[0].holds is holds


def test_stars_that_a_model_learned_from_are_counted(tmp_path: Any) -> None:
    from stellarfm.evaluation.examination import Examination
    from stellarfm.evaluation.held_out import HeldOut
    from stellarfm.model.token_table import TokenTable
    from stellarfm.vocabulary import load_vocabulary

    ids = np.arange(10, dtype=np.int64)
    table = TokenTable(ids, np.zeros((10, 1), np.float32), np.zeros((10, 1), np.float32))
    exam = Examination(tmp_path, HeldOut(table, table, load_vocabulary("photometry")), {}, {})
    assert exam.learned_by(np.array([3, 4, 99], np.int64)) == 2
    assert exam.learned_by(None) is None
