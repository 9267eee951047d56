"""Connections to a warehouse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.database import open_database, open_private
from stellarfm.errors import StellarError
from stellarfm.integrity import DamagedError, is_damage


@contextmanager
def connect(
    path: Path, *, read_only: bool = False, memory_limit: str = "2GB", threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse; it never installs or loads extensions by itself, and to read one it looks at nothing else.

    Parameters
    ----------
    path
        The DuckDB file.
    read_only
        Whether others may read it at the same time.
    memory_limit, threads
        What DuckDB may take.

    Raises
    ------
    StellarError
        If the file cannot be opened, or a block of it is found to be damaged.
    """
    try:
        if read_only:
            con = open_private(path, "warehouse", memory_limit=memory_limit, threads=threads)
        else:
            con = open_database(path, memory_limit=memory_limit, threads=threads)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"{path} cannot be opened ({first}); run `stellarfm prepare` to build it anew") from error
    try:
        yield con
    except duckdb.Error as error:
        if not is_damage(error):
            raise
        # without its record it is built anew: the sample that is compared beforehand may miss the damaged block again
        with suppress(OSError):
            path.with_suffix(".json").unlink()
        remedy = "run the same again, or `stellarfm prepare`: it is built anew from the landing, and nothing is lost"
        raise DamagedError(path, str(error).splitlines()[0], remedy) from error
    finally:
        con.close()


def scalar(con: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """Return the single value of a query."""
    return con.execute(sql, dict(parameters or {})).fetchall()[0][0]
