"""Connections to DuckDB that fetch nothing from outside and print nothing by themselves."""

from pathlib import Path

import duckdb

from stellarfm.sql_paths import database_path


def open_database(
    path: str | Path = ":memory:", *, read_only: bool = False, **config: str | int
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, or a database in memory.

    Parameters
    ----------
    path
        The file.
    read_only
        Whether others may read it at the same time.
    **config
        DuckDB's own settings, e.g. ``memory_limit``.

    Raises
    ------
    duckdb.Error
        If the file cannot be opened or a setting is not one.
    """
    # an extension that is missing would otherwise be a download at the first query that needs it
    settings = {name: str(value) for name, value in config.items()} | {"autoinstall_known_extensions": "false"}
    return duckdb.connect(database_path(path), read_only=read_only, config=settings)
