"""How a warehouse is built from a landing: from the tables of the surveys, or from a training set that was made elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection
from stellarfm.surveys.profile import CROSSWALK
from stellarfm.surveys.selection import Surveys
from stellarfm.warehouse import build

TRAINING_SET = "leung_bovy_2024"
"""Table of the landing, and of staging, that holds tokens already."""

_SOURCES = "gaia_source"
"""The one table without which there are no stars."""

_CROSSMATCHES = {"crossmatch.gaia_twomass": "staging.twomass", "crossmatch.gaia_apogee": "staging.apogee"}


@dataclass(frozen=True)
class Recipe:
    """What is built, and what is checked.

    Attributes
    ----------
    staging
        Each staging table and the table of the landing that it is made from.
    build_staging
        Makes the staging tables from the Parquet files of each table of the landing.
    build_marts
        Makes everything that follows.
    checked_staging, checked_marts
        Tables with a suite, as ``schema.name``.
    source_rows
        Query for the number of stars that the staging tables hold.
    not_given
        Staging tables that the selection does without, as ``schema.name``.
    """

    staging: Mapping[str, str]
    build_staging: Callable[[duckdb.DuckDBPyConnection, Mapping[str, Sequence[Path]]], None]
    build_marts: Callable[[duckdb.DuckDBPyConnection, Surveys], None]
    checked_staging: tuple[str, ...]
    checked_marts: tuple[str, ...]
    source_rows: str
    not_given: frozenset[str] = frozenset()


def recipe_of(landing: Landing) -> Recipe:
    """Return how the warehouse of a landing is built."""
    if TRAINING_SET in landing.tables():
        return _training_set()
    return _surveys(landing.not_given(), landing.selection(), has_crosswalk=CROSSWALK in landing.tables())


def _surveys(absent: set[str], selection: Selection, *, has_crosswalk: bool) -> Recipe:
    # asked for by the stars of a selection: that none of them has a row is an answer, not a mistake
    of_stars = {
        table for table in build.STAGING.values() if table != _SOURCES and selection.how(table) in ("ids", "position")
    }
    not_given = frozenset(f"staging.{table}" for table, archive in build.STAGING.items() if archive in absent)
    # without one side a match has no rows, and its rules nothing to judge
    matched = tuple(pairs for pairs, table in _CROSSMATCHES.items() if table not in not_given)
    return Recipe(
        staging=build.STAGING | ({CROSSWALK: CROSSWALK} if has_crosswalk else {}),
        build_staging=lambda con, files: build.build_staging(con, files, absent | of_stars),
        build_marts=build.build_marts,
        checked_staging=tuple(
            f"staging.{t}"
            for t in (*build.STAGING, *([CROSSWALK] if has_crosswalk else []))
            if f"staging.{t}" not in not_given
        ),
        checked_marts=(*matched, "marts.stars", "marts.training_set"),
        source_rows="select count(*) from staging.gaia_source",
        not_given=not_given,
    )


def _training_set() -> Recipe:
    return Recipe(
        staging={TRAINING_SET: TRAINING_SET},
        build_staging=build.stage_training_set,
        build_marts=build.build_marts_of_training_set,
        checked_staging=(f"staging.{TRAINING_SET}",),
        checked_marts=("marts.stars", "marts.training_set"),
        source_rows=f"select count(distinct source_id) from staging.{TRAINING_SET}",  # noqa: S608
    )
