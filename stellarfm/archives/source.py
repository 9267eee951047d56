"""What every archive can do: say what it would ask for, and fill a landing."""

from dataclasses import dataclass
from typing import Protocol

from stellarfm.landing.parts import Landing
from stellarfm.progress import ProgressCallback


@dataclass(frozen=True)
class Query:
    """One part that would be fetched.

    Attributes
    ----------
    table, part
        Where it goes in the landing.
    text
        What is asked of the archive.
    rows
        How many rows are expected; None where only the archive can tell.
    """

    table: str
    part: str
    text: str
    rows: int | None = None


class Source(Protocol):
    """A selection of stars from one archive.

    Attributes
    ----------
    folder
        Name of its landing; equal selections have equal names.
    unit
        What its progress counts.
    """

    folder: str
    unit: str

    def plan(self) -> list[Query]:
        """Return what would be fetched, without fetching it."""

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Write the parts that the landing does not have yet.

        Raises
        ------
        StellarError
            If the archive refuses or gives less than it has; the parts that are complete stay.
        """
