"""VOTable through astropy: names over IDs, and what a service says of its own result."""

import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.io import votable
from astropy.io.votable.tree import TableElement, VOTableFile

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.arrow import Columns, to_arrow


def read_votable(path: Path, part: str = "") -> Columns:
    """Read a table of a VOTable file; masked values are NULL, arrays are lists.

    Parameters
    ----------
    path
        The file.
    part
        Name, ID or number of the table, "" for the first.

    Raises
    ------
    StellarError
        If it has no table, or none of this name or number, or is the message of an error.
    ValueError, IndexError
        If it is not XML, or cut short.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that are not standard
        document = votable.parse(str(path), verify="ignore")
        notes = _status(document, str(path))
        element = _choose(document, path, part)
        array = element.array
        # by place: neither names nor IDs need be unique
        columns = zip(array.dtype.names or (), element.fields, strict=True)
        arrays = [_to_arrow(array[key], field) for key, field in columns]
        return Columns(arrays, [field.name or field.ID for field in element.fields], _fields(element), notes)


def _to_arrow(values: Any, field: Any) -> pa.Array:
    array = to_arrow(values)
    # all cells empty: Arrow would know no type
    is_text = field.datatype in ("char", "unicodeChar")
    return array.cast(pa.string()) if pa.types.is_null(array.type) and is_text else array


def _choose(document: VOTableFile, path: Path, part: str) -> TableElement:
    tables = list(document.iter_tables())
    if not tables:
        raise StellarError(f"{path} has no table; name a VOTable that has one")
    if not part:
        return tables[0]
    if part.isdigit():
        return tables[int(part)]
    wanted = [table for table in tables if part in (table.ID, table.name)]
    if not wanted:
        names = ", ".join(str(table.name or table.ID or place) for place, table in enumerate(tables))
        raise StellarError(f"{path} has no table {part}; it has {names}")
    return wanted[0]


def _fields(element: TableElement) -> dict[str, Field]:
    return {
        field.name or field.ID: Field(
            field.unit.to_string() if field.unit is not None else "", field.ucd or "", (field.description or "").strip()
        )
        for field in element.fields
    }


def _status(document: VOTableFile, called: str) -> tuple[str, ...]:
    """Return what the service says of the result: DALI's QUERY_STATUS.

    Raises
    ------
    StellarError
        If the result is an error.
    """
    infos = [info for resource in document.resources for info in resource.infos if info.name == "QUERY_STATUS"]
    for info in infos:
        if info.value == "ERROR":
            raise StellarError(f"{called} is no result but the error of a service: {str(info.content or '').strip()}")
    if any(info.value == "OVERFLOW" for info in infos):
        return (
            f"{called} holds only a part of its result: the service stopped at its limit of rows (QUERY_STATUS is OVERFLOW); "
            "what a server gives first is no sample, so ask again with a higher limit",
        )
    return ()
