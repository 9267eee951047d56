"""Stars that a model never saw, with what its answers are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stellarfm.evaluation.metrics import Floats
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Task, Vocabulary


@dataclass(frozen=True)
class HeldOut:
    """Stars that the model never saw, with what its answers are compared with.

    Attributes
    ----------
    test, train
        Held-out stars, and the training stars that baselines are fitted on.
    vocabulary
        Tokens of both.
    truth
        True values of tokens for `test`, each of shape (N,), in the token's unit; None for real stars.
    """

    test: TokenTable
    train: TokenTable
    vocabulary: Vocabulary
    truth: Mapping[str, Floats] | None = None

    def that_can_be_asked(self, task: Task) -> "HeldOut":
        """Keep the stars that have at least one token of every kind (spectrum, colour, label) that the task shows.

        Parameters
        ----------
        task
            The task that is to be put to them.

        Returns
        -------
        HeldOut
            R of the N test stars, with their truth; the training stars are the same.
        """
        keep = self.can_be_asked(task)
        truth = {name: values[keep] for name, values in self.truth.items()} if self.truth is not None else None
        return HeldOut(self.test.rows(keep), self.train, self.vocabulary, truth)

    def can_be_asked(self, task: Task) -> NDArray[np.bool_]:
        """Return which of the N test stars have at least one token of every kind that the task shows, shape (N,)."""
        # a spectrum need not be whole: faint stars lack their high orders, and are part of the question
        keep = np.ones(len(self.test), dtype=bool)
        tokens, place = self.vocabulary.tokens, self.vocabulary.index
        for kind in {tokens[place(name)].kind for name in task.inputs}:
            places = [place(name) for name in task.inputs if tokens[place(name)].kind == kind]
            keep &= np.isfinite(self.test.values[:, places]).any(axis=1)
        return keep

    def targets(self, name: str) -> dict[str, Floats]:
        """Return what answers for a token are compared with: the label, and the truth if there is one.

        The truth counts for the stars that have the label, so that both speak of the same stars.

        Parameters
        ----------
        name
            A token of the vocabulary.

        Returns
        -------
        dict
            ``label`` and perhaps ``truth``, each of shape (N,), in the token's unit; NaN where unknown.
        """
        measured = self.test.values[:, self.vocabulary.index(name)]
        if self.truth is None or name not in self.truth:
            return {"label": measured}
        return {"label": measured, "truth": np.where(np.isfinite(measured), self.truth[name], np.nan)}
