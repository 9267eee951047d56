"""Tables in memory, of any library, as relations of DuckDB."""

from typing import Any

import duckdb

from stellarfm.errors import StellarError
from stellarfm.formats.opened import Opened, named

_CALLED = "the table"


def open_memory(con: duckdb.DuckDBPyConnection, table: Any, name: str) -> Opened:
    """Make a table in memory known to a connection.

    Parameters
    ----------
    con
        Connection to make the table known to.
    table
        A data frame (pandas, polars), an Arrow or astropy table, a relation of DuckDB, or a mapping of names to columns.
    name
        A name for it that the connection does not use yet.

    Raises
    ------
    StellarError
        If it is of another kind.
    """
    # without importing astropy, which takes long, to ask whether it is one of its tables
    if hasattr(table, "colnames"):
        from stellarfm.formats.arrow import from_astropy

        return from_astropy(table).register(con, name, _CALLED)
    # a relation belongs to its own connection, and no other can read it
    if isinstance(table, duckdb.DuckDBPyRelation):
        table = table.to_arrow_table()
    try:
        con.register(name, table)
    except (duckdb.Error, TypeError, ValueError) as error:
        raise StellarError(
            f"{type(table).__name__} is no table; give a data frame, a table of Arrow or astropy, or the path of a file"
        ) from error
    return named(name, _CALLED, con.sql(f"from {name}").columns, {})
