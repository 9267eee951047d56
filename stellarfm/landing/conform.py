"""From what an archive answered to what the landing holds: its columns and types, in the order of an identifier."""

from collections.abc import Mapping

import pyarrow as pa

from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.landing.casting import ColumnSource, explain, plan_casts, select
from stellarfm.landing.schema import TableSchema


def conform(
    answer: pa.Table, schema: TableSchema, called: str, *, columns: Mapping[str, str] | None = None, order: str = ""
) -> pa.Table:
    """Return an answer with the columns and types that the landing has.

    Parameters
    ----------
    answer
        What the archive gave; masked values are NULL.
    schema
        The table of the landing.
    called
        What a person calls the answer.
    columns
        Where a column comes from, if not from one of the same name.
    order
        Column to sort by, "" for the order of the answer.

    Returns
    -------
    pyarrow.Table
        All columns of `schema`, as many rows as the answer.

    Raises
    ------
    StellarError
        If a needed column is not there, or a value is not of the column's type.
    """
    import duckdb

    given = {name: ColumnSource(name=source) for name, source in (columns or {}).items()}
    with open_database() as con:
        con.register("answer", answer)
        casts, _ = plan_casts(con, "answer", schema, given, called)
        by = f" order by {order}" if order else ""
        try:
            # one scan for all columns; a value that cannot be cast is looked for only after it failed
            return con.sql(select(casts, "answer") + by).to_arrow_table()
        except duckdb.Error as error:
            raise (
                explain(con, casts, "answer", called)
                or StellarError(f"{called} cannot be kept ({str(error).splitlines()[0]})")
            ) from error
