"""Where a sampler gets its stars: a table that is held on the training device, all at once or a part at a time."""

import torch
from torch import Tensor

from stellarfm.model.scaling import RobustScaler
from stellarfm.model.token_table import TokenTable

_PIECE = 4096
"""Neighbouring rows that are read together: a memory-mapped file is slow row by row."""


class Rows:
    """Standardised rows of a table on the training device, in a random order that a generator fixes.

    A table of more than `hold` stars streams: pieces of neighbouring rows are drawn at random, as many as fit are
    held and shuffled together, and the next are loaded when they are used up. The table may be memory-mapped.

    Parameters
    ----------
    table
        The stars.
    scaler
        Scale of the tokens.
    device
        Where rows are held.
    hold
        Stars held at a time.

    Attributes
    ----------
    values, errors
        Shape (R, T) for the R rows held: standardised; 0 where unknown, so that no NaN reaches the network.
    known
        Shape (R, T): whether a value is known.
    """

    def __init__(self, table: TokenTable, scaler: RobustScaler, device: torch.device, hold: int) -> None:
        self.table, self.scaler, self.device = table, scaler, device
        self.streams = len(table) > hold
        self.piece = min(_PIECE, hold) if self.streams else max(1, len(table))
        self.num_pieces = -(-len(table) // self.piece)  # rounded up
        self.at_once = max(1, hold // self.piece) if self.streams else 1
        self.pieces = torch.empty(0, dtype=torch.int64)  # order of pieces of this pass
        self.turn = 0  # which group of pieces is held
        self.order = torch.empty(0, dtype=torch.int64)  # order of held rows
        self.place = 0
        self._held: tuple[int, ...] = ()
        self.values = self.errors = torch.empty(0)
        self.known = torch.empty(0, dtype=torch.bool)

    def next(self, count: int, generator: torch.Generator) -> Tensor:
        """Return the places of the next rows among those held.

        Parameters
        ----------
        count
            How many.
        generator
            Fixes the order.

        Returns
        -------
        Tensor, shape (count,)
            Shorter if the table has fewer rows.
        """
        # held rows that no longer fill a batch are left out of this pass: batches have one size
        while self.place + min(count, len(self.order)) > len(self.order) or len(self.order) == 0:
            self._go_on(generator)
        rows = self.order[self.place : self.place + count]
        self.place += len(rows)
        return rows

    def state(self) -> dict[str, Tensor]:
        """Return the place in the table, from which `restore` goes on; the rows themselves are read again."""
        return {
            "pieces": self.pieces,
            "order": self.order.cpu(),
            "place": torch.tensor([self.turn, self.place]),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state that `state` returned."""
        self.pieces, self.order = state["pieces"], state["order"].to(self.device)
        self.turn, self.place = state["place"].tolist()
        if len(self.order):
            self._hold()

    def _go_on(self, generator: torch.Generator) -> None:
        """Load the next rows, in a new random order."""
        self.turn += 1
        if self.turn * self.at_once >= len(self.pieces):
            where = generator.device
            self.pieces = torch.randperm(self.num_pieces, generator=generator, device=where).cpu()
            self.turn = 0
        self._hold()
        self.order = torch.randperm(len(self.values), generator=generator, device=self.device)
        self.place = 0

    def _hold(self) -> None:
        # a table that is held whole has one piece, and is read once
        wanted = tuple(self.pieces[self.turn * self.at_once : (self.turn + 1) * self.at_once].tolist())
        if wanted == self._held:
            return
        parts = [self.table.rows(slice(p * self.piece, (p + 1) * self.piece)) for p in wanted]
        standardised = [self.scaler.apply(part) for part in parts]
        values, errors = (
            torch.cat([torch.from_numpy(part[i]).to(self.device) for part in standardised]) for i in (0, 1)
        )
        self.known = ~torch.isnan(values)
        self.values, self.errors = values.masked_fill_(~self.known, 0.0), errors
        self._held = wanted
