"""Building a warehouse: the SQL of ``sql/`` run in order, from staging through the crossmatch to the marts."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from stellarfm.crossmatch import Side, match
from stellarfm.errors import StellarError
from stellarfm.resources import read_sql, sql_texts
from stellarfm.rules import install_rules
from stellarfm.sql_paths import reader_paths
from stellarfm.surveys.profile import CROSSWALK, Survey
from stellarfm.surveys.selection import Surveys

STAGING = {
    "gaia_source": "gaia_source",
    "xp_spectrum": "xp_continuous_mean_spectrum",
    "twomass": "twomass_psc",
    "apogee": "apogee_allstar",
    "extinction": "extinction",
}
"""Each staging table and the archive table that it is made from; the truth of a simulated sky is not among them."""

_MARTS = ("star_observations", "token_ranges", "stars", "cuts", "training_set")
"""The marts in the order in which they need one another; the zero point of the release comes before them."""


def build_staging(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[Path]], may_be_empty: Collection[str] = ()
) -> None:
    """Make the staging tables from the parts of the landing.

    Parameters
    ----------
    con
        An empty database.
    files
        Parquet files of each archive table.
    may_be_empty
        Archive tables that were not asked for, or for the stars of a selection alone, which may have none there.

    Raises
    ------
    StellarError
        If a table is missing, empty, or lacks a needed column.
    """
    con.execute("create schema staging")
    _stage_crosswalk(con, reader_paths(files.get(CROSSWALK, ())))
    for table, archive_table in STAGING.items():
        parts = reader_paths(files.get(archive_table, ()))
        if not parts:
            raise StellarError(f"the landing has no part of the table {archive_table}; run `stellarfm ingest` first")
        try:
            # tables, not views on Parquet: checks set rows aside by deleting them here, and parts of the landing never change.
            # Spectra are lists of any length in them, since DuckDB 2.0 loses arrays of fixed length in a left join
            con.execute(f"create table staging.{table} as {read_sql(f'staging/{table}')}", {"files": parts})
        except duckdb.BinderException as error:
            first = str(error).splitlines()[0]
            raise StellarError(
                f"the table {archive_table} lacks a column that staging needs ({first}); "
                f"fetch it anew or mend {parts[0]}"
            ) from error
        rows = con.execute(f"select count(*) from staging.{table}").fetchall()[0][0]  # noqa: S608
        # told here by its name: a warehouse without stars would fail much later, and less clearly
        if rows == 0 and archive_table not in may_be_empty:
            raise StellarError(
                f"the table {archive_table} is empty: the selection has no rows; widen it and ingest again"
            )


def _stage_crosswalk(con: duckdb.DuckDBPyConnection, parts: list[str]) -> None:
    """Make the table that leads to the identifiers of an earlier release; it is empty where none is needed."""
    if parts:
        con.execute(f"create table staging.{CROSSWALK} as {read_sql(f'staging/{CROSSWALK}')}", {"files": parts})
    else:
        con.execute(f"create table staging.{CROSSWALK} as {read_sql('staging/no_crosswalk')}")


def build_marts(con: duckdb.DuckDBPyConnection, surveys: Surveys) -> None:
    """Match the surveys on the sky and derive the marts from staging.

    Parameters
    ----------
    con
        Database with the staging tables.
    surveys
        Profiles of the releases: epochs, position errors, radii and the zero point of parallaxes.

    Raises
    ------
    StellarError
        If a profile or a relation of ``sql/`` cannot be used; names the file.
    """
    # macros are temporary, so that every connection which builds needs them anew
    install_rules(con, surveys)
    _create(con, "staging.apogee_stars", "staging/apogee_stars")
    con.execute("create schema crossmatch")
    for relation in ("crosswalk_pairs", "earlier_sources", "later_sources"):
        _create(con, f"crossmatch.{relation}", f"crossmatch/{relation}")
    gaia = _side(surveys.gaia)
    for name, survey in (("twomass", surveys.twomass), ("apogee", surveys.apogee)):
        radius_arcsec = survey.crossmatch.radius_arcsec
        if radius_arcsec is None:
            raise StellarError(f"the profile of {survey.release} has no crossmatch.radius_arcsec; add it")
        # Gaia is the side that knows proper motions: it is carried to the epoch of the other
        match(con, gaia, _side(survey), f"crossmatch.gaia_{name}", radius_arcsec=radius_arcsec)
    con.execute("create schema marts")
    assert surveys.gaia.astrometry is not None, "every profile of Gaia says where the zero point comes from"
    # under one name whatever the release calls it: the marts below do not know which release they are made from
    _create(con, "marts.parallax_zero_point", f"marts/{surveys.gaia.astrometry.zero_point_mart}")
    for mart in _MARTS:
        _create(con, f"marts.{mart}", f"marts/{mart}")


def stage_training_set(con: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[Path]]) -> None:
    """Make the staging table of a training set that holds tokens already.

    Parameters
    ----------
    con
        An empty database.
    files
        Parquet files of the table ``leung_bovy_2024``.
    """
    con.execute("create schema staging")
    parts = reader_paths(files["leung_bovy_2024"])
    con.execute(f"create table staging.leung_bovy_2024 as {read_sql('staging/leung_bovy_2024')}", {"files": parts})


def build_marts_of_training_set(con: duckdb.DuckDBPyConnection, surveys: Surveys) -> None:
    """Derive the marts from a training set that holds tokens already: nothing is left to match."""
    install_rules(con, surveys)
    con.execute("create schema marts")
    _create(con, "marts.stars", "marts/leung_bovy_2024_stars")
    _create(con, "marts.training_set", "marts/training_set")


def empty_tables(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> set[str]:
    """Return the staging tables without rows, as ``staging.NAME``: what they would say of stars cannot be asked of a star."""
    counts = {table: con.execute(f"select count(*) from staging.{table}").fetchall()[0][0] for table in tables}  # noqa: S608
    return {f"staging.{table}" for table, rows in counts.items() if rows == 0}


def read_cuts(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Return the steps of the selection in words with the rows that each leaves; none where nothing was selected."""
    if not con.execute("select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'cuts'").fetchall():
        return []
    return [(cut, rows) for cut, rows in con.execute("select cut, rows_left from marts.cuts order by step").fetchall()]


def warehouse_texts() -> dict[str, str]:
    """Return the text of everything in ``sql/`` that a warehouse is built and checked with, for its content key."""
    # what only publishing reads must not make a warehouse old
    return {name: text for name, text in sql_texts().items() if not name.startswith("catalog/")}


def _side(survey: Survey) -> Side:
    """Return how a survey takes part in the crossmatch."""
    chosen = survey.crossmatch
    return Side(
        chosen.relation,
        chosen.identifier,
        epoch=chosen.epoch,
        moves=chosen.moves,
        error_arcsec=chosen.position_error_arcsec,
    )


def _create(con: duckdb.DuckDBPyConnection, table: str, relation: str) -> None:
    """Make a table from a relation of ``sql/``; a mistake in it is told by its file."""
    try:
        con.execute(f"create table {table} as {read_sql(relation)}")
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        raise StellarError(f"sql/{relation}.sql cannot be run ({str(error).splitlines()[0]})") from error
