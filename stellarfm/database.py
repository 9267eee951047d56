"""Connections to DuckDB that fetch nothing from outside and print nothing by themselves."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from threading import Timer

import duckdb

from stellarfm.sql_paths import database_path, folder_path, reader_path
from stellarfm.sql_text import identifier, literal

MEMORY_LIMIT = "2GB"
"""What a connection may take that is told nothing else; DuckDB's own is most of the machine."""
_LIMIT = "STELLARFM_WAREHOUSE__MEMORY_LIMIT"
_opened = count()

_NO_EXTENSIONS = {
    # an extension that is missing would otherwise be a download at the first query that needs it
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
}


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
        DuckDB's own settings, e.g. ``memory_limit``; without one it is that of the variable
        STELLARFM_WAREHOUSE__MEMORY_LIMIT, or 2 GB.

    Raises
    ------
    duckdb.Error
        If the file cannot be opened or a setting is not one.
    """
    settings = _bounds(str(path)) | {name: str(value) for name, value in config.items()} | _NO_EXTENSIONS
    con = duckdb.connect(database_path(path, read_only=read_only), read_only=read_only, config=settings)
    # one that is installed, such as that for HTTP, would be loaded by the first query that names an address; set afterwards,
    # as the settings of Parquet, which is built in, are known only once it is loaded
    con.execute("set autoload_known_extensions = false")
    return con


def _bounds(path: str) -> dict[str, str]:
    """Return what a connection may take; beyond the memory it spills to a folder."""
    bounds = {"memory_limit": os.environ.get(_LIMIT) or MEMORY_LIMIT}
    if path == ":memory:":
        # that of a file lies beside it; one in memory would use the working directory, which others use as well. DuckDB makes
        # the folder when it is needed, and removes it
        folder = Path(gettempdir()) / f"stellarfm-duckdb-{os.getpid()}-{next(_opened)}"
        bounds["temp_directory"] = folder_path(folder)
    return bounds


def open_private(path: Path, name: str, **config: str | int) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for reading alone: nothing is written, no other file is looked at, no setting can be changed.

    What else the process has open, and with which settings, does not matter: DuckDB shares one instance among all that open
    a file by its path, and this one attaches it to an instance of its own.

    Parameters
    ----------
    path
        The file.
    name
        Name of the database in queries, which need not give it.
    **config
        DuckDB's own settings, e.g. ``memory_limit``.

    Raises
    ------
    duckdb.Error
        If the file cannot be opened or a setting is not one.
    """
    con = open_database(":memory:", read_only=False, **config)
    try:
        con.execute(f"attach {literal(database_path(path))} as {identifier(name)} (read_only)")
        con.execute(f"use {identifier(name)}")
        close_off(con)
    except duckdb.Error:
        con.close()
        raise
    return con


def close_off(con: duckdb.DuckDBPyConnection, files: Iterable[Path] = ()) -> None:
    """Let a connection that will evaluate something foreign reach nothing any more but what it has, for good.

    Parameters
    ----------
    con
        Connection; whatever it attached stays attached.
    files
        Files that it goes on reading through its views.
    """
    allowed = {name for file in files for name in (str(file), reader_path(file))}
    con.execute(f"set allowed_paths = [{', '.join(map(literal, sorted(allowed)))}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


@contextmanager
def interrupted_after(con: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Stop what a connection does in the block when the time is over; DuckDB raises InterruptException then.

    Parameters
    ----------
    con
        Connection.
    seconds
        None for no limit.
    """
    if seconds is None:
        yield
        return
    timer = Timer(seconds, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
