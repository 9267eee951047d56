"""A model's answers to an examination, star by star: what two models are compared by."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stellarfm.atomic import fresh_file
from stellarfm.errors import StellarError
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.statistics import mad_scatter
from stellarfm.vocabulary import Task, Vocabulary

if TYPE_CHECKING:
    from stellarfm.model.answers import Answers
    from stellarfm.model.foundation import FoundationModel

Floats = NDArray[np.float64]

SPECTRUM = "spectrum"
"""Name under which all coefficients of a task are judged together: a hundred single verdicts would say less than one."""

_ARRAYS = ("residual", "error", "crps", "inside_68", "inside_95")


@dataclass(frozen=True)
class Sheet:
    """The answers of one model to Q questions on N stars; NaN where a star cannot be asked or has no label.

    Attributes
    ----------
    questions
        Task and token of each question; the token is `SPECTRUM` for all coefficients together.
    residual
        Truth minus answer, shape (Q, N), in the token's unit; NaN for a spectrum.
    error
        What the model says that its 1 sigma is, shape (Q, N), in the token's unit; NaN for a spectrum.
    crps
        Continuous ranked probability score, shape (Q, N), in the token's unit; of a spectrum the mean over its coefficients, each
        divided by its scatter among the stars.
    inside_68, inside_95
        1 where the truth lies inside the central interval, else 0, shape (Q, N); of a spectrum the share of its coefficients.
    num_not_finite
        Answers that are NaN or infinite, of all.
    seconds
        How long the answers took.
    """

    questions: tuple[tuple[str, str], ...]
    residual: Floats
    error: Floats
    crps: Floats
    inside_68: Floats
    inside_95: Floats
    num_not_finite: int
    seconds: float

    def write(self, path: Path) -> None:
        """Keep it as arrays; nothing is pickled."""
        arrays = {name: getattr(self, name).astype(np.float32) for name in _ARRAYS}
        names = np.array([f"{task}\x1f{token}" for task, token in self.questions])
        counts = np.array([self.num_not_finite, self.seconds])
        with fresh_file(path) as partial, partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, questions=names, counts=counts, **arrays)

    @classmethod
    def read(cls, path: Path) -> "Sheet":
        """Read what `write` kept.

        Raises
        ------
        StellarError
            If the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as kept:
                task_tokens = [tuple(str(name).split("\x1f")) for name in kept["questions"]]
                arrays = {name: kept[name].astype(np.float64) for name in _ARRAYS}
                bad, seconds = kept["counts"]
        except (OSError, ValueError, KeyError) as error:
            raise StellarError(f"{path} is damaged ({error}); delete it, and the answers are made again") from error
        questions = tuple((task, token) for task, token in task_tokens)
        return cls(questions, **arrays, num_not_finite=int(bad), seconds=float(seconds))


def answer_all(model: "FoundationModel", stars: HeldOut) -> Sheet:
    """Put every task of the vocabulary to the stars.

    Parameters
    ----------
    model
        The model to ask.
    stars
        Held-out stars, N of them, and their truth where it is known.

    Returns
    -------
    Sheet
        Questions in the order of tasks and requests; every model of one vocabulary has the same.
    """
    started = time.monotonic()
    names: list[tuple[str, str]] = []
    columns: list[tuple[Floats, ...]] = []
    bad = 0
    for task in stars.vocabulary.tasks:
        answers, asked = _answers(model, task, stars)
        bad += int((~np.isfinite(answers.values[asked])).sum())
        for token, one in _questions(answers, task, stars, asked):
            names.append((task.name, token))
            columns.append(one)
    arrays = {name: np.stack([column[place] for column in columns]) for place, name in enumerate(_ARRAYS)}
    return Sheet(tuple(names), **arrays, num_not_finite=bad, seconds=time.monotonic() - started)


def _answers(model: "FoundationModel", task: Task, stars: HeldOut) -> tuple["Answers", NDArray[np.bool_]]:
    """Return answers for every star, and which of them can be asked: they have a token of every kind that is shown."""
    places = [stars.vocabulary.index(name) for name in task.inputs]
    answers = model.predict(stars.test.showing(places), list(task.requests))
    return answers, stars.can_be_asked(task)


def _questions(
    answers: "Answers", task: Task, stars: HeldOut, asked: NDArray[np.bool_]
) -> list[tuple[str, tuple[Floats, ...]]]:
    target, errors = _targets(task, stars)  # (N, K)
    target[~asked] = np.nan
    judged = _judge(answers, target, errors)
    kinds = [stars.vocabulary.tokens[stars.vocabulary.index(name)].kind for name in task.requests]
    found = [
        (name, tuple(values[:, k] for values in judged))
        for k, (name, kind) in enumerate(zip(task.requests, kinds, strict=True))
        if kind != SPECTRUM
    ]
    spectrum = [k for k, kind in enumerate(kinds) if kind == SPECTRUM]
    if spectrum:
        found.append((SPECTRUM, _of_spectrum(judged, target, spectrum)))
    return found


def _targets(task: Task, stars: HeldOut) -> tuple[Floats, Floats]:
    """Return what answers are held against, and its 1 sigma: the truth where it is known, without an error, else the label."""
    places = [stars.vocabulary.index(name) for name in task.requests]
    target = stars.test.values[:, places].astype(np.float64)
    errors = np.nan_to_num(stars.test.errors[:, places].astype(np.float64))
    for k, name in enumerate(task.requests):
        if stars.truth is not None and name in stars.truth:
            target[:, k] = np.where(np.isfinite(target[:, k]), stars.truth[name], np.nan)
            errors[:, k] = 0
    return target, errors


def _judge(answers: "Answers", target: Floats, errors: Floats) -> tuple[Floats, ...]:
    """Return residual, error, CRPS and whether the intervals hold, each of shape (N, K)."""
    import scoringrules  # it takes a third of a second, and most commands judge nothing

    mixture = answers.mixture
    if mixture is None:  # one Gaussian
        means, sigmas, weights = (x[..., None] for x in (answers.values, answers.errors, np.ones_like(answers.errors)))
    else:
        means, sigmas, weights = mixture.means, mixture.sigmas, mixture.weights
    # a measured value scatters about the star's by its error
    sigmas = np.hypot(sigmas.astype(np.float64), errors[..., None])
    crps = scoringrules.crps_mixnorm(target, means.astype(np.float64), sigmas, weights.astype(np.float64))
    from_middle = np.abs(answers.cumulative(target.astype(np.float32), errors.astype(np.float32)) - 0.5)
    inside = [np.where(np.isfinite(from_middle), from_middle < share / 2, np.nan) for share in (0.68, 0.95)]
    error = np.where(np.isfinite(target), answers.errors, np.nan)
    return target - answers.values, error, np.asarray(crps), *inside


def _of_spectrum(judged: tuple[Floats, ...], target: Floats, places: list[int]) -> tuple[Floats, ...]:
    """Return one column each for the coefficients of a spectrum."""
    _, _, crps, *inside = judged
    scale = np.array([mad_scatter(target[:, k]) for k in places])
    scaled = crps[:, places] / np.where(scale > 0, scale, np.nan)
    unknown = np.full(len(target), np.nan)
    return unknown, unknown, *(_mean(values) for values in (scaled, *(i[:, places] for i in inside)))


def _mean(values: Floats) -> Floats:
    """Return the mean over the last axis, without NaN; NaN where nothing is known."""
    known = np.isfinite(values)
    total, number = np.where(known, values, 0).sum(1), known.sum(1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def same_questions(one: Sheet, other: Sheet) -> bool:
    """Whether two models were asked the same of the same number of stars."""
    return one.questions == other.questions and one.crps.shape == other.crps.shape


def labels_of(vocabulary: Vocabulary) -> tuple[tuple[str, str], ...]:
    """Return the questions by which a model is called better: the labels of the first task."""
    task = vocabulary.tasks[0]
    return tuple(
        (task.name, name) for name in task.requests if vocabulary.tokens[vocabulary.index(name)].kind == "label"
    )
