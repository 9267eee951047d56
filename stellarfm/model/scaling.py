"""Standardisation: every token on its own scale, robust against outliers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.model.token_table import TokenTable
from stellarfm.statistics import MAD_TO_SIGMA
from stellarfm.vocabulary import Vocabulary

_MEASURED_STARS = 1_000_000
"""Enough for a median: more stars would be read and sorted for digits that do not matter."""


@dataclass(frozen=True)
class RobustScaler:
    """Median and 1.4826 MAD of each token (Leung & Bovy 2024): robust, for surveys have outliers.

    Attributes
    ----------
    centre, width
        Shape (T,), in the units of the tokens.
    """

    centre: NDArray[np.float32]
    width: NDArray[np.float32]

    @classmethod
    def of(cls, table: TokenTable) -> "RobustScaler":
        """Measure a training table, every n-th star of a very long one.

        A token that is never known gets centre 0 and width 1, one that never varies its value and width 1.

        Parameters
        ----------
        table
            Stars to learn from; it may be memory-mapped.

        Returns
        -------
        RobustScaler
            One centre and width for each of the T tokens.
        """
        every = 1 + len(table) // _MEASURED_STARS
        values = np.asarray(table.values[::every])
        found = np.isfinite(values).any(axis=0)
        centre = np.zeros(values.shape[1], np.float32)
        centre[found] = np.nanmedian(values[:, found], axis=0)
        width = np.ones_like(centre)
        width[found] = MAD_TO_SIGMA * np.nanmedian(np.abs(values[:, found] - centre[found]), axis=0)
        return cls(centre, np.where(width > 0, width, 1).astype(np.float32))

    def apply(self, table: TokenTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return standardised values (NaN where unknown) and errors (0 where unknown), each (N, T)."""
        # what overflows here makes the loss infinite, and then training names the token
        with np.errstate(over="ignore"):
            return (table.values - self.centre) / self.width, np.nan_to_num(table.errors) / self.width

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {"centre": self.centre.tolist(), "width": self.width.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RobustScaler":
        """Return the scaler that `to_dict` wrote; KeyError if it is something else."""
        return cls(np.asarray(data["centre"], np.float32), np.asarray(data["width"], np.float32))


def refuse_bad_numbers(table: TokenTable, vocabulary: Vocabulary) -> None:
    """Refuse what no measurement is.

    Parameters
    ----------
    table
        N stars; read block by block, so it may be memory-mapped.
    vocabulary
        Tokens of its columns.

    Raises
    ------
    StellarError
        If a value or an error is infinite, an error is negative (the token and a star are named), or the table has another
        number of tokens than the vocabulary.
    """
    if table.values.shape[1] != len(vocabulary):
        raise StellarError(
            f"the table has {table.values.shape[1]} tokens but the vocabulary {vocabulary.name!r} has "
            f"{len(vocabulary)}; read the table with the same vocabulary"
        )
    for array, is_wrong, what in (
        ("values", np.isinf, "an infinite value"),
        ("errors", np.isinf, "an infinite error"),
        ("errors", _is_negative, "a negative error"),
    ):
        found, first = 0, ("", 0)
        for block in table.blocks():
            wrong = is_wrong(getattr(block, array))
            if found == 0 and wrong.any():
                row, place = np.argwhere(wrong)[0]
                first = vocabulary.names[place], block.ids[row]
            found += int(wrong.sum())
        if found:
            raise StellarError(
                f"the token {first[0]!r} of star {first[1]} has {what} ({found} in all); "
                "mend the table or set it to NULL"
            )


def _is_negative(numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
    return numbers < 0
