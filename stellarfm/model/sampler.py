"""What a training step sees: of every star a random part is shown and some of the rest is asked for.

Everything is drawn on the training device with one generator, so that a seed fixes the whole training. The table is held
there once. Letters: N stars of the table, B of a batch, T tokens, L tokens shown, K requests.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stellarfm.vocabulary import Vocabulary


@dataclass(frozen=True)
class SamplerSettings:
    """How contexts and requests are drawn.

    Attributes
    ----------
    batch
        Stars B of a step.
    requests
        Requests K of each star; fewer if it has fewer tokens.
    min_context, max_context
        Range of the number of tokens shown, drawn anew for each batch and cropped to it; 0 for the longest means all.
    copy_share
        Share of requests that may be shown too; the rest are hidden, so that nothing is learned by copying.
    label_share
        Share of requests that ask for a label or colour instead of a spectrum, where a star has both.
    hide_labels_share
        Share of stars that are shown no label at all: the question that matters most.
    as_published
        Draw as Leung & Bovy (2024) did: one request, always drawn from all that a star has, places always 64.
    """

    batch: int = 512
    requests: int = 12
    min_context: int = 4
    max_context: int = 0
    copy_share: float = 0.05
    label_share: float = 0.4
    hide_labels_share: float = 0.5
    as_published: bool = False


@dataclass(frozen=True)
class Batch:
    """One step: shown ids, values and errors (B, L), asked ids, targets and their errors (B, K); id 0 is padding."""

    ids: Tensor
    values: Tensor
    errors: Tensor
    requests: Tensor
    targets: Tensor
    target_errors: Tensor


class Sampler:
    """Draws batches from a standardised table.

    Parameters
    ----------
    values, errors
        Shape (N, T), on the training device; NaN where unknown.
    vocabulary
        The tokens.
    settings
        How to draw.
    seed
        Seed of the generator.
    """

    def __init__(
        self, values: Tensor, errors: Tensor, vocabulary: Vocabulary, settings: SamplerSettings, seed: int
    ) -> None:
        device = values.device
        self.known = torch.isfinite(values)
        self.values, self.errors = torch.nan_to_num(values), torch.nan_to_num(errors)
        self.settings = settings
        self.generator = torch.Generator(device).manual_seed(seed)
        self.requestable = torch.tensor([token.requestable for token in vocabulary.tokens], device=device)
        self.is_label = torch.tensor([token.kind == "label" for token in vocabulary.tokens], device=device)
        self.is_spectrum = torch.tensor([token.kind == "spectrum" for token in vocabulary.tokens], device=device)
        self.order = torch.empty(0, dtype=torch.int64, device=device)
        self.place = 0

    def draw(self) -> Batch:
        """Draw the next batch; every star is seen once before any is seen again."""
        rows = self._next_rows()
        known = self.known[rows]  # (B, T)
        if self.settings.as_published:
            return self._draw_as_published(rows, known)
        asked, is_asked = self._draw_requests(known)  # (B, K)
        shown = self._draw_context(known, asked, is_asked)  # (B, L)
        return self._gather(rows, shown, asked, is_asked)

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next draw depends on."""
        return {
            "generator": self.generator.get_state(),
            "order": self.order.cpu(),
            "place": torch.tensor(self.place),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        self.generator.set_state(state["generator"])
        self.order = state["order"].to(self.values.device)
        self.place = int(state["place"])

    def _next_rows(self) -> Tensor:
        batch = min(self.settings.batch, len(self.values))
        if self.place + batch > len(self.order):
            self.order = torch.randperm(len(self.values), generator=self.generator, device=self.values.device)
            self.place = 0
        rows = self.order[self.place : self.place + batch]
        self.place += batch
        return rows

    def _draw_requests(self, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return K different tokens of each star, weighted towards labels, and which of them it really has."""
        may = known & self.requestable
        spectra = (may & self.is_spectrum).sum(1, keepdim=True).clamp_min(1)  # (B, 1)
        others = (may & ~self.is_spectrum).sum(1, keepdim=True).clamp_min(1)
        share = self.settings.label_share
        weight = torch.where(self.is_spectrum, (1 - share) / spectra, share / others)  # (B, T)
        gumbel = -torch.log(-torch.log(self._uniform(known.shape).clamp(1e-9, 1 - 1e-7)))
        keys = (weight.log() + gumbel).masked_fill(~may, -torch.inf)
        best, asked = keys.topk(min(self.settings.requests, known.shape[1]), dim=1)  # (B, K)
        return asked, torch.isfinite(best)

    def _draw_context(self, known: Tensor, asked: Tensor, is_asked: Tensor) -> Tensor:
        """Return the tokens shown of each star, (B, L) ids; 0 where it has fewer."""
        settings = self.settings
        hidden = is_asked & (self._uniform(asked.shape) >= settings.copy_share)
        may = known.scatter(1, asked, known.gather(1, asked) & ~hidden)  # (B, T)
        without_labels = self._uniform((len(known), 1)) < settings.hide_labels_share
        may = may & ~(without_labels & self.is_label)
        longest = settings.max_context or known.shape[1]
        lengths = torch.rand((), generator=self.generator, device=known.device)
        length = settings.min_context + int(lengths * (longest - settings.min_context + 1))
        keys = self._uniform(known.shape).masked_fill(~may, 2.0)
        smallest, shown = keys.topk(min(length, known.shape[1]), dim=1, largest=False)  # (B, L)
        ids = torch.where(smallest < 2, shown + 1, 0)
        used = int((ids > 0).sum(1).max())  # padding that no star needs is not computed
        return ids[:, : max(used, 1)]

    def _draw_as_published(self, rows: Tensor, known: Tensor) -> Batch:
        """Draw as Leung & Bovy (2024): 5 to 64 places, one request from all a star has, shown or not."""
        may = known & self.requestable
        keys = self._uniform(known.shape).masked_fill(~may, -1.0)
        best, asked = keys.topk(1, dim=1)
        keys = self._uniform(known.shape).masked_fill(~known, 2.0)
        smallest, shown = keys.topk(min(64, known.shape[1]), dim=1, largest=False)
        length = torch.randint(5, 65, (len(known), 1), generator=self.generator, device=known.device)
        place = torch.arange(shown.shape[1], device=known.device)
        ids = torch.where((smallest < 2) & (place < length), shown + 1, 0)
        return self._gather(rows, ids, asked, best >= 0)

    def _gather(self, rows: Tensor, ids: Tensor, asked: Tensor, is_asked: Tensor) -> Batch:
        shown = (ids - 1).clamp_min(0)
        values, errors = self.values[rows], self.errors[rows]  # (B, T)
        unknown = ids == 0
        return Batch(
            ids,
            values.gather(1, shown).masked_fill(unknown, 0),
            errors.gather(1, shown).masked_fill(unknown, 0),
            torch.where(is_asked, asked + 1, 0),
            values.gather(1, asked),
            errors.gather(1, asked),
        )

    def _uniform(self, shape: tuple[int, ...] | torch.Size) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.values.device)
