"""The simulated sky as an archive: no network, the same stars for the same seed."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from stellarfm.archives.source import Query
from stellarfm.landing.expected import BYTES_PER_ROW, SIMULATED_STARS_PER_S, Expected
from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection
from stellarfm.processes import end_with_parent
from stellarfm.progress import ProgressCallback, no_progress
from stellarfm.sky import simulate as sky

PART_STARS = 20_000
"""Stars of one part."""

_FEW_PARTS = 8
"""With fewer parts to make, starting processes takes longer than it saves."""


class SimulatedSky:
    """The simulated sky as a source.

    Parameters
    ----------
    num_stars, seed
        Which sky.
    processes
        How many make parts side by side.
    """

    unit = "stars"
    selection = Selection()

    def __init__(self, num_stars: int, seed: int, processes: int) -> None:
        self.folder = f"simulated-v{sky.VERSION}-{num_stars}-seed{seed}"
        self._num_stars, self._seed, self._processes = num_stars, seed, processes

    def plan(self) -> list[Query]:
        """Return the parts that would be made."""
        return [
            Query(table, _part(first), _query(self._seed, first, self._num_stars, table))
            for first in range(0, self._num_stars, PART_STARS)
            for table in sky.TABLES
        ]

    def expect(self, landing: Landing) -> Expected:
        """Return the stars of the sky; how many of them each survey sees, only the sky itself can tell."""
        parts = range(0, self._num_stars, PART_STARS)
        todo = [first for first in parts if not _has(landing, first)]
        cores = self._processes if len(todo) >= _FEW_PARTS else 1
        seconds = sum(_size(first, self._num_stars) for first in todo) / SIMULATED_STARS_PER_S / cores
        later = dict.fromkeys(
            ("xp_spectra", "twomass_sources", "apogee_stars", "labelled_stars"), "known when it is made"
        )
        notes = later | {
            "gaia_sources": "the stars of the simulated sky; Gaia sees nearly all",
            "requests": "no network",
        }
        size = sum(BYTES_PER_ROW.values()) * self._num_stars
        return Expected(self._num_stars, requests=0, size_bytes=size, time_s=round(seconds, 1), notes=notes)

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Make the parts that are not there yet."""
        fetch(landing, self._num_stars, self._seed, progress, processes=self._processes)


def fetch(
    landing: Landing,
    num_stars: int,
    seed: int,
    progress: ProgressCallback = no_progress,
    *,
    processes: int = 1,
) -> None:
    """Write the parts that a landing does not have yet, `PART_STARS` stars each but for the last.

    Parameters
    ----------
    landing
        Where the parts go.
    num_stars, seed
        Which sky.
    progress
        Called with stars done and stars in all after each part.
    processes
        How many make parts side by side, where there are many to make; it changes nothing in the parts. A script that
        asks for more than one needs the usual ``if __name__ == "__main__":``.

    Raises
    ------
    ValueError
        If a number is out of its limits or not an integer.
    """
    sky.check_size(num_stars, seed)
    parts = range(0, num_stars, PART_STARS)
    todo = [first for first in parts if not _has(landing, first)]
    done = num_stars - sum(_size(first, num_stars) for first in todo)
    for first in _make(landing, num_stars, seed, todo, processes):
        done += _size(first, num_stars)
        progress(done, num_stars, "")
    if not todo:
        progress(num_stars, num_stars, "")


def _make(landing: Landing, num_stars: int, seed: int, todo: list[int], processes: int) -> Iterator[int]:
    """Make parts and give each one's first star as it is done, in this process or in several."""
    if processes == 1 or len(todo) < _FEW_PARTS:
        for first in todo:
            yield _write_part(landing, num_stars, seed, first)
        return
    # a fresh process each: this one may have threads (DuckDB, torch) that a fork would not survive
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(todo)), context, initializer=end_with_parent) as pool:
        futures = [pool.submit(_write_part, landing, num_stars, seed, first) for first in todo]
        for future in as_completed(futures):
            yield future.result()


def _write_part(landing: Landing, num_stars: int, seed: int, first: int) -> int:
    """Simulate one part and write its tables; whatever it has already is left as it is."""
    size = _size(first, num_stars)
    # a part depends on seed and first star alone, so that order and number of processes change nothing
    tables = sky.simulate_range(seed, first, size)
    for name in sky.TABLES:
        query = _query(seed, first, num_stars, name)
        landing.write(name, _part(first), tables[name], query, f"simulated sky {sky.VERSION}")
    return first


def _query(seed: int, first: int, num_stars: int, table: str) -> str:
    size = _size(first, num_stars)
    return f"stellarfm.sky.simulate_range(seed={seed}, first={first}, num_stars={size}) {table}"


def _has(landing: Landing, first: int) -> bool:
    return all(landing.has(table, _part(first)) for table in sky.TABLES)


def _part(first: int) -> str:
    return f"part-{first // PART_STARS:05d}"


def _size(first: int, num_stars: int) -> int:
    return min(PART_STARS, num_stars - first)
