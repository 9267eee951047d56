"""The tables that a landing holds: columns in the landing's names, in DuckDB's types, and which must be known."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from stellarfm.database import open_database
from stellarfm.sql_text import identifier
from stellarfm.surveys.profile import Table
from stellarfm.surveys.selection import Surveys


@dataclass(frozen=True)
class TableSchema:
    """Columns of one table of the landing.

    Attributes
    ----------
    columns
        Name and DuckDB type of each.
    needed
        Those without which the table has no use; the others may be NULL throughout.
    """

    columns: Mapping[str, str]
    needed: frozenset[str]

    @classmethod
    def of_table(cls, table: Table) -> "TableSchema":
        """Return the columns of a survey's table."""
        return cls(table.columns, frozenset(table.needed))

    def empty(self) -> pa.Table:
        """Return the table without rows."""
        selects = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in self.columns.items())
        # DuckDB itself turns its types into those of Arrow: no table of types of our own that could differ
        with open_database() as con:
            return con.sql(f"select {selects} limit 0").to_arrow_table()


REDDENING = TableSchema(
    {"source_id": "bigint", "logebv": "float", "logebv_error": "float", "map": "varchar"},
    frozenset(["source_id", "logebv"]),
)
"""The table ``extinction``: ln E(B-V) of each source, whatever it comes from."""

EBV = TableSchema(
    {"source_id": "bigint", "ebv": "double", "ebv_error": "double", "map": "varchar"}, frozenset(["source_id", "ebv"])
)
"""What may be given in place of ``extinction``: E(B-V) itself."""


def landing_schemas(surveys: Surveys) -> dict[str, TableSchema]:
    """Return the tables of a landing that a warehouse is made from: those of the surveys, and the reddenings.

    Raises
    ------
    StellarError
        If two surveys claim a table.
    """
    of_surveys = {name: TableSchema.of_table(table) for name, table in surveys.tables.items()}
    return of_surveys | {"extinction": REDDENING}
