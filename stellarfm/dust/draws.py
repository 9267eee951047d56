"""E(B-V) of each source from a map of the dust: draws over the parallax error become ln E(B-V) with its error.

The rules are those of Leung & Bovy (2024) and their published code; their numbers stand in ``sql/macros.sql``.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from stellarfm.errors import StellarError
from stellarfm.rules import rule_value
from stellarfm.statistics import MAD_TO_SIGMA

Floats = NDArray[np.float64]

Reddening = Callable[[Floats, Floats, Floats], Floats]
"""E(B-V) in mag on the scale of SFD: of Galactic l and b in degrees, each of shape (N, 1), and distances in kpc, of shape
(N, D). The result has the shape of the distances; NaN stands for outside of the map."""

SCHEMA = pa.schema(
    [("source_id", pa.int64()), ("logebv", pa.float32()), ("logebv_error", pa.float32()), ("map", pa.string())]
)
"""Columns of ``extinction`` in the landing."""

STAR_COLUMNS = ("source_id", "l", "b", "parallax", "zero_point_mas", "parallax_error", "ruwe")
"""What `reddening_tokens` needs of a star."""

_FAR_KPC = 99.0
"""Distance of a well-measured star whose parallax is not positive."""
_DRAWS_AT_ONCE = 2_000_000
"""Draws held in memory, some 100 MB with all that is made of them."""


def reddening_tokens(
    stars: pa.Table, reddening: Reddening, *, seed: int, num_draws: int = 1000, map_name: str = ""
) -> pa.Table:
    """Return ln E(B-V) and its error for each star.

    For each draw of the corrected parallax the distance is its inverse and the map says E(B-V): above ``max_ebv_mag`` it is
    unknown, at or below 0 its logarithm is ``no_dust_logebv``. The token is the median of ln E over the draws, the error the
    scatter of the draws by their median absolute deviation. A star whose parallax is not good (``is_good_parallax``) has no
    distance, thus no token; a good one whose parallax is not positive lies at 99 kpc; other negative draws have no distance. A
    token below ``no_dust_logebv``, from draws of next to no dust, is that as well: less than none is none.

    Parameters
    ----------
    stars
        Columns `STAR_COLUMNS`: Galactic coordinates in degrees, parallax as the archive has it, zero point to subtract
        and error in mas.
    reddening
        The map.
    seed
        Which draws; those of a star depend on it and on its ``source_id`` alone, not on the other stars.
    num_draws
        Draws of each star.
    map_name
        What the column ``map`` says.

    Returns
    -------
    pyarrow.Table
        One row a star, in the order of `stars`; columns as in `SCHEMA`. NULL where no draw has a reddening.

    Raises
    ------
    StellarError
        If a column is missing.
    """
    missing = [name for name in STAR_COLUMNS if name not in stars.column_names]
    if missing:
        raise StellarError(f"the stars lack the column {missing[0]}; reddenings need {', '.join(STAR_COLUMNS)}")
    ids = stars["source_id"].to_numpy().astype(np.int64)
    columns = {name: stars[name].to_numpy().astype(np.float64) for name in STAR_COLUMNS[1:]}
    tokens = np.full((2, len(ids)), np.nan)
    # in chunks: draws of all stars at once would take gigabytes
    size = max(1, _DRAWS_AT_ONCE // num_draws)
    for first in range(0, len(ids), size):
        rows = slice(first, first + size)
        chunk = {name: values[rows] for name, values in columns.items()}
        tokens[:, rows] = _tokens(ids[rows], chunk, reddening, seed, num_draws)
    return _table(ids, tokens[0], tokens[1], map_name)


def tokens_of_ebv(source_id: NDArray[np.int64], ebv: Floats, ebv_error: Floats | None, map_name: str) -> pa.Table:
    """Return the tokens of stars whose E(B-V) is known, by the same rules.

    Parameters
    ----------
    source_id, ebv
        Shape (N,); E(B-V) in mag on the scale of SFD, NaN where unknown.
    ebv_error
        Its error in mag; the error of the logarithm is ``ebv_error / ebv``, and 0 where there is no dust. None: unknown.
    map_name
        What the column ``map`` says.

    Returns
    -------
    pyarrow.Table
        N rows in the order given; columns as in `SCHEMA`, NULL where E(B-V) is unknown or above ``max_ebv_mag``.
    """
    logebv = np.maximum(_log(ebv), rule_value("no_dust_logebv"))
    if ebv_error is None:
        return _table(source_id, logebv, np.full(len(logebv), np.nan), map_name)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(ebv > 0, ebv_error / ebv, 0.0)
    return _table(source_id, logebv, np.where(np.isnan(logebv), np.nan, error), map_name)


def _tokens(
    ids: NDArray[np.int64], star: dict[str, Floats], reddening: Reddening, seed: int, num_draws: int
) -> tuple[Floats, Floats]:
    """Return tokens and errors of one chunk of stars; only stars that have a distance are put to the map."""
    max_error, max_ruwe = rule_value("max_parallax_error_mas"), rule_value("max_ruwe")
    good = (star["parallax_error"] <= max_error) & (star["ruwe"] <= max_ruwe)
    # zero points are subtracted (Lindegren et al. 2021, A&A 649, A4)
    corrected = star["parallax"] - star["zero_point_mas"]
    known = np.flatnonzero(good & np.isfinite(corrected) & np.isfinite(star["l"] + star["b"]))
    logebv, error = np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    if len(known) == 0:
        return logebv, error
    draws = _normal_draws(ids[known], seed, num_draws)
    parallax = corrected[known, None] + star["parallax_error"][known, None] * draws
    with np.errstate(divide="ignore"):
        # 1 / mas is kpc; a negative draw has no distance and drops out of the median
        distance_kpc = np.where(parallax > 0, 1 / parallax, np.nan)
    # the raw parallax and strict limits, as the published code of Leung & Bovy (2024) has them
    far = (star["parallax"] <= 0) & (star["parallax_error"] < max_error) & (star["ruwe"] < max_ruwe)
    distance_kpc[far[known]] = _FAR_KPC
    ebv = np.asarray(reddening(star["l"][known, None], star["b"][known, None], distance_kpc), dtype=np.float64)
    # a map may answer a NaN distance with a number
    log = _log(np.where(np.isnan(distance_kpc), np.nan, ebv))
    median = _nan_median(log)
    logebv[known] = np.maximum(median, rule_value("no_dust_logebv"))
    error[known] = MAD_TO_SIGMA * _nan_median(np.abs(log - median[:, None]))
    return logebv, error


def _log(ebv: Floats) -> Floats:
    """Return ln E(B-V): unknown above ``max_ebv_mag``, ``no_dust_logebv`` at or below 0."""
    dusty = ebv > 0
    log = np.log(np.where(dusty, ebv, 1.0))
    log = np.where(dusty, log, np.where(np.isnan(ebv), np.nan, rule_value("no_dust_logebv")))
    return np.where(ebv > rule_value("max_ebv_mag"), np.nan, log)


def _nan_median(values: Floats) -> Floats:
    """Return the median of each row of (N, D) over what is known; sorting puts NaN last, and is faster than numpy's."""
    ordered = np.sort(values, axis=1)
    count = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    return np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)


def _normal_draws(ids: NDArray[np.int64], seed: int, num_draws: int) -> Floats:
    """Return standard normal draws, shape (N, D): for each star the SplitMix64 stream of seed and identifier.

    Steele, Lea & Flood (2014); a stream that can be started anywhere needs no generator object a star.
    """
    # 2^64 over the golden ratio, odd: the stream is mix(start + k golden), so that draw k needs no draw before it
    golden = 0x9E3779B97F4A7C15
    start = _mix(ids.astype(np.uint64) ^ _mix(np.array([seed], dtype=np.uint64) + np.uint64(golden)))
    steps = np.arange(1, num_draws + 1, dtype=np.uint64) * np.uint64(golden)
    bits = _mix(start[:, None] + steps[None, :]) >> np.uint64(11)
    # 53 bits, moved by a half so that neither 0 nor 1 occurs, whose quantiles are infinite
    return np.asarray(ndtri((bits.astype(np.float64) + 0.5) * 2.0**-53))


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _table(ids: NDArray[np.int64], logebv: Floats, error: Floats, map_name: str) -> pa.Table:
    return pa.table(
        {
            "source_id": pa.array(ids),
            "logebv": pa.array(logebv, mask=np.isnan(logebv)).cast(pa.float32()),
            "logebv_error": pa.array(error, mask=np.isnan(error)).cast(pa.float32()),
            "map": pa.array([map_name] * len(ids), pa.string()),
        },
        schema=SCHEMA,
    )
