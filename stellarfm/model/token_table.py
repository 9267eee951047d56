"""A table of stars as the model sees it: one row a star, one column a token, NaN where nothing is known."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stellarfm.atomic import fresh_folder
from stellarfm.errors import StellarError

_ARRAYS = ("ids", "values", "errors")


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
        """Return the table of some of the rows: by a mask (N,), by indices or by a slice, which copies nothing."""
        return TokenTable(self.ids[which], self.values[which], self.errors[which])

    def showing(self, places: Sequence[int]) -> "TokenTable":
        """Return the table with every other token unknown: what is asked for must not be among what is shown.

        Parameters
        ----------
        places
            Places in the vocabulary of the tokens that stay.
        """
        values = np.full_like(self.values, np.nan)  # (N, T)
        values[:, list(places)] = self.values[:, list(places)]
        return TokenTable(self.ids, values, self.errors)

    def blocks(self, num_rows: int = 65_536) -> Iterator["TokenTable"]:
        """Yield the rows in order, at most `num_rows` at a time: what a pass over a memory-mapped table holds in memory."""
        for start in range(0, len(self), num_rows):
            yield self.rows(slice(start, start + num_rows))


def write_table(folder: Path, tables: Iterable[TokenTable], num_stars: int, num_tokens: int) -> None:
    """Write tables, one after another, as arrays that training reads piece by piece: for more stars than memory holds.

    Parameters
    ----------
    folder
        Folder to make, in one step.
    tables
        The rows; each table has the T tokens of the vocabulary.
    num_stars, num_tokens
        N stars of all tables together, and T tokens.

    Raises
    ------
    StellarError
        If there are fewer or more stars than `num_stars`.
    """
    # the size of a memory-mapped file is fixed when it is made, so the number of stars must be known before the first row
    shapes = {"ids": (num_stars,), "values": (num_stars, num_tokens), "errors": (num_stars, num_tokens)}
    with fresh_folder(folder) as partial:
        arrays = {
            name: np.lib.format.open_memmap(
                partial / f"{name}.npy", "w+", np.int64 if name == "ids" else np.float32, shapes[name]
            )
            for name in _ARRAYS
        }
        done = 0
        for table in tables:
            if done + len(table) <= num_stars:  # else go on counting, for the message
                for name in _ARRAYS:
                    arrays[name][done : done + len(table)] = getattr(table, name)
            done += len(table)
        for array in arrays.values():
            array.flush()
        if done != num_stars:
            raise StellarError(f"{num_stars} stars were to be written to {folder}, but there are {done}")


def open_table(folder: Path) -> TokenTable:
    """Open what `write_table` wrote, without reading it into memory.

    Parameters
    ----------
    folder
        Has ``ids.npy``, ``values.npy`` and ``errors.npy``.

    Returns
    -------
    TokenTable
        Its arrays are memory-mapped and read-only.

    Raises
    ------
    StellarError
        If the folder is no such table.
    """
    try:
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS]
    except (OSError, ValueError) as error:
        raise StellarError(f"{folder} is not a table of tokens ({error}); write_table makes one") from error
    return TokenTable(*arrays)
