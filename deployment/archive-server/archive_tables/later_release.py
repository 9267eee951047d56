"""A later release of Gaia from the same sky, in the shape of its draft: what is renamed, moved, rebuilt and gone.

What the draft leaves open (the names of the table of mean spectra and of the flag that says a star has one) is chosen here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy import units as u
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from archive_tables.neighbours import positions_at
from archive_tables.tables import ServedTable

SCHEMA = "gaiadr4"
EPOCH_YEAR = 2017.5
SPECTRA = "xp_mean_spectrum"
FLAG = "has_mean_spectrum_xp"
NUM_BP = 51
SEED = 20261202

_RENAMED = {"astrometric_params_solved": "astrometric_params", "has_xp_continuous": FLAG}
_REMOVED = ["phot_bp_rp_excess_factor"]
_NUM_KEPT_IDS = 12
"""Sources that were published before the release, and keep their identifiers."""

_SHARES = {"nowhere": 0.005, "split": 0.02, "merged": 0.01}
"""Planted: sources of the earlier release that no source is, that two are, and sources near a second one of then."""

_LOW_BITS = 35
_OBLIQUITY = np.radians(23.4392911)
_LARGEST_ANGLE = 0.25


@dataclass(frozen=True)
class _Sky:
    """Rows of the later release by their rows in the earlier one; companions come last."""

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    num_companions: int


def later_tables(gaia: pa.Table, spectra: pa.Table, extinction: pa.Table | None) -> list[ServedTable]:
    """Return the tables of the later release: sources, spectra, and the crosswalk from the earlier one."""
    rng = np.random.default_rng(SEED)
    sky = _rebuilt(gaia, rng)
    earlier = gaia["source_id"].to_numpy()
    spectra_later = _spectra(spectra, dict(zip(earlier.tolist(), sky.ids.tolist(), strict=False)))
    return [
        ServedTable(SCHEMA, "gaia_source", "Sources of the later release", _sources(gaia, sky, extinction, rng), "source_id",
                    ("random_index",)),
        ServedTable(SCHEMA, SPECTRA, "Mean BP and RP spectra as coefficients of rotated bases", spectra_later, "source_id"),
        ServedTable(SCHEMA, "dr3_neighbourhood", "Sources of DR3 near each source", _crosswalk(earlier, sky, rng), None,
                    ("source_id", "dr3_source_id"), {"angular_distance": "mas", "magnitude_difference": "mag"}),
    ]  # fmt: skip


def _rebuilt(gaia: pa.Table, rng: np.random.Generator) -> _Sky:
    """Return new identifiers in the same pixels, and companions of stars that were one source."""
    earlier = gaia["source_id"].to_numpy()
    split = rng.choice(len(earlier), int(_SHARES["split"] * len(earlier)), replace=False)
    rows = np.concatenate([np.arange(len(earlier)), np.sort(split)])
    numbers = rng.permutation(1 << 24)[: len(rows)].astype(np.int64) << 4
    ids = (earlier[rows] >> _LOW_BITS << _LOW_BITS) | numbers
    ids[:_NUM_KEPT_IDS] = earlier[:_NUM_KEPT_IDS]
    return _Sky(rows, ids, len(split))


def _sources(gaia: pa.Table, sky: _Sky, extinction: pa.Table | None, rng: np.random.Generator) -> pa.Table:
    at = positions_at(gaia, np.full(gaia.num_rows, EPOCH_YEAR))[sky.rows]
    is_companion = np.arange(len(sky.rows)) >= len(sky.rows) - sky.num_companions
    at = at.directional_offset_by(0 * u.deg, np.where(is_companion, 0.4, 0) * u.arcsec)
    table = gaia.take(pa.array(sky.rows)).drop_columns(_REMOVED)
    table = table.rename_columns([_RENAMED.get(name, name) for name in table.column_names])
    fainter = np.where(is_companion, 1.5, 0.0)
    changed: dict[str, Any] = {
        "source_id": sky.ids, "ra": at.ra.deg, "dec": at.dec.deg, "l": at.galactic.l.deg, "b": at.galactic.b.deg,
        "ecl_lat": _ecliptic_latitude_deg(at), "ref_epoch": np.full(len(sky.ids), EPOCH_YEAR),
        FLAG: np.asarray(table[FLAG].to_pylist()) & ~is_companion,
        **{f"phot_{band}_mean_mag": table[f"phot_{band}_mean_mag"].to_numpy() + fainter for band in ("g", "bp", "rp")},
    }  # fmt: skip
    for name, values in changed.items():
        place = table.schema.get_field_index(name)
        kind = table.schema.field(name).type
        table = table.set_column(place, name, pa.array(values, kind, from_pandas=True))
    more = {
        "tentative_parallax_bias": pa.array(_bias_mas(gaia)[sky.rows], pa.float32(), from_pandas=True),
        "ag": _extinction(table["source_id"], gaia["source_id"].take(pa.array(sky.rows)), extinction),
        "extinction_origin": pa.array(["gspphot"] * len(sky.ids)),
        "has_epoch_astrometry": pa.array([True] * len(sky.ids)),
        "random_index": pa.array(rng.permutation(len(sky.ids)), pa.int64()),
    }
    for name, column in more.items():
        table = table.append_column(name, column)
    return table


def _bias_mas(gaia: pa.Table) -> NDArray[np.float64]:
    """Return the bias of each parallax in mas by the SQL of the earlier release, whose sky this is; NaN where it gives none."""
    from pathlib import Path

    import duckdb

    text = (Path(__file__).resolve().parents[3] / "sql" / "marts" / "parallax_zero_point.sql").read_text(
        encoding="utf-8"
    )
    with duckdb.connect() as con:
        con.register("given", gaia.append_column("place", pa.array(np.arange(gaia.num_rows))))
        con.execute("create schema staging; create view staging.gaia_source as from given")
        joined = f"select place, zero_point_mas from given left join ({text}) using (source_id)"  # noqa: S608 - our own file
        found = con.execute(joined).fetchnumpy()
    values = np.full(gaia.num_rows, np.nan)
    values[np.asarray(found["place"])] = np.ma.filled(np.ma.asarray(found["zero_point_mas"], float), np.nan)
    return values


def _extinction(later: pa.ChunkedArray, earlier: pa.ChunkedArray, extinction: pa.Table | None) -> pa.Array:
    if extinction is None:
        return pa.nulls(len(later), pa.float32())
    ebv = dict(zip(extinction["source_id"].to_pylist(), extinction["logebv"].to_pylist(), strict=True))
    # A_G is about 2.7 E(B-V) (Riello et al. 2021); the product does not use it
    values = [2.7 * float(np.exp(ebv[i])) if ebv.get(i) is not None else None for i in earlier.to_pylist()]
    return pa.array(values, pa.float32())


def _ecliptic_latitude_deg(at: SkyCoord) -> NDArray[np.float64]:
    ra, dec = at.ra.rad, at.dec.rad
    sine = np.sin(dec) * np.cos(_OBLIQUITY) - np.cos(dec) * np.sin(_OBLIQUITY) * np.sin(ra)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1, 1))))


def _crosswalk(earlier: NDArray[np.int64], sky: _Sky, rng: np.random.Generator) -> pa.Table:
    """Return pairs of sources: most one to one, some of nobody, some of several on either side."""
    number = len(earlier)
    later_of = sky.ids[:number]
    nowhere = rng.choice(np.arange(_NUM_KEPT_IDS, number), int(_SHARES["nowhere"] * number), replace=False)
    there = np.setdiff1d(np.arange(number), nowhere)
    merged = rng.choice(there[1:], int(_SHARES["merged"] * number), replace=False)
    before = np.array([there[np.searchsorted(there, row) - 1] for row in merged], dtype=np.int64)
    companions = sky.rows[number:]
    pairs = [
        # the star itself, a companion of it, and a source of then that is another star
        (later_of[there], earlier[there], rng.gamma(2, 0.5, len(there)), rng.normal(0, 0.01, len(there)), True),
        (sky.ids[number:], earlier[companions], np.full(len(companions), 400.0), np.full(len(companions), 1.5), False),
        (later_of[merged], earlier[before], np.full(len(merged), 900.0), rng.normal(0, 2, len(merged)), False),
    ]
    columns = {
        "source_id": pa.array(np.concatenate([p[0] for p in pairs])),
        "dr3_source_id": pa.array(np.concatenate([p[1] for p in pairs])),
        "angular_distance": pa.array(np.concatenate([p[2] for p in pairs]), pa.float32()),
        "magnitude_difference": pa.array(np.concatenate([p[3] for p in pairs]), pa.float32()),
        "probable_match": pa.array(np.concatenate([np.full(len(p[0]), p[4]) for p in pairs])),
    }
    return pa.table(columns)


def _spectra(spectra: pa.Table, later_of: dict[int, int]) -> pa.Table:
    """Return spectra on rotated bases: neighbouring orders are mixed, and the last of BP are gone."""
    columns: dict[str, Any] = {
        "source_id": pa.array([later_of[i] for i in spectra["source_id"].to_pylist()], pa.int64())
    }
    for name in spectra.column_names[1:]:
        columns[name] = spectra[name]
    for band, kept in (("bp", NUM_BP), ("rp", None)):
        values = _matrix(spectra[f"{band}_coefficients"])
        rotation = _rotation(values.shape[1], band)[:kept]
        errors = _matrix(spectra[f"{band}_coefficient_errors"])
        known = spectra[f"{band}_coefficients"].is_valid().to_numpy()
        columns[f"{band}_coefficients"] = _lists(values @ rotation.T, known)
        columns[f"{band}_coefficient_errors"] = _lists(np.sqrt(errors**2 @ rotation.T**2), known)
        bases = pc.min_element_wise(spectra[f"{band}_n_relevant_bases"], kept or values.shape[1], skip_nulls=False)
        columns[f"{band}_n_relevant_bases"] = bases.cast(pa.int16())
    return pa.table(columns)


def _rotation(order: int, band: str) -> NDArray[np.float64]:
    """Return a rotation that mixes neighbouring orders alone, as scales of far ones differ by a factor of thousands."""
    rng = np.random.default_rng([SEED, *band.encode()])
    rotation = np.eye(order)
    for first, angle in enumerate(rng.uniform(-_LARGEST_ANGLE, _LARGEST_ANGLE, order - 1)):
        pair = [first, first + 1]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rotation[pair] = turn @ rotation[pair]
    return rotation


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float64]:
    lists = column.to_pylist()
    order = next(len(values) for values in lists if values is not None)
    return np.array([values if values is not None else [np.nan] * order for values in lists], dtype=np.float64)


def _lists(values: NDArray[np.float64], known: NDArray[np.bool_]) -> pa.Array:
    rows = [row if is_known else None for row, is_known in zip(values.astype(np.float32), known, strict=True)]
    return pa.array(rows, pa.list_(pa.float32()))
