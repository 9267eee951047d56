"""VOTable through astropy."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from astropy.table import Column, MaskedColumn, Table

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.storable import Storable, first_with, storable_columns
from stellarfm.sql_text import identifier

_NOT_XML = "[\\x00-\\x08\\x0B\\x0C\\x0D\\x0E-\\x1F\\x{FFFE}\\x{FFFF}]"
"""Letters that XML 1.0 cannot hold, and the carriage return, which its readers turn into a line break."""


def write_votable(con: duckdb.DuckDBPyConnection, relation: str, path: Path, fields: Mapping[str, Field]) -> int:
    """Write a relation as VOTable and return its number of rows; the table is held in memory meanwhile.

    Parameters
    ----------
    con, relation
        Connection, and what stands after ``from``.
    path
        File to write.
    fields
        Units, UCDs and descriptions of columns.

    Raises
    ------
    StellarError
        If a column holds something that VOTable has no place for.
    """
    sources = [_fitting(con, relation, source) for source in storable_columns(con, relation)]
    listed = ", ".join(f"{source.sql} as {identifier(source.name)}" for source in sources)
    rows = con.sql(f"select {listed} from {relation}").to_arrow_table()
    table = Table()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are not standard
        for source in sources:
            table[source.name] = _column(source, rows[source.name].combine_chunks())
            field = fields.get(source.name, Field())
            table[source.name].unit = field.unit or None
            table[source.name].description = field.description or None
            if field.ucd:
                table[source.name].meta["ucd"] = field.ucd
        table.write(path, format="votable", overwrite=True)
    return len(table)


def _fitting(con: duckdb.DuckDBPyConnection, relation: str, source: Storable) -> Storable:
    """Return a column as what VOTable holds: it knows neither unsigned numbers of 64 bits nor every letter."""
    if source.kind == "UBIGINT":
        most = con.execute(f"select max({source.sql}) from {relation}").fetchall()[0][0] if not source.is_list else 0
        kind = "VARCHAR" if (most or 0) >= 1 << 63 else "BIGINT"
        cast = f"cast({source.sql} as {kind}{'[]' if source.is_list else ''})"
        return replace(source, sql=cast, kind=kind)
    if source.kind == "VARCHAR" and not source.is_list:
        found = first_with(con, relation, source, f"regexp_matches(v, '{_NOT_XML}')")
        if found:
            raise StellarError(
                f"the column {source.name} has {found[1][:60]!r} in row {found[0]:,}, and XML has no place for such letters; "
                "write Parquet"
            )
    return source


def _column(source: Storable, array: Any) -> Column:
    gaps = array.is_null().to_numpy(zero_copy_only=False)
    if source.is_list:
        return _list_column(source.name, array, gaps)
    if source.kind == "VARCHAR":
        return Column(np.array(array.fill_null("").to_pylist(), dtype=np.str_))
    if source.kind in ("FLOAT", "DOUBLE"):
        return Column(array.to_numpy(zero_copy_only=False))  # NULL and NaN are one thing in VOTable
    data = array.fill_null(False if source.kind == "BOOLEAN" else 0).to_numpy(zero_copy_only=False)
    if not gaps.any():
        return Column(data)
    return MaskedColumn(data, mask=gaps, fill_value=None if source.kind == "BOOLEAN" else _free(data, gaps))


def _free(data: Any, gaps: Any) -> int:
    """Return a number that no row has, which stands for NULL in the file."""
    limits, known = np.iinfo(data.dtype), data[~gaps]
    if not len(known) or known.min() > limits.min:
        return int(limits.min)
    if known.max() < limits.max:
        return int(limits.max)
    taken = set(known.tolist())
    return next(number for number in range(int(limits.min), int(limits.max)) if number not in taken)


def _list_column(name: str, array: Any, gaps: Any) -> Column:
    """Return lists of one length as a column of arrays, NaN where there is none; else as cells of several lengths."""
    if pa.types.is_string(array.type.value_type):
        raise StellarError(f"the column {name} holds lists of text, which VOTable has no place for; write Parquet")
    lengths = set(pa.compute.list_value_length(array).drop_null().to_pylist())
    items = array.flatten()
    if len(lengths) <= 1:
        # a column of NULLs throughout becomes one NaN a row
        width = lengths.pop() if lengths else 1
        if pa.types.is_floating(items.type):
            data = np.full((len(array), width), np.nan, dtype=items.type.to_pandas_dtype())
            data[~gaps] = items.to_numpy(zero_copy_only=False).reshape(-1, width)
            return Column(data)
        if not gaps.any() and not items.null_count and width:
            return Column(np.array(items.to_pylist()).reshape(-1, width))
    if not pa.types.is_floating(items.type) and not (pa.types.is_integer(items.type) and not items.null_count):
        raise StellarError(f"the column {name} holds lists that VOTable has no place for; write Parquet")
    cells = np.empty(len(array), dtype=object)
    kind = items.type.to_pandas_dtype()
    cells[:] = [np.ma.masked_array(np.array([] if v is None else v, dtype=kind)) for v in array.to_pylist()]
    return MaskedColumn(cells)
