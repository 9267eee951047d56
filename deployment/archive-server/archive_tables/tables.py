"""What a table of an archive is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class ServedTable:
    """One table of an archive.

    Attributes
    ----------
    schema, name
        As a query names it: ``schema.name``.
    description
        What TAP says of it.
    rows
        The rows; column names are in lower case.
    primary
        The column that identifies a row, if one does.
    indexed
        Columns that queries select by.
    units
        Units of columns that have another one here than in other tables.
    """

    schema: str
    name: str
    description: str
    rows: pa.Table
    primary: str | None = None
    indexed: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
