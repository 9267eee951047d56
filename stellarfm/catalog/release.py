"""Writing a release: one DuckDB file that any DuckDB since 1.0 opens, with its dictionary, provenance and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from stellarfm.catalog.dictionary import PublishedColumn, columns_left_out, read_dictionary, read_flags
from stellarfm.catalog.hashing import table_hash
from stellarfm.database import open_database
from stellarfm.integrity import FileSum, write_record
from stellarfm.resources import read_sql
from stellarfm.rules import install_rules
from stellarfm.sql_paths import database_path, sql_path
from stellarfm.sql_text import literal
from stellarfm.surveys.selection import Surveys

CATALOG_FILE = "catalog.duckdb"
MANIFEST_FILE = "release.json"
TABLES = ("stars", "flags", "provenance", "metrics", "columns")
_STORAGE_VERSION = "v1.0.0"
"""DuckDB storage format that 1.0 and everything later reads; the default of 2.0 is unreadable for 1.x."""

_SCORES = ("task", "model", "token", "against", "num_stars", "scatter", "bias", "coverage_68", "coverage_95")


@dataclass(frozen=True)
class Release:
    """What ``release.json`` says of a release.

    Attributes
    ----------
    version
        Its name, a folder below ``releases``.
    key
        Hash of everything it was made from; equal keys, equal content.
    num_stars
        Rows of the table ``stars``.
    content_hash
        Hash of the rows of ``stars``.
    files
        sha256 of each file.
    sums
        Size and block hashes of each file, as `FileSum` has them; none in releases from before 0.2.
    """

    version: str
    key: str
    num_stars: int
    content_hash: str
    files: dict[str, str]
    sums: dict[str, dict[str, Any]] = field(default_factory=dict)


def write_release(
    folder: Path,
    version: str,
    key: str,
    warehouse: Path,
    predictions: Path,
    provenance: Mapping[str, str],
    metrics: Sequence[Mapping[str, Any]],
    surveys: Surveys,
) -> Release:
    """Write a release into an empty folder.

    Parameters
    ----------
    folder
        Empty folder to fill.
    version, key
        Name and content key of the release.
    warehouse
        The DuckDB file with the schema ``marts``.
    predictions
        Parquet file with ``source_id``, ``num_tokens_observed`` and, for each token, value and ``_error``.
    provenance
        What the release was made from; ``model_version`` goes into every row.
    metrics
        Rows of ``metrics.json``.
    surveys
        The releases that the stars come from.

    Returns
    -------
    Release
        What ``release.json`` says, with the hashes of rows and file.

    Raises
    ------
    duckdb.Error
        If the warehouse lacks a table that the publishing SQL needs.
    """
    path = folder / CATALOG_FILE
    with open_database() as con:
        con.execute(f"attach {literal(database_path(warehouse))} as warehouse (read_only)")
        con.execute(
            f"attach {literal(database_path(path, read_only=False))} as catalog (storage_version {literal(_STORAGE_VERSION)})"
        )
        # what the SQL makes without a schema lies in the release; `use memory` below, because what is in use cannot be detached
        con.execute("use catalog")
        install_rules(con, surveys)
        con.register("origin", pa.table({"name": list(provenance), "value": [str(v) for v in provenance.values()]}))
        con.register("scores", pa.table({name: [row.get(name) for row in metrics] for name in _SCORES}))
        con.execute(
            f"create temp view predictions as from read_parquet({sql_path(predictions)}, hive_partitioning = false)"
        )
        define_flags(con, surveys)
        for table in TABLES:
            # last, as it describes the types that the tables before it really got
            if table == "columns":
                con.register("dictionary", _dictionary(con, surveys))
            parameters = {"model_version": provenance["model_version"]} if table == "stars" else {}
            con.execute(f"create table catalog.main.{table} as {_published(table, surveys)}", parameters)
            _comment(con, table, surveys)
        con.execute("use memory")
        num_stars = con.execute("select count(*) from catalog.main.stars").fetchall()[0][0]
        content_hash = table_hash(con, "catalog.main.stars", "source_id")
        # detached, the file is complete: its hash is taken after that
        con.execute("detach catalog")
    found = FileSum.of(path)
    release = Release(
        version, key, num_stars, content_hash, {CATALOG_FILE: found.sha256}, {CATALOG_FILE: asdict(found)}
    )
    # last: a folder with a manifest is a whole release
    write_record(folder / MANIFEST_FILE, asdict(release))
    return release


def define_flags(con: duckdb.DuckDBPyConnection, surveys: Surveys) -> None:
    """Make ``flag_bits`` and ``raised_flags`` known to a connection that has the warehouse and the predictions.

    Parameters
    ----------
    con
        Connection that knows the rules, ``warehouse.marts.stars`` and ``predictions``.
    surveys
        Releases that descriptions name.
    """
    flags = read_flags(surveys)
    bits = pa.table(
        {
            "place": list(range(len(flags))),
            "bit": pa.array([flag.bit for flag in flags], pa.int32()),
            "name": [flag.name for flag in flags],
            "description": [flag.description for flag in flags],
            "is_bad": [flag.is_bad for flag in flags],
        }
    )
    con.register("flag_bits", bits)
    con.execute(f"create temp view raised_flags as {read_sql('catalog/raised_flags')}")


def _published(table: str, surveys: Surveys) -> str:
    """Return the publishing query of a table without the columns that these releases have nothing for."""
    left_out, query = columns_left_out(table, surveys), read_sql(f"catalog/{table}")
    return f"select * exclude ({', '.join(left_out)}) from ({query})" if left_out else query  # noqa: S608


def _dictionary(con: duckdb.DuckDBPyConnection, surveys: Surveys) -> pa.Table:
    """Return the dictionary of all tables with the types that they really have."""
    columns = [column for table in TABLES for column in read_dictionary(table, surveys)]
    found = con.execute(
        "select table_name, column_name, data_type from duckdb_columns() where database_name = 'catalog'"
    ).fetchall()
    types = {(table, column): kind for table, column, kind in found}
    return pa.table(
        {
            "place": list(range(len(columns))),
            "table_name": [column.table for column in columns],
            "column_name": [column.name for column in columns],
            "data_type": [types.get((column.table, column.name), "VARCHAR") for column in columns],
            "unit": [column.unit or None for column in columns],
            "ucd": [column.ucd for column in columns],
            "description": [column.description for column in columns],
            "null_meaning": [column.null_meaning for column in columns],
        }
    )


def _comment(con: duckdb.DuckDBPyConnection, table: str, surveys: Surveys) -> None:
    """Write descriptions and units into the file itself, where every DuckDB client shows them."""
    for column in read_dictionary(table, surveys):
        # COMMENT takes no parameters
        con.execute(f"comment on column catalog.main.{table}.{column.name} is {literal(_remark(column))}")


def _remark(column: PublishedColumn) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    return f"{column.description}{unit}; NULL: {column.null_meaning}"
