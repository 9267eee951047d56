"""The simulated sky: five archive-shaped tables and the truth, deterministic by seed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stellarfm.sky import apogee, gaia, twomass
from stellarfm.sky.astrometry import shift
from stellarfm.sky.footprint import draw_directions
from stellarfm.sky.observed import Observed, observe
from stellarfm.sky.population import POPULATIONS, Stars, draw_stars
from stellarfm.sky.reddening_map import extinction_table
from stellarfm.sky.xp_table import xp_spectra

VERSION = "3"
"""Raised whenever the same seed gives other stars."""

BLOCK = 1000
"""Stars that are drawn from one random stream; chunks are made of whole blocks, so their size changes nothing."""

MAX_STARS = 1 << 28
"""Running numbers must fit into a source identifier."""

# in the order of every chunk; all but the truth have the shape that an archive gives them
TABLES = ("gaia_source", "xp_continuous_mean_spectrum", "twomass_psc", "apogee_allstar", "extinction", "truth")

MAX_SEED = (1 << 63) - 1

_FRACTION_PAIRS = 0.03  # moved next to another star, so that blends and wrong matches occur
_FRACTION_NOT_IN_GAIA = 0.01


def simulate(num_stars: int, seed: int, *, chunk_size: int = 20_000) -> Iterator[dict[str, pa.Table]]:
    """Simulate a sky.

    Parameters
    ----------
    num_stars
        Distinct stars, 1 to 2^28.
    seed
        Integer from 0 to `MAX_SEED`; the same seed gives the same sky.
    chunk_size
        Stars of a chunk, rounded to whole blocks; it changes nothing but memory.

    Yields
    ------
    dict
        The six tables of a chunk of stars, by name.

    Raises
    ------
    ValueError
        If a number is out of its limits or not an integer.
    """
    check_size(num_stars, seed, chunk_size)
    stars_per_chunk = max(1, chunk_size // BLOCK) * BLOCK
    for first in range(0, num_stars, stars_per_chunk):
        yield simulate_range(seed, first, min(stars_per_chunk, num_stars - first))


def simulate_range(seed: int, first: int, num_stars: int) -> dict[str, pa.Table]:
    """Simulate consecutive stars of a sky.

    Parameters
    ----------
    seed
        Seed of the sky.
    first
        Running number of the first star, a multiple of `BLOCK`.
    num_stars
        How many.

    Returns
    -------
    dict
        The six `TABLES` of these stars, by name.

    Raises
    ------
    ValueError
        If a number is out of its limits or not an integer.
    """
    check_size(num_stars, seed)
    if first < 0 or first % BLOCK or first + num_stars > MAX_STARS:
        raise ValueError(f"first must be a multiple of {BLOCK} from 0 to {MAX_STARS - num_stars:,}, not {first!r}")
    starts = range(first, first + num_stars, BLOCK)
    with threadpool_limits(1, user_api="blas"):  # the last digits of a product depend on how many threads share it
        made = [simulate_block(seed, start // BLOCK, min(BLOCK, first + num_stars - start)) for start in starts]
    return {name: pa.concat_tables([tables[name] for tables in made]) for name in TABLES}


def simulate_block(seed: int, block: int, num_stars: int) -> dict[str, pa.Table]:
    """Simulate one block of at most `BLOCK` stars.

    Parameters
    ----------
    seed, block
        Seed of the sky, and running number of the block.
    num_stars
        How many of the block are kept.

    Returns
    -------
    dict
        The six `TABLES` of these stars, by name.
    """
    # a stream of its own for each block, so that blocks can be made in any order and on any machine. A block is always drawn
    # whole and cut at the end: the stars of a sky do not depend on how many are asked for
    rng = np.random.default_rng([seed, block])
    index = block * BLOCK + np.arange(BLOCK, dtype=np.int64)
    directions = draw_directions(rng, BLOCK)
    stars = draw_stars(rng, directions)
    seen, partner = _pair_up(rng, observe(rng, stars, directions))
    ids = gaia.source_ids(seen.ra, seen.dec, index)
    # the order of these calls is part of the sky: all of them draw from one stream
    source = gaia.gaia_source(rng, ids, seen)
    found = twomass.detect(rng, seen, partner)
    labels, apogee_id = apogee.all_star(rng, stars, seen, directions, found, source, index)
    spectra = xp_spectra(rng, source, seen)
    in_gaia = (rng.random(BLOCK) >= _FRACTION_NOT_IN_GAIA) & (index < block * BLOCK + num_stars)
    kept = ids[in_gaia]
    tables = {
        "gaia_source": source.filter(pa.array(in_gaia)),
        "xp_continuous_mean_spectrum": spectra.filter(pa.array(np.isin(spectra["source_id"].to_numpy(), kept))),
        "twomass_psc": found.table,
        "apogee_allstar": _without_gaia(labels, kept),
        "extinction": extinction_table(rng, ids, seen).filter(pa.array(in_gaia)),
        "truth": _truth(stars, seen, ids, in_gaia, found, apogee_id),
    }
    return tables if num_stars == BLOCK else _cut(tables, index < block * BLOCK + num_stars, found.designation)


def _pair_up(rng: np.random.Generator, seen: Observed) -> tuple[Observed, NDArray[np.intp]]:
    """Move some stars next to others of the block, 0.4 to 4 arcsec away.

    Return the stars and the index of each one's partner, shape (N,), -1 for those that were not moved.
    """
    n = len(seen.ra)
    partner = np.full(n, -1)
    moved = np.arange(n - round(_FRACTION_PAIRS * n), n)
    # partners are drawn without replacement from those that stay: no star has two neighbours, and none moves after its partner
    partner[moved] = rng.choice(n - len(moved), len(moved), replace=False)
    distance_mas, angle = 400 + 3600 * rng.random(n), 2 * np.pi * rng.random(n)
    east, north = (np.where(partner >= 0, distance_mas * f(angle), 0) for f in (np.sin, np.cos))
    base = np.where(partner >= 0, partner, np.arange(n))
    ra, dec = shift(seen.ra[base], seen.dec[base], east, north)
    alone = partner < 0  # these keep the digits of their positions, which a shift by 0 would round
    ra, dec = np.where(alone, seen.ra, ra), np.where(alone, seen.dec, dec)
    return replace(seen, ra=ra, dec=dec), partner


def _without_gaia(labels: pa.Table, kept: NDArray[np.int64]) -> pa.Table:
    """Take the Gaia columns from rows whose star is not in Gaia."""
    ids = labels["GAIAEDR3_SOURCE_ID"].to_numpy()
    lost = ~np.isin(ids, kept)
    for name in labels.column_names:
        if name.startswith("GAIAEDR3_"):
            values = labels[name].to_numpy(zero_copy_only=False)
            fill = 0 if name == "GAIAEDR3_SOURCE_ID" else np.nan
            column = pa.array(np.where(lost, fill, values)).cast(labels.schema.field(name).type)
            labels = labels.set_column(labels.schema.get_field_index(name), name, column)
    return labels


def _truth(
    stars: Stars,
    seen: Observed,
    ids: NDArray[np.int64],
    in_gaia: NDArray[np.bool_],
    found: twomass.Detections,
    apogee_id: NDArray[np.str_],
) -> pa.Table:
    return pa.table(
        {
            "source_id": pa.array(ids, mask=~in_gaia),
            "designation": pa.array(found.designation.tolist(), mask=found.designation == ""),
            "apogee_id": pa.array(apogee_id.tolist(), mask=apogee_id == ""),
            "teff": stars.teff,
            "logg": stars.logg,
            "m_h": stars.m_h,
            "ebv": seen.ebv,
            "distance_pc": seen.distance_pc,
            "absolute_g": stars.absolute_g,
            "population": [POPULATIONS[i] for i in stars.population],
            "is_blend": found.is_blend,
        }
    )


def _cut(tables: dict[str, pa.Table], wanted: NDArray[np.bool_], designation: NDArray[np.str_]) -> dict[str, pa.Table]:
    """Keep what belongs to the wanted stars of a last, shorter block."""
    seen = set(designation[wanted].tolist()) - {""}
    keep = {
        "twomass_psc": np.isin(tables["twomass_psc"]["designation"].to_pylist(), list(seen)),
        "apogee_allstar": np.isin([name[2:] for name in tables["apogee_allstar"]["APOGEE_ID"].to_pylist()], list(seen)),
        "truth": wanted,
    }
    return {name: table.filter(pa.array(keep[name])) if name in keep else table for name, table in tables.items()}


def check_size(num_stars: int, seed: int, chunk_size: int = BLOCK) -> None:
    """Refuse sizes and seeds that make no sky.

    Parameters
    ----------
    num_stars, seed, chunk_size
        As `simulate` takes them.

    Raises
    ------
    ValueError
        If a number is out of its limits or not an integer.
    """
    limits = (
        ("num_stars", num_stars, 1, MAX_STARS),
        ("seed", seed, 0, MAX_SEED),
        ("chunk_size", chunk_size, 1, MAX_STARS),
    )
    for name, value, low, high in limits:
        # True is an int in Python, and no number of stars
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{name} must be an integer from {low} to {high:,}, not {value!r}")
