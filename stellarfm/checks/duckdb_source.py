"""DuckDB as Great Expectations is shown it, through duckdb-engine and SQLAlchemy; nothing else here knows of either.

Once Great Expectations has an engine of its own for DuckDB (its pull request 12084), this module alone changes: it opens a
scratch database, gives a connection to it, and makes it a source of a context.
"""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from stellarfm.sql_text import literal


# Great Expectations reads `.value` of the members of its list of dialects, which has none for DuckDB
class _Dialect(StrEnum):
    DUCKDB = "duckdb"


@dataclass(frozen=True)
class Scratch:
    """A database that is thrown away.

    Attributes
    ----------
    con
        DuckDB connection to it.
    url
        What Great Expectations knows it by.
    """

    con: Any
    url: str

    def as_source(self, context: Any) -> Any:
        """Return it as a data source of a context of Great Expectations; to be given to `let_go` in the end."""
        # no temporary tables: the relations that are judged are tables of the scratch database already
        return context.data_sources.add_sql("duckdb", connection_string=self.url, create_temp_table=False)


@contextmanager
def open_scratch(path: Path, memory_limit: str, threads: int) -> Iterator[Scratch]:
    """Make a scratch database, and remove it at the end.

    Parameters
    ----------
    path
        Its file; one that is there is replaced.
    memory_limit, threads
        What DuckDB may take.
    """
    import sqlalchemy

    path.unlink(missing_ok=True)
    url = sqlalchemy.URL.create("duckdb", database=str(path)).render_as_string()
    engine = sqlalchemy.create_engine(url)
    # the connection of the engine's pool and ours are one database in this process, so that both see what is attached
    raw = engine.raw_connection()
    con: Any = raw.driver_connection
    try:
        con.execute("set autoinstall_known_extensions = false")
        con.execute("set autoload_known_extensions = false")
        con.execute(f"set memory_limit = {literal(memory_limit)}")
        con.execute(f"set threads = {threads:d}")
        yield Scratch(con, url)
    finally:
        raw.close()
        engine.dispose()
        path.unlink(missing_ok=True)


def let_go(source: Any) -> None:
    """Let a data source go of its database."""
    execution = source.get_execution_engine()
    for engine in (source.get_engine(), execution.engine):
        engine.dispose()
        engine.clear_compiled_cache()  # both hold types of DuckDB, see `_forget_duckdb_engine`
        vars(engine.dialect).get("_type_memos", {}).clear()
    execution.close()


def import_great_expectations() -> Any:
    """Import Great Expectations with telemetry and progress bars off, and teach it to keep a DuckDB connection open.

    It closes the connection before it fetches the rows, unless the dialect is among those whose connection persists.
    """
    # before the import, which reads it
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

    # issues 10738 and 11579 of Great Expectations: without this every expectation on DuckDB ends with "list index out of range".
    # The name is private, so a test guards it; a native engine is the open pull request 12084
    if _Dialect.DUCKDB not in engine._PERSISTED_CONNECTION_DIALECTS:
        engine._PERSISTED_CONNECTION_DIALECTS = (*engine._PERSISTED_CONNECTION_DIALECTS, _Dialect.DUCKDB)
        atexit.register(_forget_duckdb_engine)
    return gx


def _forget_duckdb_engine() -> None:
    """Let the interpreter free DuckDB at its end; else DuckDB lists on stderr what it finds alive, for pages."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "duckdb_engine"]:
        vars(sys.modules[name]).clear()
