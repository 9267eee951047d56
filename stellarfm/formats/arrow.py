"""Columns of numpy and astropy as columns of Arrow: masked values become NULL, arrays become lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from stellarfm.fields import Field
from stellarfm.formats.names import unique_names
from stellarfm.formats.opened import ROW, Opened, named


@dataclass(frozen=True)
class Columns:
    """Columns of a table in memory.

    Attributes
    ----------
    arrays
        The values, N rows each.
    names
        What each is called in the file; not always unique.
    fields
        Unit, UCD and description, by name.
    notes
        Sentences on what was left out or is incomplete.
    """

    arrays: list[pa.Array]
    names: list[str]
    fields: Mapping[str, Field] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def table(self) -> pa.Table:
        """Return them as a table, each name once."""
        return pa.Table.from_arrays(self.arrays, unique_names(self.names))

    def register(self, con: duckdb.DuckDBPyConnection, name: str, called: str, *, numbered: bool = False) -> Opened:
        """Make the table known to a connection under a name, with a column `ROW` if it is to be numbered."""
        table = self.table()
        con.register(name, table.append_column(ROW, pa.array(np.arange(len(table)))) if numbered else table)
        return named(name, called, self.names, self.fields, self.notes)


def from_astropy(table: Any) -> Columns:
    """Return a table of astropy, its positions and times as plain columns; what has no place is left out and noted."""
    names: list[str] = []
    arrays, fields, left_out = [], {}, []
    for name, column in _plain_columns(table):
        try:
            arrays.append(to_arrow(column))
        except (pa.ArrowException, TypeError, ValueError):
            left_out.append(name)
            continue
        names.append(name)
        fields[name] = field_of(column)
    notes = (
        (f"left out, since they are no numbers, texts or arrays of these: {', '.join(left_out)}",) if left_out else ()
    )
    return Columns(arrays, names, fields, notes)


def _plain_columns(table: Any) -> Iterator[tuple[str, Any]]:
    """Yield columns; positions and times become the plain columns that astropy itself writes for them."""
    from astropy.table import Column
    from astropy.table.serialize import represent_mixins_as_columns

    if any(not isinstance(table[name], Column) for name in table.colnames):
        table = represent_mixins_as_columns(table)
    for name in table.colnames:
        yield name, table[name]


def field_of(column: Any) -> Field:
    """Return what a column of astropy states of itself."""
    unit = column.unit.to_string() if column.unit is not None else ""
    return Field(unit, str(column.meta.get("ucd", "") or ""), column.description or "")


def to_arrow(column: Any) -> pa.Array:
    """Turn one column into an Arrow array; NaN stays NaN, a masked value is NULL."""
    values = np.ma.asarray(column)
    mask = np.ma.getmaskarray(values)
    data = native(np.asarray(values.data))
    # arrays of several lengths, or text of VOTable: one Python object a cell
    if data.dtype.kind == "O":
        return pa.array([None if hidden is True else _plain(v) for v, hidden in zip(data, mask.tolist(), strict=True)])
    if data.dtype.kind == "S":
        data = decode(data)
    if data.ndim > 1:
        return to_lists(data, mask)
    plain = data.tolist() if data.dtype.kind == "U" else data
    return pa.array(plain, type=pa.string() if data.dtype.kind == "U" else None, mask=mask if mask.any() else None)


def native(data: Any) -> Any:
    """Return an array in this machine's byte order, which alone Arrow knows; FITS is big-endian."""
    if data.dtype.byteorder not in "=|" and data.dtype.kind not in "SUO":
        return data.astype(data.dtype.newbyteorder("="))
    return data


def decode(data: Any) -> Any:
    """Return bytes as text: UTF-8, or Latin-1 where they are not that, which has a letter for every byte."""
    try:
        return np.char.decode(data, "utf-8")
    except UnicodeDecodeError:
        return np.char.decode(data, "latin-1")


def to_lists(data: Any, mask: Any) -> pa.Array:
    """Turn a column of arrays of one shape into lists; one masked throughout is NULL."""
    rows, width = len(data), int(np.prod(data.shape[1:]))
    flat_mask = mask.reshape(rows, width)
    # a list of no elements is empty, not unknown
    hidden = flat_mask.all(axis=1) if width else np.zeros(rows, bool)
    flat = data.reshape(-1)
    items = pa.array(
        flat.tolist() if data.dtype.kind == "U" else flat, mask=flat_mask.reshape(-1) if mask.any() else None
    )
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, items, mask=pa.array(hidden))


def _plain(value: Any) -> Any:
    """Return what a cell of a column of objects holds: None, a string, or a list."""
    if isinstance(value, np.ma.MaskedArray):
        return value.tolist()
    if isinstance(value, bytes):
        return decode(np.array([value]))[0]
    if isinstance(value, float | int | str | bool) or value is None:
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no number, text or array")
