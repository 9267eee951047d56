"""The sky cut into parts of few enough rows: the whole, the 12 base pixels of HEALPix, and so on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stellarfm.surveys.profile import Identifier


@dataclass(frozen=True)
class SkyPart:
    """A HEALPix pixel, nested, or the whole sky.

    Attributes
    ----------
    identifier
        How a source's identifier holds its pixel.
    level
        HEALPix level; -1 for the whole sky.
    pixel
        Its number at this level.
    """

    identifier: Identifier
    level: int = -1
    pixel: int = 0

    @property
    def name(self) -> str:
        """Name of the part in a landing."""
        return "sky" if self.level < 0 else f"healpix-{self.level:02d}-{self.pixel:09d}"

    @property
    def condition(self) -> str:
        """ADQL condition on ``source_id``; empty for the whole sky."""
        if self.level < 0:
            return ""
        # the nested pixel stands in the high bits of source_id (data model of gaia_source), so that a pixel is one range of
        # identifiers: BETWEEN on the key is an index scan, where CONTAINS on positions would read the table
        width = 1 << self.identifier.bits_below(self.level)
        return f"{self.identifier.column} BETWEEN {self.pixel * width} AND {(self.pixel + 1) * width - 1}"

    def children(self) -> list["SkyPart"]:
        """Return the parts that it is made of."""
        if self.level < 0:
            return [SkyPart(self.identifier, 0, pixel) for pixel in range(12)]
        # nested numbering: the children of pixel p are 4p to 4p + 3
        return [SkyPart(self.identifier, self.level + 1, 4 * self.pixel + place) for place in range(4)]


def divide(part: SkyPart, count: Callable[[SkyPart], int], most: int) -> Iterator[tuple[SkyPart, int]]:
    """Yield parts of at most so many rows with their numbers, in the order of ``source_id``; empty ones are left out.

    Parameters
    ----------
    part
        Where to begin.
    count
        Tells the number of rows of a part.
    most
        Largest number of rows of one part, but at the deepest level.

    Yields
    ------
    part, rows
        A pixel and its number of rows, at least 1.
    """
    rows = count(part)
    if rows == 0:
        return
    # beyond its deepest level an identifier tells no pixels apart, and such a part stays as it is
    if rows <= most or part.level == part.identifier.healpix_level:
        yield part, rows
        return
    for child in part.children():
        yield from divide(child, count, most)
