"""Standardisation: every token on its own scale, robust against outliers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.model.table import TokenTable
from stellarfm.vocabulary import Vocabulary

MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Standard:
    """Median and 1.4826 MAD of each token (Leung & Bovy 2024), each of shape (T,)."""

    centre: NDArray[np.float32]
    width: NDArray[np.float32]

    @classmethod
    def of(cls, table: TokenTable) -> "Standard":
        """Measure a training table; a token that is never known or never varies gets centre as found and width 1."""
        counts = np.isfinite(table.values).any(axis=0)
        centre = np.zeros(table.values.shape[1], np.float32)
        centre[counts] = np.nanmedian(table.values[:, counts], axis=0)
        width = np.ones_like(centre)
        width[counts] = MAD_TO_SIGMA * np.nanmedian(np.abs(table.values[:, counts] - centre[counts]), axis=0)
        return cls(centre, np.where(width > 0, width, 1).astype(np.float32))

    def apply(self, table: TokenTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return standardised values (NaN where unknown) and errors, each (N, T)."""
        return (table.values - self.centre) / self.width, table.errors / self.width

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {"centre": self.centre.tolist(), "width": self.width.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Standard":
        """Read the form that `to_dict` writes."""
        return cls(np.float32(data["centre"]), np.float32(data["width"]))


def refuse_bad_numbers(table: TokenTable, vocabulary: Vocabulary) -> None:
    """Refuse what no measurement is.

    Raises
    ------
    StellarError
        If a value is infinite or an error negative; the token and a star are named.
    """
    for wrong, what in ((np.isinf(table.values), "an infinite value"), (table.errors < 0, "a negative error")):
        if wrong.any():
            row, place = np.argwhere(wrong)[0]
            raise StellarError(
                f"the token {vocabulary.names[place]!r} of star {table.ids[row]} has {what} "
                f"({int(wrong.sum())} in all); mend the table or set it to NULL"
            )
