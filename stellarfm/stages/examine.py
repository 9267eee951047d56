"""Candidate and champion to a verdict: the same questions, the same stars, the same machine."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.config import Gate
from stellarfm.errors import StellarError
from stellarfm.evaluation.examination import Examination, examinations_of, freeze, read_examination
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.paired import Comparison, compare
from stellarfm.evaluation.sheet import labels_of, same_questions
from stellarfm.gate import (
    Finding,
    GateVerdict,
    cannot_compare,
    conclude,
    judge_against,
    judge_alone,
    judge_moves,
    judge_speed,
)
from stellarfm.home import Home
from stellarfm.model.token_table import TokenTable
from stellarfm.rules import install_rules
from stellarfm.stages.prepare import has_warehouse
from stellarfm.vocabulary import Vocabulary
from stellarfm.warehouse.connection import connect

MOST_USES = 20
"""Candidates that one examination may judge before its verdicts are said to be worn: each choice by it learns something of it."""

_TIMED_STARS, _TIMED_ROUNDS = 512, 5
_EXTREME = 1e6
"""In units of a token's spread: farther out than any measurement, and still a number."""


@dataclass(frozen=True)
class Contender:
    """A model that is judged.

    Attributes
    ----------
    name
        What it is called in reasons.
    run
        Key of its training run.
    folder
        Its files.
    """

    name: str
    run: str
    folder: Path


def set_examination(home: Home, stars: HeldOut) -> Examination:
    """Return the examination of held-out stars, kept from now on if it is not yet.

    Parameters
    ----------
    home
        Where it is kept; its warehouse tells magnitudes, where it has them.
    stars
        Held-out stars with their labels.
    """
    values, groups = _quantities(stars), {}
    if (known := _of_warehouse(home, stars.test.ids)) is not None:
        values["G"], groups["HEALPix"] = known
    return read_examination(freeze(home.examinations, stars, values, groups))


def examine(
    home: Home,
    gate: Gate,
    present: Examination,
    metrics: dict[str, Any],
    candidate: Contender,
    rivals: list[Contender],
) -> GateVerdict:
    """Put a candidate through the gate.

    Parameters
    ----------
    home
        Where examinations are kept.
    gate
        What must be shown.
    present
        The examination of the present landing; earlier ones of the same vocabulary count as well.
    metrics
        The candidate's report.
    candidate
        The model that wants to be champion.
    rivals
        The champion, then the best champion so far where that is another; none for a first model.
    """
    vocabulary = present.stars.vocabulary
    earlier = [one for one in examinations_of(home.examinations, vocabulary.fingerprint) if one.key != present.key]
    every = [present, *earlier]
    sheet = present.sheet(candidate.run, candidate.folder)
    alone = [
        *(_was_not_trained_on(one, candidate) for one in every),
        *judge_alone(metrics, sheet, gate),
        *_drill(candidate, vocabulary),
    ]
    present.note_use(candidate.run, datetime.now(UTC).isoformat(timespec="seconds"))
    if (uses := present.num_uses()) > MOST_USES:
        alone.append(
            Finding(
                "examination_is_fresh", True, f"{uses} candidates were judged by this examination: mind its verdicts"
            )
        )
    if not rivals:
        return conclude(alone, None)
    against: list[Finding] = []
    comparisons: list[Comparison] = []
    for exam in every:
        for rival in rivals:
            theirs, ours = exam.sheet(rival.run, rival.folder), exam.sheet(candidate.run, candidate.folder)
            if not same_questions(ours, theirs):
                return cannot_compare(f"{rival.name} was asked other questions; compare by hand, or promote by force")
            found = compare(ours, theirs, exam.bins, labels_of(vocabulary))
            comparisons.append(found)
            # better than the champion in the present examination; in all others nowhere worse
            is_first = len(comparisons) == 1
            accept = gate.accept if is_first else "not worse"
            against += judge_against(found, rival.name, gate.model_copy(update={"accept": accept}))
            against += judge_moves(ours, theirs, gate) if is_first else []
    against += judge_speed(*_seconds(candidate, rivals[0], present), gate)
    return conclude(alone, against, comparisons)


def best_so_far(present: Examination, former: list[Contender]) -> Contender | None:
    """Return the former champion with the best score on the labels, so that many small steps down are seen; None of none."""
    labels = labels_of(present.stars.vocabulary)

    def score(one: Contender) -> float:
        sheet = present.sheet(one.run, one.folder)
        places = [k for k, question in enumerate(sheet.questions) if question in labels]
        scales = _scales(present.stars, [sheet.questions[k][1] for k in places])
        return float(np.mean([np.nanmean(sheet.crps[k]) / scale for k, scale in zip(places, scales, strict=True)]))

    return min(former, key=score) if former else None


def _scales(stars: HeldOut, names: list[str]) -> list[float]:
    """Return the spread of each label, which makes scores of different units comparable."""
    columns = [stars.test.values[:, stars.vocabulary.index(name)] for name in names]
    return [max(float(np.nanstd(column)), np.finfo(float).tiny) for column in columns]


def _was_not_trained_on(exam: Examination, candidate: Contender) -> Finding:
    from stellarfm.model.checkpoint import read_training_ids

    rule, learned = "was_not_trained_on_it", exam.learned_by(read_training_ids(candidate.folder))
    if learned is None:
        return Finding(rule, True, "which stars it was trained on is not known")
    return Finding(rule, learned == 0, f"it was trained on {learned:,} of the {len(exam.stars.test):,} held-out stars")


def _drill(candidate: Contender, vocabulary: Vocabulary) -> list[Finding]:
    """Show a model what no honest table holds: nothing, everything at once far out, one token alone."""
    from stellarfm.model.foundation import FoundationModel

    model = FoundationModel.load(candidate.folder)
    centre, width = model.scaler.centre, model.scaler.width
    rows = np.full((4, len(vocabulary)), np.nan, np.float32)
    rows[1], rows[2], rows[3, 0] = centre + _EXTREME * width, centre - _EXTREME * width, centre[0]
    odd = TokenTable(np.arange(4), rows, np.zeros_like(rows))
    try:
        answers = model.predict(odd, list(vocabulary.tasks[0].requests))
    except StellarError as error:
        return [Finding("odd_stars_are_answered", False, f"an odd star is not answered: {error}")]
    bad = int((~np.isfinite(answers.values) | ~np.isfinite(answers.errors)).sum())
    reason = f"{bad} answers for odd stars are not finite" if bad else "odd stars are answered"
    return [Finding("odd_stars_are_answered", bad == 0, reason)]


def _seconds(candidate: Contender, champion: Contender, exam: Examination) -> tuple[float, float]:
    """Return how long both take for the same stars: turn by turn, the shortest of each, so that other work counts for little."""
    from stellarfm.model.foundation import FoundationModel

    models = [FoundationModel.load(one.folder) for one in (candidate, champion)]
    task = exam.stars.vocabulary.tasks[0]
    stars = exam.stars.test.rows(slice(0, _TIMED_STARS))
    shown = stars.showing([exam.stars.vocabulary.index(name) for name in task.inputs])
    times: list[list[float]] = [[], []]
    for _ in range(_TIMED_ROUNDS):
        for model, measured in zip(models, times, strict=True):
            started = time.perf_counter()
            model.predict(shown, list(task.requests))
            measured.append(time.perf_counter() - started)
    return min(times[0]), min(times[1])


def _quantities(stars: HeldOut) -> dict[str, NDArray[np.float64]]:
    """Return what bins are cut by and every vocabulary has: labels, colours, and how much is known of a star."""
    vocabulary, values = stars.vocabulary, stars.test.values.astype(np.float64)
    named = {token.name: values[:, k] for k, token in enumerate(vocabulary.tokens) if token.kind in ("label", "colour")}
    return named | {"number of tokens": np.isfinite(values).sum(axis=1).astype(np.float64)}


def _of_warehouse(home: Home, ids: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Return magnitude G and base pixel of HEALPix of stars, NaN and -1 where unknown; None where there is no warehouse."""
    if not has_warehouse(home):
        return None
    with connect(home.warehouse, read_only=True) as con:
        install_rules(con)
        con.register("asked", pa.table({"source_id": ids, "place": np.arange(len(ids))}))
        rows = con.execute(
            "select s.phot_g_mean_mag::double as g, source_healpix(s.source_id, 0)::bigint as pixel "
            "from asked left join marts.stars as s using (source_id) order by place"
        ).fetchnumpy()
    magnitude = np.ma.filled(np.ma.asarray(rows["g"]).astype(np.float64), np.nan)
    return magnitude, np.ma.filled(np.ma.asarray(rows["pixel"]), -1).astype(np.int64)
