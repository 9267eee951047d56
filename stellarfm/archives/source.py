"""What every archive can do: say what it would ask for and what that will bring, and fill a landing."""

from dataclasses import dataclass
from typing import Protocol

from stellarfm.landing.expected import Expected
from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection
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
    selection
        What is asked of the archives: the checks judge a sample by it.
    """

    folder: str
    unit: str
    selection: Selection

    def plan(self) -> list[Query]:
        """Return what would be fetched, without fetching it."""

    def expect(self, landing: Landing) -> Expected:
        """Return how many rows, bytes and seconds the selection will take, without fetching it.

        Parameters
        ----------
        landing
            What is here already; it is read, not changed, and need not exist.
        """

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Write the parts that the landing does not have yet.

        Raises
        ------
        StellarError
            If the archive refuses or gives less than it has; the parts that are complete stay.
        """
