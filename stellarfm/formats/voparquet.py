"""VOParquet 1.0 (IVOA Note, 2025): a VOTable without rows in a Parquet file says what its columns are."""

from collections.abc import Mapping
from xml.etree import ElementTree

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
    # without astropy, whose import takes as long as writing a million rows
    root = ElementTree.Element("VOTABLE", {"version": "1.4", "xmlns": "http://www.ivoa.net/xml/VOTable/v1.3"})
    table = ElementTree.SubElement(ElementTree.SubElement(root, "RESOURCE", {"type": "results"}), "TABLE")
    for name, (kind, field) in columns.items():
        base, _, size = kind.partition("[")
        datatype, arraysize = _DATATYPES.get(base, ("unicodeChar", "*"))
        about = {
            "unit": vounit(field.unit),
            "ucd": field.ucd,
            "arraysize": (size.rstrip("]") or "*") if size else arraysize,
        }
        known = {key: value for key, value in about.items() if value}
        element = ElementTree.SubElement(table, "FIELD", {"name": name, "datatype": datatype, **known})
        if field.description:
            ElementTree.SubElement(element, "DESCRIPTION").text = field.description
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def vounit(unit: str) -> str:
    """Return a unit, as astropy writes it, in the form of VOUnits."""
    if not unit or unit.isalpha():
        return unit
    from astropy import units

    try:
        return str(units.Unit(unit).to_string("vounit"))
    except ValueError:
        return unit  # of another standard, or of none: as it was stated


def fields_of_xml(xml: str) -> dict[str, Field]:
    """Return what a VOTable says of columns, by their names; nothing if it cannot be read."""
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
