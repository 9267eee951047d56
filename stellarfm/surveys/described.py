"""What a TAP service says of its tables: names, types, units, UCDs and descriptions of their columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_FAMILIES = {
    "integer": ("short", "int", "long", "smallint", "integer", "bigint", "tinyint", "unsignedbyte"),
    "number": ("float", "double", "real", "float[]", "double precision"),
    "text": ("char", "varchar", "unicodechar", "string", "text", "clob"),
    "logical": ("boolean", "bool", "logical"),
}
_FAMILY_OF = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}


def family_of(kind: str) -> str:
    """Return ``integer``, ``number``, ``text`` or ``logical`` for a type of TAP or of DuckDB, "" for another."""
    # VARCHAR(*), adql:BIGINT, votable:double, real[3]
    bare = re.sub(r"\(.*?\)|\[.*?\]|^\w+:", "", kind.strip().lower())
    return _FAMILY_OF.get(bare, "")


@dataclass(frozen=True)
class DescribedColumn:
    """What a service says of a column; "" where it says nothing.

    Attributes
    ----------
    name, kind, unit, ucd, description
        As in TAP_SCHEMA.columns.
    """

    name: str
    kind: str = ""
    unit: str = ""
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class TapSchema:
    """What a service says of its tables.

    Attributes
    ----------
    called
        What it is called in messages.
    tables
        Columns of each table by its name, in the order of the service.
    """

    called: str
    tables: Mapping[str, tuple[DescribedColumn, ...]]

    def find(self, name: str) -> tuple[DescribedColumn, ...] | None:
        """Return the columns of a table; quotes, case and a schema that we do not name make no difference."""
        wanted = plain(name)
        for table, columns in self.tables.items():
            there = plain(table)
            if there == wanted or ("." not in wanted and there.endswith(f".{wanted}")):
                return columns
        return None

    @property
    def schemas(self) -> list[str]:
        """Schemas of the tables."""
        return sorted({table.partition(".")[0] for table in self.tables if "." in table})


def plain(name: str) -> str:
    """Return the name of a table or column without quotes, in lower case."""
    return name.replace('"', "").lower()
