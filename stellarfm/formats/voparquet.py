"""VOParquet 1.0 (IVOA Note, 2025): a VOTable without rows in a Parquet file says what its columns are."""

import io
import warnings
from collections.abc import Mapping

from stellarfm.fields import Field

VERSION, CONTENT = "IVOA.VOTable-Parquet.version", "IVOA.VOTable-Parquet.content"

_DATATYPES = {
    "BOOLEAN": ("boolean", ""), "UTINYINT": ("unsignedByte", ""), "TINYINT": ("short", ""), "SMALLINT": ("short", ""),
    "USMALLINT": ("int", ""), "INTEGER": ("int", ""), "UINTEGER": ("long", ""), "BIGINT": ("long", ""),
    "UBIGINT": ("unicodeChar", "*"), "FLOAT": ("float", ""), "DOUBLE": ("double", ""),
}  # fmt: skip
"""DuckDB's types as datatype and arraysize of VOTable; any other is text."""


def xml_of_fields(columns: Mapping[str, tuple[str, Field]]) -> str:
    """Return the VOTable that describes columns, given DuckDB's type and what is known of each."""
    from astropy.io.votable import tree

    document = tree.VOTableFile()
    resource = tree.Resource()
    document.resources.append(resource)
    table = tree.TableElement(document)
    resource.tables.append(table)
    for name, (kind, field) in columns.items():
        base, _, size = kind.partition("[")
        datatype, arraysize = _DATATYPES.get(base, ("unicodeChar", "*"))
        arraysize = (size.removesuffix("]") or "*") if size else arraysize
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units that are not standard
            made = tree.Field(
                document,
                name=name,
                datatype=datatype,
                arraysize=arraysize or None,
                unit=field.unit or None,
                ucd=field.ucd or None,
            )
        made.description = field.description or None
        table.fields.append(made)
    stream = io.BytesIO()
    document.to_xml(stream)
    return stream.getvalue().decode()


def fields_of_xml(xml: str) -> dict[str, Field]:
    """Return what a VOTable says of columns, by their names; nothing if it cannot be read."""
    import xml.etree.ElementTree as ElementTree

    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return {}
    found = {}
    for field in root.iter():
        if field.tag.rpartition("}")[2] == "FIELD":
            about = next((one.text or "" for one in field if one.tag.rpartition("}")[2] == "DESCRIPTION"), "")
            found[field.get("name", "")] = Field(_unit(field.get("unit", "")), field.get("ucd", ""), about.strip())
    return {name: field for name, field in found.items() if any(vars(field).values())}


def _unit(text: str) -> str:
    """Return a unit of VOUnits as astropy writes it."""
    if not text:
        return ""
    from astropy import units

    return str(units.Unit(text, format="vounit", parse_strict="silent").to_string())
