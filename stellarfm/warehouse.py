"""Connections to DuckDB, and the running of sql/: staging, crossmatch, marts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.crossmatch import Side, match
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.resources import read_sql, resource_folder

STAGING = {
    "gaia_source": "gaia_source",
    "xp_spectrum": "xp_continuous_mean_spectrum",
    "twomass": "twomass_psc",
    "apogee": "apogee_allstar",
    "extinction": "extinction",
}
"""Each staging table and the archive table that it is made from; the truth of a simulated sky is not among them."""

MARTS = ("parallax_zero_point", "star_observations", "token_ranges", "stars", "cuts", "training_set")
"""The marts in the order in which they need one another."""

TWOMASS_RADIUS_ARCSEC = 1.5
APOGEE_RADIUS_ARCSEC = 1.0

_APOGEE_STARS = """(
    select apogee_id, any_value(ra) as ra, any_value(dec) as dec from staging.apogee group by all order by 1
)"""
"""Repeated rows of a star are one star on the sky; its position is that of 2MASS, about epoch 2000."""

_GAIA_ERROR = """1e-3 * sqrt(
    (pow(ra_error, 2) + pow(dec_error, 2)) / 2
    + pow(16, 2) * (pow(coalesce(pmra_error, 10), 2) + pow(coalesce(pmdec_error, 10), 2)) / 2
)"""
"""Position error at the epoch of 2MASS, 16 years before: a source without proper motion may have some 10 mas/yr."""

GAIA = Side("staging.gaia_source", "source_id", epoch="ref_epoch", moves=True, error_arcsec=_GAIA_ERROR)
TWOMASS = Side("staging.twomass", "designation", epoch="epoch_year", error_arcsec="position_error_arcsec")
APOGEE = Side(_APOGEE_STARS, "apogee_id", epoch="2000.0", error_arcsec="0.08")


@contextmanager
def connect(
    path: Path, *, read_only: bool = False, memory_limit: str = "2GB", threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB file; it never installs or loads extensions by itself.

    Parameters
    ----------
    path
        The file.
    read_only
        Whether others may read it at the same time.
    memory_limit, threads
        What DuckDB may take.

    Raises
    ------
    StellarError
        If the file cannot be opened.
    """
    try:
        con = open_database(path, read_only=read_only, memory_limit=memory_limit, threads=threads)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"{path} cannot be opened ({first}); run `stellarfm prepare` to build it anew") from error
    try:
        yield con
    finally:
        con.close()


def build_staging(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[Path]], not_given: Collection[str] = ()
) -> None:
    """Make the staging tables from the parts of the landing.

    Parameters
    ----------
    con
        An empty database.
    files
        Parquet files of each archive table.
    not_given
        Archive tables that the selection does without: these may be empty.

    Raises
    ------
    StellarError
        If a table is missing, empty, or lacks a needed column.
    """
    con.execute("create schema staging")
    for table, archive_table in STAGING.items():
        parts = [str(path) for path in files.get(archive_table, ())]
        if not parts:
            raise StellarError(f"the landing has no part of the table {archive_table}; run `stellarfm ingest` first")
        try:
            con.execute(f"create table staging.{table} as {read_sql(f'staging/{table}')}", {"files": parts})
        except duckdb.BinderException as error:
            first = str(error).splitlines()[0]
            raise StellarError(
                f"the table {archive_table} lacks a column that staging needs ({first}); "
                f"fetch it anew or mend {parts[0]}"
            ) from error
        rows = con.execute(f"select count(*) from staging.{table}").fetchall()[0][0]  # noqa: S608
        if rows == 0 and archive_table not in not_given:
            raise StellarError(
                f"the table {archive_table} is empty: the selection has no rows; widen it and ingest again"
            )


def build_marts(con: duckdb.DuckDBPyConnection) -> None:
    """Match the surveys on the sky and derive the marts from staging."""
    con.execute("create schema crossmatch")
    match(con, GAIA, TWOMASS, "crossmatch.gaia_twomass", radius_arcsec=TWOMASS_RADIUS_ARCSEC)
    match(con, GAIA, APOGEE, "crossmatch.gaia_apogee", radius_arcsec=APOGEE_RADIUS_ARCSEC)
    con.execute("create schema marts")
    for mart in MARTS:
        con.execute(f"create table marts.{mart} as {read_sql(f'marts/{mart}')}")


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
    parts = [str(path) for path in files["leung_bovy_2024"]]
    con.execute(f"create table staging.leung_bovy_2024 as {read_sql('staging/leung_bovy_2024')}", {"files": parts})


def build_marts_of_training_set(con: duckdb.DuckDBPyConnection) -> None:
    """Derive the marts from a training set that holds tokens already: nothing is left to match."""
    con.execute("create schema marts")
    con.execute(f"create table marts.stars as {read_sql('marts/leung_bovy_2024_stars')}")
    con.execute(f"create table marts.training_set as {read_sql('marts/training_set')}")


def sql_texts() -> dict[str, str]:
    """Return the text of every relation that the warehouse is built and checked with, for its content key."""
    root = resource_folder("sql")
    folders = ("staging", "crossmatch", "marts", "checks")
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for f in folders
        for path in sorted((root / f).glob("*.sql"))
    }


def scalar(con: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """Return the single value of a query."""
    return con.execute(sql, dict(parameters or {})).fetchall()[0][0]
