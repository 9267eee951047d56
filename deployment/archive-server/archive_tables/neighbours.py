"""The crossmatch of Gaia with 2MASS as the Gaia archive publishes it, in three tables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import SkyCoord

RADIUS_ARCSEC = 2.0
"""Largest separation of a positional match, where nothing better is known."""

CATALOGUE_EPOCH_YEAR = 2000.0
OID_STEP = 7
"""Identifiers of the crossmatch are not row numbers in the archive either."""

XM_FLAG = 8
_JD_2000 = 2451545.0
_DAYS_OF_YEAR = 365.25


@dataclass(frozen=True)
class Pairs:
    """Row numbers that belong together; each Gaia row at most once.

    Attributes
    ----------
    gaia, twomass
        Row numbers, both of shape ``(num_pairs,)``.
    """

    gaia: np.ndarray[Any, np.dtype[np.int64]]
    twomass: np.ndarray[Any, np.dtype[np.int64]]


def pairs(gaia: pa.Table, twomass: pa.Table, truth: pa.Table | None) -> Pairs:
    """Return which 2MASS row belongs to which Gaia row: from the truth where it is known, else by position."""
    return _from_position(gaia, twomass) if truth is None else _from_truth(gaia, twomass, truth)


def _from_truth(gaia: pa.Table, twomass: pa.Table, truth: pa.Table) -> Pairs:
    gaia_rows = {source_id: row for row, source_id in enumerate(gaia["source_id"].to_pylist())}
    twomass_rows = {designation: row for row, designation in enumerate(twomass["designation"].to_pylist())}
    found: dict[int, int] = {}  # a blend is one Gaia source of two stars: the first one stands
    for source_id, designation in zip(truth["source_id"].to_pylist(), truth["designation"].to_pylist(), strict=True):
        if source_id in gaia_rows and designation in twomass_rows:
            found.setdefault(gaia_rows[source_id], twomass_rows[designation])
    rows = np.array(sorted(found.items()), dtype=np.int64).reshape(-1, 2)
    return Pairs(rows[:, 0], rows[:, 1])


def _from_position(gaia: pa.Table, twomass: pa.Table) -> Pairs:
    """Match at the epoch of 2MASS: stars move by several arcsec until 2016."""
    moved = positions_at(gaia, np.full(gaia.num_rows, CATALOGUE_EPOCH_YEAR))
    nearest, separation, _ = moved.match_to_catalog_sky(_sky(twomass["ra"], twomass["dec"]))
    close = np.flatnonzero(separation < RADIUS_ARCSEC * u.arcsec)
    return Pairs(close, np.asarray(nearest)[close])


def best_neighbour(gaia: pa.Table, twomass: pa.Table, matched: Pairs) -> pa.Table:
    """Return ``tmass_psc_xsc_best_neighbour``; the distance is at the epoch of the 2MASS observation."""
    left, right = gaia.take(matched.gaia), twomass.take(matched.twomass)
    epoch_year = CATALOGUE_EPOCH_YEAR + (_floats(right["jdate"]) - _JD_2000) / _DAYS_OF_YEAR
    distance = positions_at(left, epoch_year).separation(_sky(right["ra"], right["dec"])).arcsec
    shared = np.bincount(matched.twomass, minlength=twomass.num_rows)[matched.twomass]
    return pa.table(
        {
            "source_id": left["source_id"],
            "clean_tmass_psc_xsc_oid": _oid(matched.twomass),
            "original_ext_source_id": right["designation"],
            "angular_distance": pa.array(distance, pa.float32()),
            "xm_flag": pa.array(np.full(left.num_rows, XM_FLAG), pa.int16()),
            "number_of_neighbours": pa.array(np.ones(left.num_rows), pa.int16()),
            "number_of_mates": pa.array(shared - 1, pa.int16()),
        }
    )


def join(twomass: pa.Table, matched: Pairs) -> pa.Table:
    """Return ``tmass_psc_xsc_join``: the designation of every identifier of the crossmatch."""
    rows = np.unique(matched.twomass)
    return pa.table(
        {"clean_tmass_psc_xsc_oid": _oid(rows), "original_psc_source_id": twomass["designation"].take(pa.array(rows))}
    )


def tmass_original_valid(twomass: pa.Table) -> pa.Table:
    """Return ``gaiadr1.tmass_original_valid``, whose names differ a little from IRSA's."""
    same = ["ra", "dec", "err_maj", "err_min", "err_ang", "j_m", "j_msigcom", "h_m", "h_msigcom"]
    columns = {"tmass_oid": pa.array(np.arange(twomass.num_rows), pa.int32()), "designation": twomass["designation"]}
    columns |= {name: twomass[name] for name in same}
    columns |= {"ks_m": twomass["k_m"], "ks_msigcom": twomass["k_msigcom"], "ph_qual": twomass["ph_qual"]}
    columns |= {"ext_key": pa.nulls(twomass.num_rows, pa.int32()), "j_date": twomass["jdate"]}
    return pa.table(columns)


def _oid(rows: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    return pa.array((rows + 1) * OID_STEP, pa.int32())


def _floats(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _sky(ra_deg: Any, dec_deg: Any) -> SkyCoord:
    return SkyCoord(np.asarray(ra_deg) * u.deg, np.asarray(dec_deg) * u.deg)


def positions_at(gaia: pa.Table, epoch_year: np.ndarray[Any, np.dtype[np.float64]]) -> SkyCoord:
    """Return positions moved along the tangent by the proper motions, which are zero where there are none."""
    years = epoch_year - _floats(gaia["ref_epoch"])
    start = _sky(gaia["ra"], gaia["dec"])
    east_mas, north_mas = (np.nan_to_num(_floats(gaia[name])) * years for name in ("pmra", "pmdec"))
    return start.spherical_offsets_by(east_mas * u.mas, north_mas * u.mas)
