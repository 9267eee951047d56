"""A table of stars as the model sees it: one row a star, one column a token, NaN where nothing is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TokenTable:
    """Values and errors of N stars for the T tokens of a vocabulary, in the vocabulary's order.

    Attributes
    ----------
    ids
        Shape (N,), int64; identifies the star (the row number where a table has no identifier).
    values
        Shape (N, T), float32, in the token's unit; NaN where unknown.
    errors
        Shape (N, T), float32, 1 sigma in the token's unit; 0 where none is known.
    """

    ids: NDArray[np.int64]
    values: NDArray[np.float32]
    errors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "TokenTable":
        """Return the table of some of the rows."""
        return TokenTable(self.ids[which], self.values[which], self.errors[which])
