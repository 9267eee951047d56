"""Asking a trained model: show it what is known of stars, request what is not.

Letters in shape comments: N stars shown, B stars of a batch, T tokens of the vocabulary, L tokens shown, K requests,
M components, D width.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stellarfm.errors import StellarError
from stellarfm.model.answers import Answers, Floats, Mixture
from stellarfm.model.checkpoint import load_model
from stellarfm.model.device import choose_device
from stellarfm.model.network import Answer, StarNetwork, halve_matrices
from stellarfm.model.scaling import RobustScaler, refuse_bad_numbers
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary

__all__ = ["Answers", "FoundationModel", "Mixture"]

ROWS_AT_ONCE = 4096
"""Rows that are sorted into batches together. Which stars share a batch moves the last digit of an answer: whoever streams a
table does so in pieces of this length, and gets the digits that the whole table gives."""

_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 1 << 19}
"""Tokens shown or asked that are computed together: what fits into a CPU's cache, or fills a GPU."""


@dataclass(frozen=True)
class _Shown:
    """What is known of stars: standardised values, NaN where unknown, and errors, both (N, T); tokens of each star, (N,)."""

    values: Floats
    errors: Floats
    counts: NDArray[np.intp]


class FoundationModel:
    """A trained model.

    Parameters
    ----------
    network, vocabulary, scaler
        What it is made of.
    device
        ``auto``, ``cpu`` or ``cuda``.
    bfloat16
        Whether matrix products run in bfloat16: faster on most devices, but the answers are then good to three digits
        and depend a little on which stars are computed together.
    """

    def __init__(
        self,
        network: StarNetwork,
        vocabulary: Vocabulary,
        scaler: RobustScaler,
        device: str = "auto",
        *,
        bfloat16: bool = False,
    ) -> None:
        self.device = choose_device(device)
        # on a copy: the caller's network keeps its digits
        network = halve_matrices(copy.deepcopy(network)) if bfloat16 else network
        self.network = network.to(self.device).eval()
        self.vocabulary, self.scaler, self.bfloat16 = vocabulary, scaler, bfloat16
        self._shown: _Shown | None = None

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto", *, bfloat16: bool = False) -> "FoundationModel":
        """Open a model folder.

        Parameters
        ----------
        folder
            Has ``config.json`` and ``weights.safetensors``.
        device
            ``auto``, ``cpu`` or ``cuda``.
        bfloat16
            As for the class.

        Returns
        -------
        FoundationModel
            Ready to be shown stars.

        Raises
        ------
        StellarError
            If the folder is not a model.
        """
        return cls(*load_model(Path(folder)), device=device, bfloat16=bfloat16)

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
            If a name is unknown, a value infinite, an error negative, or there are more or fewer columns than names.
        """
        self._shown = self._standardise(
            values if isinstance(values, TokenTable) else self._to_table(np.asarray(values), names)
        )

    def request(self, names: Sequence[str]) -> Answers:
        """Answer for the stars that were shown.

        Parameters
        ----------
        names
            Tokens to answer, any of the vocabulary; they are decoded together.

        Returns
        -------
        Answers
            For N stars and K names, in the order of both.

        Raises
        ------
        StellarError
            If nothing was shown, or a name is unknown.
        """
        # requests never see one another, so K at once give exactly what K calls would
        shown, places = self._what_was_shown("request"), [self.vocabulary.index(name) for name in names]
        parts = [(rows, self._answer(shown, rows, places)) for rows in self._batches(shown, len(places))]
        centre, width = self.scaler.centre[places], self.scaler.width[places]

        def gather(which: int) -> Floats:
            full = np.empty((len(shown.counts), *parts[0][1][which].shape[1:]), np.float32)  # (N, K) or (N, K, M)
            for rows, numbers in parts:
                full[rows] = numbers[which]
            return full

        values, errors = gather(0) * width + centre, gather(1) * width
        mixture = None
        if self.network.mixture_logits is not None:
            scale = width[:, None]
            mixture = Mixture(gather(2) * scale + centre[:, None], gather(3) * scale, gather(4))
        return Answers(tuple(names), values, errors, shown.counts == 0, mixture)

    @property
    def num_shown(self) -> int:
        """Number of stars that were shown."""
        return len(self._what_was_shown("request").counts)

    def predict(self, table: TokenTable, names: Sequence[str]) -> Answers:
        """Show a table and answer, in one call.

        Parameters
        ----------
        table
            N stars.
        names
            K tokens to answer.

        Returns
        -------
        Answers
            For N stars and K tokens.

        Raises
        ------
        StellarError
            As `perceive` and `request` do.
        """
        self.perceive(table)
        return self.request(names)

    def stream(self, tables: Iterable[TokenTable], names: Sequence[str]) -> Iterator[Answers]:
        """Answer one table after another; memory does not grow with their number.

        Parameters
        ----------
        tables
            Tables of any length, read as they are needed.
        names
            K tokens to answer.

        Yields
        ------
        Answers
            Those of one table.
        """
        for table in tables:
            yield self.predict(table, names)

    @torch.inference_mode()
    def attention(self, name: str) -> Floats:
        """Return the attention that the answer to a request pays to each token: the last block, mean over heads.

        Parameters
        ----------
        name
            Token that is requested.

        Returns
        -------
        ndarray, shape (N, T)
            Sums to 1 over the tokens that a star has; 0 for the others.

        Raises
        ------
        StellarError
            If nothing was shown, or the name is unknown.
        """
        shown, place = self._what_was_shown("attention"), self.vocabulary.index(name)
        full = np.zeros((len(shown.counts), len(self.vocabulary)), np.float32)
        for rows in self._batches(shown, 1):
            ids, values, errors = self._compress(shown, rows)
            asked = torch.full((len(ids), 1), place + 1, device=self.device)  # (B, 1); id 0 is padding
            with self._autocast():
                attention = self.network.attention_weights(self.network.encode(ids, values, errors), asked)[
                    :, 0
                ]  # (B, L)
            # to the places of the vocabulary, (B, T + 1); padding, whose attention is 0, all falls into place 0
            spread = torch.zeros(len(ids), len(self.vocabulary) + 1, device=self.device).scatter_add_(
                1, ids, attention.float()
            )
            full[rows] = spread[:, 1:].cpu().numpy()
        return full

    @torch.inference_mode()
    def embed(self, table: TokenTable) -> Floats:
        """Return one vector a star, the mean of its encoded tokens, for searches of similar stars.

        Parameters
        ----------
        table
            N stars.

        Returns
        -------
        ndarray, shape (N, D)
            Zero for a star of which nothing is known.

        Raises
        ------
        StellarError
            If a value is infinite or an error negative.
        """
        shown = self._standardise(table)
        full = np.zeros((len(table), self.network.config.width), np.float32)
        for rows in self._batches(shown, 1):
            ids, values, errors = self._compress(shown, rows)
            known = (ids > 0)[..., None]  # (B, L, 1)
            with self._autocast():
                memory = self.network.encode(ids, values, errors).tokens.float() * known  # (B, L, D)
            full[rows] = (memory.sum(1) / known.sum(1).clamp_min(1)).cpu().numpy()
        return full

    def _to_table(self, values: Floats, names: Sequence[str] | None) -> TokenTable:
        names = self.vocabulary.names if names is None else names
        if values.ndim != 2 or values.shape[1] != len(names):
            raise StellarError(f"{len(names)} tokens need values of shape (N, {len(names)}), not {values.shape}")
        full = np.full((len(values), len(self.vocabulary)), np.nan, np.float32)
        full[:, [self.vocabulary.index(name) for name in names]] = values
        return TokenTable(np.arange(len(full)), full, np.zeros_like(full))

    def _standardise(self, table: TokenTable) -> _Shown:
        refuse_bad_numbers(table, self.vocabulary)
        values, errors = self.scaler.apply(table)
        return _Shown(values, errors, (~np.isnan(values)).sum(axis=1))

    def _what_was_shown(self, call: str) -> _Shown:
        if self._shown is None:
            raise StellarError(f"the model was shown no stars; call perceive before {call}")
        return self._shown

    def _batches(self, shown: _Shown, num_requests: int) -> Iterator[NDArray[np.intp]]:
        """Yield the rows of each batch, at least one: stars with about as many tokens are computed together."""
        if len(shown.counts) == 0:
            yield np.arange(0)  # an empty batch, so that the answers for no stars have their shapes
        for first in range(0, len(shown.counts), ROWS_AT_ONCE):
            # the fullest first: too little memory shows at once, and no star is padded much
            order = first + np.argsort(-shown.counts[first : first + ROWS_AT_ONCE], kind="stable")
            start = 0
            while start < len(order):
                size = max(int(shown.counts[order[start]]), num_requests, 1)
                end = start + max(1, _TOKENS_AT_ONCE[self.device.type] // size)
                yield order[start:end]
                start = end

    @torch.inference_mode()
    def _answer(self, shown: _Shown, rows: NDArray[np.intp], places: list[int]) -> list[Floats]:
        """Return standardised values and errors (B, K) and, of a mixture, its means, sigmas and weights (B, K, M)."""
        ids, values, errors = self._compress(shown, rows)
        asked = torch.tensor([places], device=self.device).expand(len(ids), -1) + 1  # (B, K)
        with self._autocast():
            answer: Answer = self.network(ids, values, errors, asked)
        parts = list(answer.median_and_error())
        if answer.mixture_logits is not None:
            parts += [answer.mean, (0.5 * answer.log_variance).exp(), answer.mixture_logits.softmax(-1)]
        return [part.cpu().numpy() for part in parts]

    def _autocast(self) -> AbstractContextManager[object]:
        context: AbstractContextManager[object] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.bfloat16
        )
        return context

    def _compress(self, shown: _Shown, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        """Return ids, values and errors (B, L): what is known first, no more padding than the fullest star needs.

        The order of tokens means nothing to the network, which has no positions.
        """
        values, errors = (torch.from_numpy(array[rows]).to(self.device) for array in (shown.values, shown.errors))
        known = ~torch.isnan(values)
        longest = max(int(shown.counts[rows].max(initial=0)), 1)
        order = torch.argsort(~known, dim=1, stable=True)[:, :longest]  # (B, L)
        is_known = known.gather(1, order)
        return (
            torch.where(is_known, order + 1, 0),
            values.gather(1, order).masked_fill(~is_known, 0),
            errors.gather(1, order) * is_known,
        )
