"""What a training step sees: of every star a random part is shown and some of the rest is asked for.

Everything is drawn on the training device with one generator, so that a seed fixes the whole training.
Letters: N rows held, B stars of a batch, T tokens of the vocabulary, L tokens shown, K requests.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stellarfm.model.rows import Rows
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
        Range of the number of tokens shown, drawn for each star; 0 for the longest means all that it has.
    full_share
        Fraction of stars that are shown as much as there is.
    copy_share
        Fraction of requests that may be shown too; the rest are hidden, so that nothing is learned by copying.
    label_share
        Fraction of requests that ask for a label or colour instead of a spectrum, where a star has both; in a vocabulary
        without spectra, for a label instead of another measurement.
    hide_labels_share
        Fraction of stars that are shown no label at all: the question that matters most.
    buckets
        Parts that a batch is cut into, each of stars with about as many tokens, so that little padding is computed.
    multiple
        Padded lengths are multiples of this: few shapes for a compiler.
    hold
        Stars held on the device at a time; a longer table streams.
    as_published
        Draw as Leung & Bovy (2024) did: 5 to 64 places, one request of all that a star has, shown or not.
    """

    batch: int = 512
    requests: int = 12
    min_context: int = 0
    max_context: int = 0
    full_share: float = 0.6
    copy_share: float = 0.05
    label_share: float = 0.5
    hide_labels_share: float = 0.5
    buckets: int = 4
    multiple: int = 1
    hold: int = 2_000_000
    as_published: bool = False


@dataclass(frozen=True)
class Batch:
    """What is shown and asked of B stars, standardised.

    Attributes
    ----------
    ids, values, errors
        Shape (B, L): ids of the tokens shown (token i has id i + 1, padding 0), their values and errors, 0 in padding.
    requests, targets, target_errors
        Shape (B, K): ids of what is asked (0 where nothing is), true values and errors; not to be read where nothing is.
    """

    ids: Tensor
    values: Tensor
    errors: Tensor
    requests: Tensor
    targets: Tensor
    target_errors: Tensor

    def part(self, number: int, of: int) -> "Batch":
        """Return every `of`-th star from the `number`-th on, about B / of: each part has contexts of all lengths."""
        which = slice(number, None, of)
        return Batch(
            self.ids[which],
            self.values[which],
            self.errors[which],
            self.requests[which],
            self.targets[which],
            self.target_errors[which],
        )


class Sampler:
    """Draws batches.

    Parameters
    ----------
    rows
        The stars.
    vocabulary
        Their tokens.
    settings
        How to draw.
    seed
        Seed of the generator.
    """

    def __init__(self, rows: Rows, vocabulary: Vocabulary, settings: SamplerSettings, seed: int) -> None:
        self.rows, self.settings, self.device = rows, settings, rows.device
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.requestable = self._flags([token.requestable for token in vocabulary.tokens])
        self.is_label = self._flags([token.kind == "label" for token in vocabulary.tokens])
        is_spectrum = self._flags([token.kind == "spectrum" for token in vocabulary.tokens])
        self.is_bulk = is_spectrum if is_spectrum.any() else ~self.is_label

    def draw(self) -> list[Batch]:
        """Draw the next batch, cut into buckets; every star is seen once before any is seen again.

        Returns
        -------
        list of Batch
            One a bucket, the shortest contexts first; together they have B stars.
        """
        rows = self.rows.next(self.settings.batch, self.generator)  # (B,)
        known = self.rows.known[rows]  # (B, T)
        if self.settings.as_published:
            asked, is_asked = self._draw_one_request(known)  # (B, 1)
            may, lengths = known, self._published_lengths(known)
        else:
            asked, is_asked = self._draw_requests(known)  # (B, K)
            may = self._hide(known, asked, is_asked)  # (B, T)
            lengths = self._draw_lengths(may.sum(1))  # (B,)
        order, edges = self._sort(lengths)
        rows, lengths, may, asked, is_asked = (x[order] for x in (rows, lengths, may, asked, is_asked))
        longest = max(length for _, _, length in edges)
        ids = self._draw_context(may, lengths, longest)  # (B, L)
        full = self._gather(rows, ids, asked, is_asked)
        # drawn for all stars at once, then cut: a bucket needs no more columns than its longest star
        return [
            Batch(
                full.ids[a:b, :length],
                full.values[a:b, :length],
                full.errors[a:b, :length],
                full.requests[a:b],
                full.targets[a:b],
                full.target_errors[a:b],
            )
            for a, b, length in edges
        ]

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next draw depends on."""
        return {"generator": self.generator.get_state(), **self.rows.state()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned: the next draw is the one that would have followed."""
        self.generator.set_state(state["generator"])
        self.rows.restore(state)

    def _draw_requests(self, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return K different tokens of each star, weighted towards labels, and which of them it really has, (B, K) each."""
        may = known & self.requestable
        bulk = (may & self.is_bulk).sum(1, keepdim=True).clamp_min(1)  # (B, 1)
        others = (may & ~self.is_bulk).sum(1, keepdim=True).clamp_min(1)  # (B, 1)
        # a kind's weight is spread over its tokens: a hundred coefficients do not outvote five labels
        label_weight = min(max(self.settings.label_share, 1e-6), 1 - 1e-6)
        weight = torch.where(self.is_bulk, (1 - label_weight) / bulk, label_weight / others)  # (B, T)
        # the Gumbel-max trick: the K largest of log weight + Gumbel noise are a weighted draw without replacement. The clamp
        # keeps both logarithms finite: a draw of exactly 0 would give -inf, which stands for what may not be asked
        gumbel = -torch.log(-torch.log(self._uniform(known.shape).clamp(1e-9, 1 - 1e-7)))
        keys = (weight.log() + gumbel).masked_fill(~may, -torch.inf)  # (B, T)
        best, asked = keys.topk(min(self.settings.requests, known.shape[1]), dim=1)  # (B, K)
        return asked, best > -torch.inf  # a star with fewer than K tokens fills up with some that it lacks

    def _draw_one_request(self, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return one token of each star, uniform over all that it may be asked, and whether it has any, (B, 1): as published."""
        keys = self._uniform(known.shape).masked_fill(~(known & self.requestable), -1.0)
        best, asked = keys.max(1, keepdim=True)  # (B, 1)
        return asked, best >= 0

    def _hide(self, known: Tensor, asked: Tensor, is_asked: Tensor) -> Tensor:
        """Return which tokens may be shown (B, T): not what is asked, but for the copies, and often no label."""
        hidden = is_asked & (self._uniform(asked.shape) >= self.settings.copy_share)  # (B, K)
        may = known.scatter(1, asked, known.gather(1, asked) & ~hidden)  # (B, T)
        without_labels = self._uniform((len(known), 1)) < self.settings.hide_labels_share  # (B, 1)
        return may & ~(without_labels & self.is_label)  # (B, T)

    def _draw_lengths(self, available: Tensor) -> Tensor:
        """Return how many tokens each star is shown, (B,)."""
        settings = self.settings
        longest = available.clamp_max(settings.max_context) if settings.max_context else available
        shortest = longest.clamp_max(settings.min_context)
        some = shortest + (self._uniform(available.shape) * (longest - shortest + 1)).long()
        # below, the minimum guards against a product that rounds up to the next whole number
        full = self._uniform(available.shape) < settings.full_share
        return torch.where(full, longest, some.minimum(longest))

    def _published_lengths(self, known: Tensor) -> Tensor:
        """Return how many tokens each star is shown, (B,): min(n, L) of its n, L uniform on 5 to 64, as published."""
        places = torch.randint(5, 65, (len(known),), generator=self.generator, device=self.device)
        return places.minimum(known.sum(1))

    def _sort(self, lengths: Tensor) -> tuple[Tensor, list[tuple[int, int, int]]]:
        """Return the order of stars by length, and (first, end, padded length) of each bucket."""
        size = -(-len(lengths) // max(1, self.settings.buckets))  # rounded up
        order = lengths.argsort(stable=True)
        starts = range(0, len(lengths), size)
        ends = [min(start + size, len(lengths)) for start in starts]
        # one transfer for all buckets, the only time that a draw waits for the device
        longest = lengths[order[torch.tensor([end - 1 for end in ends], device=self.device)]].tolist()
        multiple = self.settings.multiple
        padded = [max(1, -(-length // multiple) * multiple) for length in longest]
        return order, list(zip(starts, ends, padded, strict=True))

    def _draw_context(self, may: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """Return the tokens shown of each star in random order, (B, L) ids; 0 where it has fewer."""
        # sorting random keys draws without replacement for all stars at once; what may not be shown sorts behind, above 1
        keys = self._uniform(may.shape).masked_fill(~may, 2.0)  # (B, T)
        shown = keys.argsort(dim=1)[:, :longest]  # (B, L)
        place = torch.arange(longest, device=self.device)  # (L,)
        if shown.shape[1] < longest:  # a padded length beyond the vocabulary
            shown = torch.nn.functional.pad(shown, (0, longest - shown.shape[1]))
        return torch.where(place < lengths[:, None], shown + 1, 0)

    def _gather(self, rows: Tensor, ids: Tensor, asked: Tensor, is_asked: Tensor) -> Batch:
        shown, unknown = (ids - 1).clamp_min(0), ids == 0  # (B, L); padding reads token 0, whose value is then blanked
        values, errors = self.rows.values[rows], self.rows.errors[rows]  # (B, T)
        return Batch(
            ids,
            values.gather(1, shown).masked_fill(unknown, 0),
            errors.gather(1, shown).masked_fill(unknown, 0),
            torch.where(is_asked, asked + 1, 0),
            values.gather(1, asked),
            errors.gather(1, asked),
        )

    def _flags(self, flags: list[bool]) -> Tensor:
        return torch.tensor(flags, device=self.device)

    def _uniform(self, shape: tuple[int, ...] | torch.Size) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device)
