"""The questions of a report, put to held-out stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.evaluation.metrics import Floats, Score, score
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Task, Vocabulary

if TYPE_CHECKING:
    from stellarfm.model.foundation import FoundationModel


@dataclass(frozen=True)
class Answered:
    """A task with the model's answers.

    Attributes
    ----------
    task
        What was asked.
    values, errors
        Shape (N, K): one row a held-out star, one column a request.
    below
        Shape (N, K): how much of each answer lies below the truth, or below the label where the truth is not known.
    scores
        Against the label as it was measured, by token.
    truth_scores
        Against the truth of the simulated sky, by token; empty for real stars.
    """

    task: Task
    values: NDArray[np.float32]
    errors: NDArray[np.float32]
    below: NDArray[np.float64]
    scores: dict[str, Score]
    truth_scores: dict[str, Score]


def answer(
    model: "FoundationModel",
    task: Task,
    stars: TokenTable,
    vocabulary: Vocabulary,
    truth: Mapping[str, Floats] | None = None,
) -> Answered:
    """Put a task to stars: they are shown without what is asked of them.

    Parameters
    ----------
    model
        The model to ask.
    task
        Which tokens are shown and asked for.
    stars
        Held-out stars, N rows.
    vocabulary
        The vocabulary of `stars`.
    truth
        True values of tokens, each of shape (N,), where they are known.
    """
    shown = stars.showing([vocabulary.index(name) for name in task.inputs])
    answers = model.predict(shown, list(task.requests))
    places = [vocabulary.index(name) for name in task.requests]
    labels = stars.values[:, places]
    below = answers.cumulative(labels, stars.errors[:, places])
    scores = {name: score(labels[:, k], answers.values[:, k], below[:, k]) for k, name in enumerate(task.requests)}
    truth_scores = {}
    for k, name in enumerate(task.requests):
        if truth is not None and name in truth:
            true = np.where(np.isfinite(labels), truth[name][:, None], np.nan)
            below[:, k] = answers.cumulative(true)[:, k]
            truth_scores[name] = score(true[:, k], answers.values[:, k], below[:, k])
    return Answered(task, answers.values, answers.errors, below, scores, truth_scores)


def never_known(vocabulary: Vocabulary, *tables: TokenTable) -> list[str]:
    """Return the tokens that no star of any table has."""
    found = np.any([np.isfinite(table.values).any(axis=0) for table in tables], axis=0)
    return [name for name, known in zip(vocabulary.names, found, strict=True) if not known]


def answerable(vocabulary: Vocabulary, unknown: Sequence[str]) -> Vocabulary:
    """Leave out the questions for tokens that a table never has.

    Raises
    ------
    StellarError
        If nothing is left.
    """
    tasks = []
    for task in vocabulary.tasks:
        inputs = tuple(name for name in task.inputs if name not in unknown)
        requests = tuple(name for name in task.requests if name not in unknown)
        if inputs and requests:
            tasks.append(replace(task, inputs=inputs, requests=requests))
    if not tasks:
        raise StellarError(
            f"the table has nothing that a task of the vocabulary {vocabulary.name!r} asks for; add labels to it"
        )
    return replace(vocabulary, tasks=tuple(tasks))
