"""The answer to a query: a table that is read as it is needed, in the form that a person works with."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from stellarfm.database import interrupted_after
from stellarfm.errors import StellarError
from stellarfm.integrity import is_damage

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


DAMAGED = (
    "put back a copy of the release, read another one (`stellarfm catalog list`), or run `stellarfm publish`, which "
    "makes it anew if its model and its warehouse are still those of this home"
)
"""What to do about a release that is not what was published."""


class Answer:
    """The rows that a query gives, N of them; each call reads them anew.

    Parameters
    ----------
    relation
        DuckDB's relation behind it, for more SQL; columns of one name are told apart as DuckDB does it: ``teff``, ``teff_1``.
    con
        The relation's connection.
    timeout_s
        How long a reading may take; as long as it wants if None.
    """

    def __init__(
        self, relation: duckdb.DuckDBPyRelation, con: duckdb.DuckDBPyConnection, timeout_s: float | None = None
    ) -> None:
        self._con, self._timeout_s = con, timeout_s
        names = [name.lower() for name in relation.columns]
        # DuckDB tells columns of one name apart only where one query reads from another
        self.relation = relation if len(set(names)) == len(names) else relation.select("*")

    @property
    def columns(self) -> list[str]:
        """Names of the columns, each once."""
        return list(self.relation.columns)

    @property
    def types(self) -> list[str]:
        """DuckDB's type of each column, e.g. ``DOUBLE``."""
        return [str(one) for one in self.relation.types]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows as tuples of Python's own types."""
        with self._reading():
            return list(self.relation.fetchall())

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """Return the first `size` rows."""
        return Answer(self.relation.limit(size), self._con, self._timeout_s).fetchall()

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row, None if there is none."""
        return next(iter(self.fetchmany(1)), None)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def __len__(self) -> int:
        with self._reading():
            return int(self.relation.shape[0])

    def arrow(self) -> "pa.Table":
        """Return a table of Arrow; a sum of integers is of int64 where it fits."""
        import pyarrow as pa

        with self._reading():
            table = self.relation.to_arrow_table()
        for place, (name, kind) in enumerate(zip(self.columns, self.types, strict=True)):
            if kind == "HUGEINT":  # which Arrow lacks, and so comes as a decimal
                with suppress(pa.ArrowInvalid):
                    table = table.set_column(place, name, table[name].cast(pa.int64()))
        return table

    def df(self) -> "pd.DataFrame":
        """Return a data frame of pandas; whole numbers stay whole where some are NULL."""
        return to_frame(self.arrow())

    def pl(self) -> "pl.DataFrame":
        """Return a data frame of polars, which must be installed."""
        with self._reading():
            return self.relation.pl()

    def __arrow_c_stream__(self, schema: Any = None) -> Any:
        """Give the rows to whatever reads Arrow's stream interface, `OpenModel.perceive` among them."""
        return self.arrow().__arrow_c_stream__(schema)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with interrupted_after(self._con, self._timeout_s):
                yield
        except duckdb.Error as error:
            raise refusal(error, self._timeout_s) from error

    def __repr__(self) -> str:
        return f"Answer with the columns {', '.join(self.columns)}\n{self.relation.limit(10)}"


def to_frame(table: "pa.Table") -> "pd.DataFrame":
    """Return a table of Arrow as a data frame of pandas whose whole numbers stay whole where some are NULL."""
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas()
    for name in table.column_names:
        # pandas' own way makes them float64, and an identifier beyond 2^53 another one
        if pa.types.is_integer(table[name].type) and table[name].null_count:
            frame[name] = pd.array(table[name].to_pylist(), dtype="Int64")
    return frame


def refusal(error: duckdb.Error, timeout_s: float | None = None) -> StellarError:
    """Return DuckDB's own words on a query as an error for a person, with the names that it proposes, in one sentence."""
    if isinstance(error, duckdb.InterruptException) and timeout_s is not None:
        return StellarError(f"the query took longer than {timeout_s:g} s; narrow it, or allow more")
    if is_damage(error):
        return StellarError(f"the catalogue is damaged ({str(error).splitlines()[0]}); {DAMAGED}")
    said, _, _ = str(error).partition("\nLINE ")  # what follows draws an arrow below the query
    return StellarError(f"the catalogue refused the query: {'; '.join(line for line in said.splitlines() if line)}")
