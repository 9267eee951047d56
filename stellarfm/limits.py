"""What a file may unfold to, and a reader may take: refused by a sentence before the memory of the machine is gone."""

import gzip
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from stellarfm.address_space import address_limit
from stellarfm.errors import StellarError

_LARGEST_RATIO = 100
"""Times that a zip may grow; numbers of spectra and weights shrink to a third at best, and a bomb grows a thousandfold."""
_ALWAYS_BYTES = 64 << 20
"""What is too little to matter, however small it was packed."""
_LONGEST_TEXT_BYTES = 64 << 20


def free_bytes() -> int:
    """Return the memory that this process may still take: what the machine has free, within the limit of its addresses."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit = address_limit()
    if limit is None:
        return free
    return max(0, min(free, limit - int(psutil.Process().memory_info().vms)))


class Room:
    """The memory that a reader may fill.

    Parameters
    ----------
    called
        What a person calls what is read.
    """

    def __init__(self, called: str) -> None:
        self._called, self._free, self._taken = called, free_bytes(), 0

    def take(self, num_bytes: int) -> None:
        """Count bytes that are about to be filled.

        Raises
        ------
        StellarError
            If there is no room for them.
        """
        self._taken += num_bytes
        if self._taken > self._free:
            raise StellarError(
                f"{self._called} does not fit into memory: {self._free / 1e9:.2g} GB are free, and it goes on beyond them; "
                "use fewer rows or a larger machine"
            )


def refuse_bomb(path: Path, members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse a zip that unfolds to far more than it holds.

    Parameters
    ----------
    path
        The file.
    members
        What is in it, by its list; no more than is listed is ever unpacked.

    Raises
    ------
    StellarError
        If the list comes to more than a hundred times the file, or to more than the memory that is free.
    """
    packed, unpacked = path.stat().st_size, sum(member.file_size for member in members)
    if unpacked > max(_ALWAYS_BYTES, _LARGEST_RATIO * packed) or unpacked > free_bytes():
        raise StellarError(
            f"{path.name} has {packed / 1e6:.3g} MB and would unfold to {unpacked / 1e6:,.0f} MB; nothing of it was unpacked"
        )


def gunzip(content: bytes) -> bytes:
    """Return what a gzip file holds.

    Raises
    ------
    OSError, EOFError
        If it is damaged.
    StellarError
        If it unfolds to more than a hundred times its size.
    """
    most = max(_ALWAYS_BYTES, _LARGEST_RATIO * len(content))
    with gzip.open(io.BytesIO(content)) as stream:
        found = stream.read(most + 1)
    if len(found) > most:
        raise StellarError(
            f"a gzip file of {len(content) / 1e6:.3g} MB unfolds to more than {most / 1e6:,.0f} MB; it is not read"
        )
    return found


def read_short_text(path: Path) -> str:
    """Return the text of a file that is read whole.

    Raises
    ------
    OSError, UnicodeDecodeError
        If it cannot be read.
    StellarError
        If it is longer than any such file.
    """
    size = path.stat().st_size
    if size > _LONGEST_TEXT_BYTES:
        raise StellarError(
            f"{path} has {size / 1e6:,.0f} MB, and no such file has more than {_LONGEST_TEXT_BYTES >> 20} MB"
        )
    return path.read_text(encoding="utf-8")
