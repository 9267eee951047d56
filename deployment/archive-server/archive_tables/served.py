"""Which tables the archives serve, and how their rows come from the tables of a landing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from archive_tables import later_release, neighbours
from archive_tables.tables import ServedTable as ServedTable

RANDOM_INDEX_SEED = 2016
"""Seed of ``random_index``; the archive's own is a fixed shuffle of the rows as well."""


def read(landing: Path, table: str) -> pa.Table | None:
    """Return all rows of a table of the landing in the order of its parts, or nothing if the landing lacks it."""
    parts = sorted((landing / table).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts]) if parts else None


def read_required(landing: Path, table: str) -> pa.Table:
    """Return all rows of a table.

    Raises
    ------
    SystemExit
        If the landing lacks the table.
    """
    rows = read(landing, table)
    if rows is None:
        raise SystemExit(f"archive-server: {landing} has no {table}/*.parquet; give a landing of `stellarfm ingest`")
    return rows


def served_tables(landing: Path) -> list[ServedTable]:
    """Return every table that the archives serve from a landing.

    Raises
    ------
    SystemExit
        If the landing lacks one of the surveys.
    """
    gaia = read_required(landing, "gaia_source")
    twomass = read_required(landing, "twomass_psc")
    spectra = read_required(landing, "xp_continuous_mean_spectrum")
    return [
        _gaia_source(gaia),
        _spectra(spectra),
        *later_release.later_tables(gaia, spectra, read(landing, "extinction")),
        _allstar(read_required(landing, "apogee_allstar")),
        ServedTable("irsa", "fp_psc", "2MASS All-Sky Point Source Catalog", twomass, indexed=("designation",)),
        *_match_chain(gaia, twomass, neighbours.pairs(gaia, twomass, read(landing, "truth"))),
    ]


def _gaia_source(gaia: pa.Table) -> ServedTable:
    order = np.random.default_rng(RANDOM_INDEX_SEED).permutation(gaia.num_rows)
    rows = gaia.append_column("random_index", pa.array(order, pa.int64()))
    return ServedTable("gaiadr3", "gaia_source", "Gaia DR3 sources", rows, "source_id", ("random_index",))


def _spectra(spectra: pa.Table) -> ServedTable:
    name, description = "xp_continuous_mean_spectrum", "Mean BP and RP spectra as coefficients of basis functions"
    return ServedTable("gaiadr3", name, description, spectra, "source_id")


def _allstar(allstar: pa.Table) -> ServedTable:
    rows = allstar.rename_columns([name.lower() for name in allstar.column_names])
    indexed = ("apogee_id", "gaiaedr3_source_id")
    return ServedTable("apogeedr17", "allstar", "APOGEE DR17 allStar, synspec_rev1", rows, indexed=indexed)


def _match_chain(gaia: pa.Table, twomass: pa.Table, pairs: neighbours.Pairs) -> list[ServedTable]:
    """Return the three tables that lead from a Gaia source to its 2MASS designation."""
    best = ServedTable(
        "gaiadr3",
        "tmass_psc_xsc_best_neighbour",
        "Best neighbour of a Gaia DR3 source in 2MASS",
        neighbours.best_neighbour(gaia, twomass, pairs),
        "source_id",
        ("clean_tmass_psc_xsc_oid",),
    )
    join = ServedTable(
        "gaiadr3",
        "tmass_psc_xsc_join",
        "From the identifier of the crossmatch to the designation of 2MASS",
        neighbours.join(twomass, pairs),
        "clean_tmass_psc_xsc_oid",
        ("original_psc_source_id",),
    )
    original = ServedTable(
        "gaiadr1",
        "tmass_original_valid",
        "2MASS All-Sky Point Source Catalog as the Gaia archive keeps it",
        neighbours.tmass_original_valid(twomass),
        "tmass_oid",
        ("designation",),
    )
    return [best, join, original]
