"""XP continuous mean spectra as Gaia's DataLink sends them (RAW): CSV, FITS or VOTable to the table of the landing.

Coefficients arrive as double and errors as float; the landing keeps both as float32, each value rounded once. In CSV an
array is text, ``"(1.0, 2.0, …)"`` or ``"[1.0, 2.0, …]"``. A star without a band has NULL in all columns of that band.
"""

import io
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.landing.schema import TableSchema
from stellarfm.limits import gunzip
from stellarfm.surveys.profile import Survey, Xp

RawFormat = Literal["csv", "ecsv", "fits", "votable"]

TABLE = "xp_continuous_mean_spectrum"
"""Table of the landing."""

# the archive writes "null" in CSV and NaN elsewhere; both stand for unknown
_NULLS = ["", "null", "NULL", "nan", "NaN"]
_CSV_BLOCK_BYTES = 1 << 24
"""A row with its correlations has some 50 kB, and a block must hold at least one."""


_TRANSIT = "transit_id"
"""A column that only spectra of single transits have, one row each."""


class _EpochSpectraError(Exception):
    """The rows are transits, not stars."""


def _refuse_epochs(names: Collection[str]) -> None:
    if _TRANSIT in names:
        raise _EpochSpectraError


@dataclass(frozen=True)
class _Layout:
    """What an answer must have: the landing's columns, and the numbers of each array."""

    schema: pa.Schema
    xp: Xp

    def num_of(self, name: str) -> int:
        """Return how many numbers an array has, by the band that its name begins with."""
        return self.xp.num_of(name[:2])


def read_raw(path_or_bytes: str | Path | bytes, format: RawFormat, survey: Survey) -> pa.Table:
    """Read one answer of DataLink.

    Parameters
    ----------
    path_or_bytes
        The file, or its content.
    format
        ``csv``, ``ecsv``, ``fits`` or ``votable``.
    survey
        Profile of the release, which says how many coefficients each band has.

    Returns
    -------
    pyarrow.Table
        One row a star in the order of the file, columns as in the landing.

    Raises
    ------
    StellarError
        If it is not such a file, or cut short, or lacks a column, or an array does not have as many numbers as the release
        says.
    """
    called = "the answer" if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
    reader = {"csv": _read_csv, "ecsv": _read_ecsv, "fits": _read_fits, "votable": _read_votable}[format]
    assert survey.xp is not None, "a release with a table of spectra says how many coefficients they have"
    layout = _Layout(TableSchema.of_table(survey.tables[TABLE]).empty().schema, survey.xp)
    try:
        source = io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
        return _assemble(reader(source, layout), layout)
    except _EpochSpectraError as error:
        raise StellarError(
            f"{called} holds spectra of single transits (it has the column {_TRANSIT}); a star is described by its mean "
            f"spectrum: ask for {survey.xp.retrieval_type}"
        ) from error
    except KeyError as error:
        raise StellarError(
            f"{called} has no column {error.args[0]}; XP continuous mean spectra need {', '.join(layout.schema.names)}"
        ) from error
    except (OSError, ValueError, TypeError, IndexError) as error:  # pa.ArrowInvalid is a ValueError
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise StellarError(
            f"{called} cannot be read as XP continuous mean spectra in {format} ({first}); fetch it again"
        ) from error


def _assemble(columns: dict[str, Any], layout: _Layout) -> pa.Table:
    """Put columns into the landing's schema; what belongs to a band that is not there is NULL."""
    arrays = []
    for field in layout.schema:
        if field.name not in columns:
            raise KeyError(field.name)
        values = columns[field.name]
        if field.name != "source_id":
            # relevant bases and errors of a band without coefficients say nothing
            known = columns[f"{field.name[:2]}_coefficients"].is_valid()
            values = pc.if_else(known, values, pa.scalar(None, values.type))
        # safe for numbers, which must not change; lists were rounded to float32 before
        arrays.append(values.cast(field.type, safe=not pa.types.is_list(field.type)))
    return pa.table(arrays, schema=layout.schema)


def _lists(values: NDArray[Any], counts: NDArray[Any], expected: int) -> pa.ListArray:
    """Return arrays as float32 lists, NULL where a star has none.

    Parameters
    ----------
    values
        All numbers, one star after the other.
    counts
        How many each star has: `expected` or 0.
    expected
        Numbers of each array.
    """
    wrong = (counts != 0) & (counts != expected)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"row {row + 1} has an array of {counts[row]} numbers, not {expected}")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    # an error beyond the range of float32 becomes infinity, and no warning a row
    with np.errstate(over="ignore"):
        items = pa.array(np.ascontiguousarray(values).astype(np.float32))
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=pa.array(counts == 0))


# CSV


def _read_csv(source: Any, layout: _Layout) -> dict[str, Any]:
    from pyarrow import csv

    _refuse_epochs(_head_of_csv(source))
    arrays = [field.name for field in layout.schema if pa.types.is_list(field.type)]
    kinds = {field.name: pa.string() if field.name in arrays else field.type for field in layout.schema}
    table = csv.read_csv(
        source,
        read_options=csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
        convert_options=csv.ConvertOptions(
            column_types=kinds, null_values=_NULLS, strings_can_be_null=True, include_columns=list(kinds),
            include_missing_columns=False,
        ),
    )  # fmt: skip
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    return columns | {name: _parse_arrays(columns[name], layout.num_of(name)) for name in arrays}


def _head_of_csv(source: Any) -> list[str]:
    with Path(source).open("rb") if isinstance(source, str) else io.BytesIO(source.getvalue()) as stream:
        line = stream.readline()
        if line[:2] == b"\x1f\x8b":
            line = _unzipped(line + stream.read()).partition(b"\n")[0]
    return [name.strip().strip('"') for name in line.decode("utf-8", "replace").split(",")]


def _read_ecsv(source: Any, layout: _Layout) -> dict[str, Any]:
    """Read CSV below a head of comments that say types and units, which the landing knows."""
    content = _unzipped(Path(source).read_bytes() if isinstance(source, str) else source.getvalue())
    body = b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"#"))
    return _read_csv(io.BytesIO(body), layout)


def _parse_arrays(texts: pa.StringArray, expected: int) -> pa.ListArray:
    """Parse ``(1.0, 2.0)`` or ``[1.0, 2.0]``; the numbers of all rows at once."""
    bare = pc.replace_substring_regex(texts, r"[\s()\[\]]", "")
    parts = pc.split_pattern(pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare), ",")
    counts = pc.fill_null(pc.list_value_length(parts), 0).to_numpy()
    return _lists(parts.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False), counts, expected)


# FITS


def _read_fits(source: Any, layout: _Layout) -> dict[str, Any]:
    """Read the rows and the heap of variable-length arrays as they lie, without a Python object a row."""
    from astropy.io import fits

    if isinstance(source, str):
        source = io.BytesIO(Path(source).read_bytes())
    # astropy does not rewind a stream that is not zipped, and fails: it gets the plain bytes
    content = _unzipped(source.getvalue())
    with warnings.catch_warnings(), fits.open(io.BytesIO(content), lazy_load_hdus=False) as file:
        warnings.simplefilter("ignore")  # units that are not standard
        hdu = next((h for h in file if isinstance(h, fits.BinTableHDU)), None)
        if hdu is None:
            raise ValueError("it has no table")
        header, place, names = hdu.header, hdu.fileinfo()["datLoc"], hdu.columns.names
        _refuse_epochs(names)
        formats = {column.name: str(column.format) for column in hdu.columns}
        nulls = {column.name: column.null for column in hdu.columns}
        # FITS is big-endian, whatever astropy made of the descriptors
        kind = hdu.columns.dtype.newbyteorder(">")
    num_rows, width = header["NAXIS2"], header["NAXIS1"]
    # THEAP is counted from the first row; the heap follows the table where it is not given (FITS standard 4.0, section 7.3)
    heap_place = place + header.get("THEAP", num_rows * width)
    heap_end = place + num_rows * width + header["PCOUNT"]
    if heap_end > len(content) or kind.itemsize != width:
        raise ValueError(f"it is cut short: {len(content):,} of {heap_end:,} bytes")
    rows = np.frombuffer(content, kind, num_rows, place)
    heap = np.frombuffer(content, np.uint8, heap_end - heap_place, heap_place)
    found: dict[str, Any] = {}
    for field in layout.schema:
        if field.name not in names:
            continue
        values = rows[field.name]
        if pa.types.is_list(field.type):
            found[field.name] = _from_fits_arrays(values, formats[field.name], heap, layout.num_of(field.name))
        else:
            native = values.astype(values.dtype.newbyteorder("="))
            null = nulls[field.name]
            # TNULL is defined for integers alone; NaN is NULL for floating point
            mask = native == null if native.dtype.kind in "iu" and null not in (None, "") else np.isnan(native)
            found[field.name] = pa.array(native, mask=mask)
    return found


def _unzipped(content: bytes) -> bytes:
    return gunzip(content) if content[:2] == b"\x1f\x8b" else content


def _from_fits_arrays(values: NDArray[Any], form: str, heap: NDArray[np.uint8], expected: int) -> pa.ListArray:
    """Turn a column of arrays, in the row itself or in the heap, into lists."""
    found = re.match(r"\d*([PQ]?)([DE])", form)
    if found is None:
        raise ValueError(f"an array has the FITS format {form}, not E or D")
    if not found[1]:  # fixed length; all NaN stands for none
        there = ~np.isnan(values).all(axis=1)
        return _lists(values[there].reshape(-1), np.where(there, values.shape[1], 0), expected)
    item = np.dtype({"D": ">f8", "E": ">f4"}[found[2]])
    # descriptor of a variable-length array: number of elements, and offset in the heap in bytes
    counts, places = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
    there = counts == expected
    if ((counts != 0) & ~there).any() or not there.any():
        return _lists(np.zeros(0), counts, expected)
    length = expected * item.itemsize
    if (places[there] + length > len(heap)).any():
        raise ValueError("an array lies beyond the end of the file")
    # every window of the heap of one array's length, without a copy; taking those of the stars reads all arrays at once
    windows = np.lib.stride_tricks.sliding_window_view(heap, length)
    return _lists(windows[places[there]].reshape(-1).view(item), counts, expected)


# VOTable


def _read_votable(source: Any, layout: _Layout) -> dict[str, Any]:
    from astropy.io.votable import parse_single_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the archive's files break rules that do not matter
        data = parse_single_table(source, columns=None).array
    _refuse_epochs(data.dtype.names)
    found: dict[str, Any] = {}
    for field in layout.schema:
        if field.name not in data.dtype.names:
            continue
        values = np.ma.asarray(data[field.name])
        if pa.types.is_list(field.type):
            found[field.name] = _from_cells(values, layout.num_of(field.name))
        else:
            native = np.asarray(values.data)
            mask = np.ma.getmaskarray(values) | (np.isnan(native) if native.dtype.kind == "f" else False)
            found[field.name] = pa.array(native.astype(native.dtype.newbyteorder("=")), mask=mask)
    return found


def _from_cells(values: Any, expected: int) -> pa.ListArray:
    """Turn cells of arrays into lists; astropy gives one object a cell, or a table of numbers if all are of one length."""
    if values.dtype.kind != "O":
        there = ~(np.ma.getmaskarray(values).all(axis=1) | np.isnan(values.data).all(axis=1))
        return _lists(values.data[there].reshape(-1), np.where(there, values.shape[1], 0), expected)
    cells = [np.ma.filled(np.ma.asarray(cell, dtype=np.float64), np.nan).reshape(-1) for cell in values.data]
    # a band without a spectrum may come as NaN throughout in place of nothing
    cells = [cell[:0] if len(cell) and np.isnan(cell).all() else cell for cell in cells]
    counts = np.array([len(cell) for cell in cells], dtype=np.int64)
    return _lists(np.concatenate([*cells, np.zeros(0)]), counts, expected)
