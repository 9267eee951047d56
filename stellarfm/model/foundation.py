"""Asking a trained model: show it what is known of stars, request what is not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stellarfm.errors import StellarError
from stellarfm.model.checkpoint import load_model
from stellarfm.model.network import StarNetwork
from stellarfm.model.standard import Standard, refuse_bad_numbers
from stellarfm.model.table import TokenTable
from stellarfm.model.training import choose_device
from stellarfm.vocabulary import Vocabulary

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """What a model says of N stars.

    Attributes
    ----------
    names
        The K tokens that were requested.
    values, errors
        Shape (N, K), in the units of the tokens; errors are 1 sigma of the star itself, without measurement noise.
    is_prior
        Shape (N,): nothing was known of the star, so the answer is that for a star drawn at random.
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    is_prior: NDArray[np.bool_]

    def percentile(self, percent: float) -> Floats:
        """Return a percentile of the Gaussian of each answer, (N, K)."""
        deviate = torch.special.ndtri(torch.tensor(percent / 100, dtype=torch.float64)).item()
        return (self.values + np.float32(deviate) * self.errors).astype(np.float32)


class FoundationModel:
    """A trained model.

    Parameters
    ----------
    network, vocabulary, standard
        What it is made of.
    device
        ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, network: StarNetwork, vocabulary: Vocabulary, standard: Standard, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()
        self.vocabulary, self.standard = vocabulary, standard
        self._shown: tuple[Floats, Floats] | None = None

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "FoundationModel":
        """Open a model folder.

        Raises
        ------
        StellarError
            If the folder is not a model.
        """
        return cls(*load_model(Path(folder)), device=device)

    def perceive(self, values: Floats | TokenTable, names: Sequence[str] | None = None) -> None:
        """Show the model what is known of stars; NaN where it is not.

        Parameters
        ----------
        values
            Shape (N, len(names)) in the units of the tokens, or a table of all tokens.
        names
            Tokens of the columns; all tokens of the vocabulary if not given.

        Raises
        ------
        StellarError
            If a name is unknown or a value infinite.
        """
        if not isinstance(values, TokenTable):
            places = [self.vocabulary.index(name) for name in names or self.vocabulary.names]
            full = np.full((len(values), len(self.vocabulary)), np.nan, np.float32)
            full[:, places] = values
            values = TokenTable(np.arange(len(full)), full, np.zeros_like(full))
        refuse_bad_numbers(values, self.vocabulary)
        self._shown = self.standard.apply(values)

    def request(self, names: Sequence[str], batch_size: int = 1024) -> Answers:
        """Answer for the stars that were shown.

        Parameters
        ----------
        names
            Tokens to answer, any of the vocabulary; they are decoded together.
        batch_size
            Stars at a time.

        Raises
        ------
        StellarError
            If nothing was shown, or a name is unknown.
        """
        if self._shown is None:
            raise StellarError("the model was shown no stars; call perceive before request")
        places = [self.vocabulary.index(name) for name in names]
        values, errors = self._shown
        answers = np.empty((2, len(values), len(places)), np.float32)
        for start in range(0, len(values), batch_size):
            rows = slice(start, start + batch_size)
            answers[:, rows] = self._answer(values[rows], errors[rows], places)
        centre, width = self.standard.centre[places], self.standard.width[places]
        is_prior = ~np.isfinite(values).any(axis=1)
        return Answers(tuple(names), answers[0] * width + centre, answers[1] * width, is_prior)

    def predict(self, table: TokenTable, names: Sequence[str], batch_size: int = 1024) -> Answers:
        """Show a table and answer, in one call."""
        self.perceive(table)
        return self.request(names, batch_size)

    def stream(self, tables: Iterable[TokenTable], names: Sequence[str]) -> Iterator[Answers]:
        """Answer one table after another; memory does not grow with their number."""
        for table in tables:
            yield self.predict(table, names)

    @torch.inference_mode()
    def attention(self, name: str) -> Floats:
        """Return how much the answer to a request looks at each token, (N, T): the last block, mean over heads."""
        if self._shown is None:
            raise StellarError("the model was shown no stars; call perceive before attention")
        ids, values, errors = self._compress(*self._shown)
        asked = torch.full((len(ids), 1), self.vocabulary.index(name) + 1, device=self.device)
        share = self.network.look(self.network.encode(ids, values, errors), ids > 0, asked)[:, 0]  # (N, L)
        full = torch.zeros(len(ids), len(self.vocabulary) + 1, device=self.device).scatter_add_(1, ids, share)
        return np.asarray(full[:, 1:].cpu().numpy())

    @torch.inference_mode()
    def embed(self, table: TokenTable) -> Floats:
        """Return one vector a star, (N, D): the mean of its encoded tokens, for searches of similar stars."""
        ids, values, errors = self._compress(*self.standard.apply(table))
        known = (ids > 0)[..., None]
        memory = self.network.encode(ids, values, errors) * known
        return np.asarray((memory.sum(1) / known.sum(1).clamp_min(1)).float().cpu().numpy())

    @torch.inference_mode()
    def _answer(self, values: Floats, errors: Floats, places: list[int]) -> Floats:
        """Return standardised means and errors of one batch, (2, B, K)."""
        ids, shown, shown_errors = self._compress(values, errors)
        asked = torch.tensor([places], device=self.device).expand(len(ids), -1) + 1  # (B, K)
        answer = self.network(ids, shown, shown_errors, asked)
        return torch.stack(answer.moments()).cpu().numpy()

    def _compress(self, values: Floats, errors: Floats) -> tuple[Tensor, Tensor, Tensor]:
        """Return ids, values and errors (B, L) with what is known first and no more padding than the fullest star needs."""
        full, error = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in (values, errors))
        known = torch.isfinite(full)
        longest = max(int(known.sum(1).max()), 1) if len(full) else 1
        order = torch.argsort(~known, dim=1, stable=True)[:, :longest]  # (B, L)
        is_known = known.gather(1, order)
        shown = torch.nan_to_num(full).gather(1, order)
        return torch.where(is_known, order + 1, 0), shown.masked_fill(~is_known, 0), error.gather(1, order) * is_known
