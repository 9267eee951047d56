"""FITS binary tables, streamed: what was a value stays that value, what was NULL stays NULL."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from astropy.io import fits

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.storable import Storable, first_with, storable_columns
from stellarfm.sql_text import identifier

_CODES = {
    "BOOLEAN": "L", "UTINYINT": "B", "SMALLINT": "I", "INTEGER": "J", "BIGINT": "K", "UBIGINT": "K", "FLOAT": "E", "DOUBLE": "D",
    "VARCHAR": "A",
}  # fmt: skip
_LIMITS = {"UTINYINT": (0, 255)} | {
    kind: (-(1 << bits - 1), (1 << bits - 1) - 1) for kind, bits in (("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64))
}
_SIGN = 1 << 63
"""TZERO of unsigned numbers of 64 bits (FITS 4.0, table 20)."""

_BATCH = 65_536


@dataclass(frozen=True)
class _Column:
    """One column of the table: its values, how many of a row, and the number that stands for NULL."""

    source: Storable
    width: int = 1
    null: int | None = None
    about: Field = field(default_factory=Field)

    @property
    def is_unsigned(self) -> bool:
        """Whether its numbers are stored less 2^63."""
        return self.source.kind == "UBIGINT"

    @property
    def form(self) -> str:
        """TFORMn."""
        is_many = self.source.is_list or self.source.kind == "VARCHAR"
        return f"{self.width if is_many else ''}{_CODES[self.source.kind]}"


def write_fits(con: duckdb.DuckDBPyConnection, relation: str, path: Path, fields: Mapping[str, Field]) -> int:
    """Write a relation as a FITS binary table and return its number of rows.

    Parameters
    ----------
    con, relation
        Connection, and what stands after ``from``.
    path
        File to write.
    fields
        Units, UCDs and descriptions of columns: TUNITn, TUCDn and TCOMMn.

    Raises
    ------
    StellarError
        If a column holds something that FITS has no place for: text that is not ASCII, lists of several lengths.
    """
    refuse_text(con, relation, storable_columns(con, relation))
    columns = [
        _plan(con, relation, source, fields.get(source.name, Field())) for source in storable_columns(con, relation)
    ]
    rows = int(con.execute(f"select count(*) from {relation}").fetchall()[0][0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are not standard
        header = _header(columns, rows)
    listed = ", ".join(f"{column.source.sql} as {identifier(column.source.name)}" for column in columns)
    stream = fits.StreamingHDU(str(path), header)
    try:
        for batch in con.sql(f"select {listed} from {relation}").to_arrow_reader(_BATCH):
            if batch.num_rows:
                stream.write(_records(columns, batch).view(np.uint8))
    finally:
        stream.close()
    return rows


def refuse_text(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Storable]) -> None:
    """Refuse names and texts that are not ASCII.

    Raises
    ------
    StellarError
        If there is one; names column, row and value.
    """
    for column in columns:
        if not column.name.isascii() or not column.name.isprintable():
            raise StellarError(
                f"the column {column.name} has a name that FITS cannot hold, only ASCII; write VOTable or Parquet"
            )
    texts = [column for column in columns if column.kind == "VARCHAR" and not column.is_list]
    if not texts:
        return
    # one scan for all; a second one, for the message, only if something is wrong
    odd = {column.name: f"regexp_matches({column.sql}, '[^\\x20-\\x7E]')" for column in texts}
    counts = con.execute(
        f"select {', '.join(f'count(*) filter ({o})' for o in odd.values())} from {relation}"
    ).fetchall()[0]
    for column, count in zip(texts, counts, strict=True):
        if count:
            row, value = first_with(con, relation, column, "regexp_matches(v, '[^\\x20-\\x7E]')") or (0, "")
            raise StellarError(
                f"the column {column.name} has {value[:60]!r} in row {row:,}, and FITS holds printable ASCII alone; "
                "write VOTable or Parquet"
            )


def _plan(con: duckdb.DuckDBPyConnection, relation: str, source: Storable, about: Field) -> _Column:
    if source.is_list:
        return _plan_list(con, relation, source, about)
    column = _Column(source, about=about)
    if source.kind == "VARCHAR":
        widest = con.execute(f"select max(strlen({source.sql})) from {relation}").fetchall()[0][0]
        return replace(column, width=max(1, widest or 1))
    if source.kind in (*_LIMITS, "UBIGINT"):
        gaps, low, high = con.execute(
            f"select count(*) - count({source.sql}), min({source.sql}), max({source.sql}) from {relation}"
        ).fetchall()[0]
        return _plan_whole(con, relation, column, bool(gaps), low, high)
    return column


def _plan_whole(
    con: duckdb.DuckDBPyConnection, relation: str, column: _Column, has_gaps: bool, low: int | None, high: int | None
) -> _Column:
    """Choose the number that stands for NULL: one that no row has."""
    source = column.source
    if source.kind == "UBIGINT":
        if high is None or high < _SIGN:
            source = replace(source, sql=f"cast({source.sql} as bigint)", kind="BIGINT")
        elif has_gaps:
            # a TNULL of these is read in two ways, before and after TZERO: as text there is one
            text = replace(source, sql=f"cast({source.sql} as varchar)", kind="VARCHAR")
            return _plan(con, relation, text, column.about)
        else:
            return column
    column = replace(column, source=source)
    if not has_gaps:
        return column
    least, most = _LIMITS[source.kind]
    if low is None or low > least:
        return replace(column, null=least)
    if high is not None and high < most:
        return replace(column, null=most)
    return _plan_crowded(con, relation, column)


def _plan_crowded(con: duckdb.DuckDBPyConnection, relation: str, column: _Column) -> _Column:
    """Choose NULL for a column with both the smallest and the largest number of its type: the next type has room."""
    source = column.source
    wider = {"UTINYINT": "SMALLINT", "SMALLINT": "INTEGER", "INTEGER": "BIGINT"}.get(source.kind)
    if wider:
        return replace(
            column, source=replace(source, sql=f"cast({source.sql} as {wider})", kind=wider), null=_LIMITS[wider][0]
        )
    # few numbers are taken, and one of these many is free
    taken = {row[0] for row in con.execute(f"select distinct {source.sql} from {relation}").fetchall()}
    return replace(column, null=next(number for number in range(-9999, 1 << 62) if number not in taken))


def _plan_list(con: duckdb.DuckDBPyConnection, relation: str, source: Storable, about: Field) -> _Column:
    """Return lists of one length as a column of arrays; a list without value becomes one of NaN."""
    shortest, longest, gaps, holes = con.execute(
        f"select min(len(v)), max(len(v)), count(*) - count(v), count(*) filter (len(v) <> list_count(v)) "
        f"from (select {source.sql} as v from {relation})"
    ).fetchall()[0]
    is_floating = source.kind in ("FLOAT", "DOUBLE")
    if shortest != longest or source.kind == "VARCHAR" or ((gaps or holes) and not is_floating):
        raise StellarError(
            f"the column {source.name} holds lists that fits has no place for (of several lengths, of text, or "
            "integers with gaps); write Parquet"
        )
    if source.kind == "UBIGINT":
        raise StellarError(
            f"the column {source.name} holds lists of unsigned numbers, which fits has no place for; write Parquet"
        )
    return _Column(source, width=longest if longest is not None else 1, about=about)


def _header(columns: Sequence[_Column], rows: int) -> fits.Header:
    made = [
        fits.Column(
            column.source.name,
            column.form,
            unit=column.about.unit or None,
            null=column.null,
            bzero=_SIGN if column.is_unsigned else None,
        )
        for column in columns
    ]
    header = fits.BinTableHDU.from_columns(made, nrows=0).header
    header["NAXIS2"] = rows
    for i, column in enumerate(columns, 1):
        if column.about.description:
            header[f"TCOMM{i}"] = column.about.description.encode("ascii", "replace").decode()
        if column.about.ucd:
            header[f"TUCD{i}"] = column.about.ucd
    return header


def _records(columns: Sequence[_Column], batch: pa.RecordBatch) -> Any:
    """Return the rows as the bytes of the file."""
    kind = np.dtype([(f"c{i}", *_stored(column)) for i, column in enumerate(columns)])
    records = np.zeros(batch.num_rows, kind)
    for i, column in enumerate(columns):
        records[f"c{i}"] = _values(column, batch.column(i))
    return records


def _stored(column: _Column) -> tuple[Any, ...]:
    if column.source.kind == "VARCHAR":
        return (f"S{column.width}",)
    code = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}[
        _CODES[column.source.kind]
    ]
    return (code, (column.width,)) if column.source.is_list else (code,)


def _values(column: _Column, array: pa.Array) -> Any:
    source = column.source
    if source.is_list:
        return _list_values(column, array)
    if source.kind == "VARCHAR":
        return np.array([(text or "").encode("ascii") for text in array.to_pylist()], f"S{column.width}")
    if source.kind == "BOOLEAN":
        known = array.fill_null(False).to_numpy(zero_copy_only=False)
        gaps = array.is_null().to_numpy(zero_copy_only=False)
        return np.where(gaps, 0, np.where(known, ord("T"), ord("F")))
    if source.kind in ("FLOAT", "DOUBLE"):
        return array.to_numpy(zero_copy_only=False)  # NULL and NaN are one thing in FITS
    numbers = array.fill_null(column.null or 0).to_numpy(zero_copy_only=False)
    return (numbers ^ np.uint64(_SIGN)).view(np.int64) if column.is_unsigned else numbers


def _list_values(column: _Column, array: pa.Array) -> Any:
    gaps = array.is_null().to_numpy(zero_copy_only=False)
    items = array.flatten().to_numpy(zero_copy_only=False)
    if column.source.kind == "BOOLEAN":
        items = np.where(items.astype(bool), ord("T"), ord("F"))
    values = np.full(
        (len(array), column.width),
        np.nan if column.source.kind in ("FLOAT", "DOUBLE") else 0,
        dtype=items.dtype if len(items) else None,
    )
    values[~gaps] = items.reshape(-1, column.width)
    return values
