"""From what an archive answered to what the landing holds: columns and types of the landing, in the order of an identifier."""

from collections.abc import Mapping

import pyarrow as pa

from stellarfm.archives.casting import explain, plan_casts, select
from stellarfm.archives.mapping import Column
from stellarfm.archives.schema import SCHEMAS
from stellarfm.database import open_database
from stellarfm.errors import StellarError


def as_landed(
    answer: pa.Table, table: str, called: str, *, columns: Mapping[str, str] | None = None, order: str = ""
) -> pa.Table:
    """Return an answer with the columns and types that the landing has.

    Parameters
    ----------
    answer
        What the archive gave; masked values are NULL.
    table
        Table of the landing.
    called
        What a person calls the answer.
    columns
        Where a column comes from, if not from one of the same name.
    order
        Column to sort by.

    Raises
    ------
    StellarError
        If a needed column is not there, or a value is not of the column's type.
    """
    import duckdb

    given = {name: Column(name=source) for name, source in (columns or {}).items()}
    with open_database() as con:
        con.register("answer", answer)
        casts, _ = plan_casts(con, "answer", SCHEMAS[table], given, called)
        by = f" order by {order}" if order else ""
        try:
            return con.sql(select(casts, "answer") + by).to_arrow_table()
        except duckdb.Error as error:
            raise (
                explain(con, casts, "answer", called)
                or StellarError(f"{called} cannot be kept ({str(error).splitlines()[0]})")
            ) from error
