"""FITS tables, read as they are stored: NULL of each type, logicals of three values, unsigned numbers."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.arrow import Columns, decode, native, to_lists


def read_fits(path: Path, part: str = "") -> Columns:
    """Read a table of a FITS file; masked values are NULL, arrays are lists.

    Parameters
    ----------
    path
        The file.
    part
        Name or number of the extension, "" for the first table.

    Raises
    ------
    StellarError
        If it has no table, or none of this name or number.
    OSError, KeyError, IndexError
        If it is cut short or has no such extension, as astropy finds it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units and keywords that are not standard
        # logicals as bytes: astropy would make "not known" false
        with fits.open(path, logical_as_bytes=True, memmap=True) as file:
            hdu = _choose(file, path, part)
            arrays, names, notes = _columns(hdu)
            return Columns(arrays, names, _fields(hdu), notes)


def _choose(file: fits.HDUList, path: Path, part: str) -> Any:
    tables = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
    if not tables:
        raise StellarError(f"{path} has no table, only images; name a file with a table")
    if not part:
        return tables[0]
    places = {str(place): hdu for place, hdu in enumerate(file)} | {hdu.name.lower(): hdu for hdu in tables if hdu.name}
    wanted = places.get(part.lower())
    if wanted not in tables:
        known = ", ".join(
            str(place) + f" ({hdu.name})" * bool(hdu.name) for place, hdu in enumerate(file) if hdu in tables
        )
        raise StellarError(f"{path} has no table {part}; tables are {known}")
    return wanted


def _columns(hdu: Any) -> tuple[list[pa.Array], list[str], tuple[str, ...]]:
    arrays, names, left_out = [], [], []
    for place, column in enumerate(hdu.columns):
        array = _column(hdu, place, column)
        if array is None:
            left_out.append(column.name)
        else:
            arrays.append(array)
            names.append(column.name)
    notes = (f"left out, since complex numbers have no place elsewhere: {', '.join(left_out)}",) if left_out else ()
    return arrays, names, notes


def _column(hdu: Any, place: int, column: Any) -> pa.Array | None:
    data = np.asarray(hdu.data.field(place))
    if data.dtype.kind == "c":
        return None
    if isinstance(hdu, fits.TableHDU):
        return _letters(data, np.rec.recarray.field(hdu.data, place), column)
    stored = np.rec.recarray.field(hdu.data, place)
    if column.format.format == "L":
        stored = np.asarray(stored).view(np.uint8)
        return _masked(stored == ord("T"), ~np.isin(stored, (ord("T"), ord("F"))))
    if data.dtype.kind in "SU":
        text = np.char.rstrip(decode(data) if data.dtype.kind == "S" else data)
        return _masked(text, text == "")
    if data.dtype.kind == "O":
        return pa.array([_cell(cell) for cell in data])
    # by what is stored: TNULL knows nothing of TZERO (FITS 4.0, section 7.3.2)
    null = column.null
    mask = np.asarray(stored) == null if null is not None and stored.dtype.kind in "iu" else np.zeros(data.shape, bool)
    return _masked(native(data), mask)


def _letters(data: Any, stored: Any, column: Any) -> pa.Array:
    """Return a column of a table of letters, in which TNULL or a blank number is NULL (FITS 4.0, section 7.2.4)."""
    text = np.char.strip(decode(np.asarray(stored)))
    null = None if column.null is None else str(column.null).strip()
    if data.dtype.kind in "SU":
        kept = np.char.rstrip(decode(data) if data.dtype.kind == "S" else data)
        return _masked(kept, (kept == "") | (text == null))
    return _masked(native(data), (text == "") | (text == null))


def _cell(cell: Any) -> Any:
    if isinstance(cell, str | bytes):
        return decode(np.array([cell]))[0].rstrip() if isinstance(cell, bytes) else cell.rstrip()
    if getattr(cell, "dtype", np.dtype(float)).kind in "SU":
        return "".join(decode(np.asarray(cell)).tolist()) if cell.dtype.kind == "S" else "".join(cell.tolist())
    return np.asarray(cell).tolist()


def _masked(data: Any, mask: Any) -> pa.Array:
    if data.ndim > 1:
        return to_lists(data, mask)
    kind = pa.string() if data.dtype.kind == "U" else None
    return pa.array(data.tolist() if kind else data, type=kind, mask=mask if mask.any() else None)


def _fields(hdu: Any) -> dict[str, Field]:
    """Return unit, UCD and description: TUNITn, TUCDn and TCOMMn."""
    found: Mapping[str, Any] = hdu.header
    return {
        name: Field(str(found.get(f"TUNIT{i}", "")), str(found.get(f"TUCD{i}", "")), str(found.get(f"TCOMM{i}", "")))
        for i, name in enumerate(hdu.columns.names, 1)
    }
