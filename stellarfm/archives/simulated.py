"""The simulated sky as an archive: no network, the same stars for the same seed."""

from collections.abc import Callable

from stellarfm import sky
from stellarfm.archives.landing import Landing

PART_STARS = 20_000
"""Stars of one part."""


def fetch(landing: Landing, num_stars: int, seed: int, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the parts that a landing does not have yet.

    Parameters
    ----------
    landing
        Where the parts go.
    num_stars, seed
        Which sky.
    progress
        Called with stars done and stars in all after each part.
    """
    for number, first in enumerate(range(0, num_stars, PART_STARS)):
        part, size = f"part-{number:05d}", min(PART_STARS, num_stars - first)
        if not all(landing.has(table, part) for table in sky.TABLES):
            tables = sky.simulate_range(seed, first, size)
            for name in sky.TABLES:
                query = f"stellarfm.sky.simulate_range(seed={seed}, first={first}, num_stars={size}) {name}"
                landing.write(name, part, tables[name], query, f"simulated sky {sky.VERSION}")
        if progress is not None:
            progress(first + size, num_stars)
