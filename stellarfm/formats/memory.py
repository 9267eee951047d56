"""Tables in memory, of any library, as relations of DuckDB."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from stellarfm.errors import StellarError
from stellarfm.formats.arrow import to_arrow
from stellarfm.formats.names import unique_names
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
    if isinstance(table, Mapping) and any(hasattr(column, "unit") for column in table.values()):
        from astropy.table import QTable

        table = QTable({str(name): np.atleast_1d(column) for name, column in table.items()})
    if hasattr(table, "colnames"):
        from stellarfm.formats.arrow import from_astropy

        return from_astropy(table).register(con, name, _CALLED)
    try:
        con.register(name, _registrable(table))
    except (duckdb.Error, pa.ArrowException, TypeError, ValueError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise StellarError(
            f"{type(table).__name__} cannot be read as a table ({first}); give a data frame, a table of Arrow or astropy, "
            "a mapping of names to columns, or the path of a file"
        ) from error
    return named(name, _CALLED, con.sql(f"from {name}").columns, {})


def _registrable(table: Any) -> Any:
    """Return what DuckDB registers with all its digits: data frames of pandas, mappings and NumPy's records become Arrow."""
    # a relation belongs to its own connection, and no other can read it
    if isinstance(table, duckdb.DuckDBPyRelation):
        return table.to_arrow_table()
    if isinstance(table, np.ndarray) and table.dtype.names:
        table = {name: table[name] for name in table.dtype.names}
    if isinstance(table, Mapping):
        return _table((str(name), column) for name, column in table.items())
    if type(table).__module__.partition(".")[0] == "pandas" and hasattr(table, "columns"):
        return _table((str(name), table.iloc[:, place]) for place, name in enumerate(table.columns))
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    if isinstance(table, np.ndarray | list | tuple | str | bytes | int | float | None):
        raise TypeError("its columns have no names")
    return table


def _table(columns: Iterable[tuple[str, Any]]) -> pa.Table:
    named_columns = [(name, _column(column)) for name, column in columns]
    return pa.Table.from_arrays(
        [column for _, column in named_columns], unique_names([name for name, _ in named_columns])
    )


def _column(column: Any) -> Any:
    """Return a column of any library as one of Arrow: its byte order that of the machine, what is masked or NaN as it is."""
    if isinstance(column, np.ndarray):
        return to_arrow(np.ma.atleast_1d(column))
    if column is None or np.isscalar(column):
        column = [column]
    if hasattr(column, "to_numpy") and getattr(column.dtype, "kind", "") in "iufc":  # of pandas, in any byte order
        column = column.to_numpy() if isinstance(column.dtype, np.dtype) else column
        return to_arrow(column) if isinstance(column, np.ndarray) else pa.array(column)
    return pa.array(column, from_pandas=True)
