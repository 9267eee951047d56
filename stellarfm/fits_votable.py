"""FITS and VOTable through astropy: masks, strings, arrays, byte orders, units and UCDs on the way to Arrow and back."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.sql_text import identifier

_CASTS = {
    "DATE": "varchar", "TIMESTAMP": "varchar", "TIMESTAMP WITH TIME ZONE": "varchar", "TIME": "varchar",
    "UUID": "varchar", "HUGEINT": "double", "UHUGEINT": "double", "UBIGINT": "bigint", "UINTEGER": "bigint",
    "USMALLINT": "integer", "TINYINT": "smallint", "NULL": "double",
}  # fmt: skip
"""Types that FITS or VOTable do not know, and what holds their values; a value that does not fit is an error."""


def read_file(path: Path, kind: str, part: str) -> tuple[pa.Table, dict[str, Field]]:
    """Read a FITS or VOTable file; masked values become NULL, arrays become lists.

    Parameters
    ----------
    path
        The file.
    kind
        ``fits`` or ``votable``.
    part
        Name or number of the extension or table, "" for the first.

    Returns
    -------
    table, fields
        The values, N rows, and unit, UCD and description of each column.

    Raises
    ------
    OSError
        If it is not there or cut short, as astropy finds it.
    ValueError
        If it is not of this kind.
    IndexError
        If it has no table of this number.
    KeyError
        If it has no table of this name.
    """
    choice: dict[str, Any] = {}
    if part:
        choice["hdu" if kind == "fits" else "table_id"] = int(part) if part.isdigit() else part
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are not standard, and files of several tables
        table = Table.read(path, format=kind, **choice)
        fields = {name: _field(table[name]) for name in table.colnames}
        if kind == "fits":
            fields |= _fits_fields(path, choice.get("hdu"), fields)
    return from_astropy(table), fields


def from_astropy(table: Table) -> pa.Table:
    """Return a table of astropy as one of Arrow: masked values become NULL, arrays become lists."""
    return pa.table({name: _to_arrow(table[name]) for name in table.colnames})


def _field(column: Column) -> Field:
    unit = column.unit.to_string() if column.unit is not None else ""
    return Field(unit, str(column.meta.get("ucd", "")), column.description or "")


def _fits_fields(path: Path, hdu: int | str | None, fields: Mapping[str, Field]) -> dict[str, Field]:
    """Add what astropy's reader leaves in the header: TUCDn and TCOMMn."""
    with fits.open(path) as file:
        chosen = (
            file[hdu] if hdu is not None else next(h for h in file if isinstance(h, fits.BinTableHDU | fits.TableHDU))
        )
        header = chosen.header
        found = {}
        for i, name in enumerate(chosen.columns.names, 1):
            ucd, comment = header.get(f"TUCD{i}", ""), header.get(f"TCOMM{i}", "")
            if name in fields:
                found[name] = Field(fields[name].unit, ucd, comment or fields[name].description)
    return found


def _to_arrow(column: Any) -> Any:
    """Turn one column into an Arrow array; NaN stays NaN, a masked value is NULL."""
    values = np.ma.asarray(column)
    mask = np.ma.getmaskarray(values)
    data = np.asarray(values.data)
    # Arrow knows this machine's byte order alone, FITS is big-endian
    if data.dtype.byteorder not in "=|" and data.dtype.kind not in "SUO":
        data = data.astype(data.dtype.newbyteorder("="))
    # arrays of several lengths, or text of VOTable: one Python object a cell
    if data.dtype.kind == "O":
        return pa.array([None if hidden is True else _plain(v) for v, hidden in zip(data, mask.tolist(), strict=True)])
    if data.dtype.kind == "S":
        data = np.char.decode(data, "utf-8", "replace")
    if data.ndim > 1:
        return _to_lists(data, mask)
    plain = data.tolist() if data.dtype.kind == "U" else data
    return pa.array(plain, type=pa.string() if data.dtype.kind == "U" else None, mask=mask if mask.any() else None)


def _to_lists(data: Any, mask: Any) -> Any:
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
        return value.decode("utf-8", "replace")
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def write_file(
    con: duckdb.DuckDBPyConnection, relation: str, path: Path, kind: str, fields: Mapping[str, Field]
) -> int:
    """Write a relation as FITS or VOTable and return its number of rows; the table is held in memory meanwhile.

    Parameters
    ----------
    con, relation
        Connection, and what stands after ``from``.
    path
        File to write; one that is there is replaced.
    kind
        ``fits`` or ``votable``.
    fields
        Units, UCDs and descriptions of columns.

    Raises
    ------
    StellarError
        If a column holds something that the format has no place for.
    """
    described = con.execute(f"describe from {relation}").fetchall()
    casts = ", ".join(_cast(name, data_type) for name, data_type, *_ in described)
    rows = con.sql(f"select {casts} from {relation}").to_arrow_table()  # noqa: S608
    table = Table()
    for name in rows.column_names:
        table[name] = _to_column(name, rows[name], kind)
        field = fields.get(name, Field())
        table[name].unit = field.unit or None
        table[name].description = field.description or None
        table[name].meta["ucd"] = field.ucd
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are not standard
        _write_fits(table, path) if kind == "fits" else table.write(path, format="votable", overwrite=True)
    return len(table)


def _write_fits(table: Table, path: Path) -> None:
    """Write FITS with the cards that astropy leaves out: TUCDn and TCOMMn."""
    # astropy writes units by itself, but neither UCDs nor comments of columns
    hdu = fits.table_to_hdu(table)
    for i, name in enumerate(table.colnames, 1):
        if table[name].description:
            hdu.header[f"TCOMM{i}"] = table[name].description
        if table[name].meta.get("ucd"):
            hdu.header[f"TUCD{i}"] = table[name].meta["ucd"]
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _cast(name: str, data_type: str) -> str:
    quoted = identifier(name)
    base = data_type.split("(")[0]
    # DECIMAL and TIMESTAMP come with precision or unit in their names, so that the table above cannot list them
    target = "double" if base == "DECIMAL" else "varchar" if base.startswith("TIMESTAMP") else _CASTS.get(base)
    return f"cast({quoted} as {target}) as {quoted}" if target else quoted


def _to_column(name: str, values: pa.ChunkedArray, kind: str) -> Column:
    column = values.combine_chunks()
    nulls = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        return _list_column(name, column, nulls, kind)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        data = np.array(column.fill_null("").to_pylist(), dtype=np.str_)
    elif pa.types.is_boolean(column.type):
        data = column.fill_null(False).to_numpy(zero_copy_only=False)
    elif pa.types.is_floating(column.type):
        # NULL and NaN are one thing in both formats
        return Column(column.to_numpy(zero_copy_only=False))
    elif pa.types.is_integer(column.type):
        data = column.fill_null(0).to_numpy(zero_copy_only=False)
    else:
        raise StellarError(
            f"the column {name} is {column.type}, which neither FITS nor VOTable can hold; write Parquet or leave it out"
        )
    return MaskedColumn(data, mask=nulls) if nulls.any() else Column(data)


def _list_column(name: str, column: Any, nulls: Any, kind: str) -> Column:
    """Return lists of one length as a column of arrays, NaN where there is none; VOTable may hold other lengths."""
    lengths = set(pa.compute.list_value_length(column).drop_null().to_pylist())
    if len(lengths) <= 1:
        # a column of NULLs throughout becomes one NaN a row
        width = lengths.pop() if lengths else 1
        items = column.flatten()
        if pa.types.is_floating(items.type):
            data = np.full((len(column), width), np.nan, dtype=items.type.to_pandas_dtype())
            data[~nulls] = items.to_numpy(zero_copy_only=False).reshape(-1, width)
            return Column(data)
        if not nulls.any() and not items.null_count:
            return Column(np.array(items.to_pylist()).reshape(-1, width))
    elif kind == "votable":
        cells = np.empty(len(column), dtype=object)
        cells[:] = [np.ma.masked_invalid(np.array(v if v is not None else [], dtype=float)) for v in column.to_pylist()]
        return MaskedColumn(cells)
    raise StellarError(
        f"the column {name} holds lists that {kind} has no place for (of several lengths, or integers with gaps); write Parquet"
    )
