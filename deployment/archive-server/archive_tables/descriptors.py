"""Resource descriptors of DaCHS: one a schema, made from the columns of the tables."""

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import pyarrow as pa

from archive_tables.served import ServedTable

_SQL_TYPES = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.large_string(): "text",
}

_UNITS = {
    "deg": ["ra", "dec", "l", "b", "ecl_lat", "glon", "glat", "err_ang"],
    "mas": ["parallax", "parallax_error", "ra_error", "dec_error", "gaiaedr3_parallax", "gaiaedr3_parallax_error"],
    "mas/yr": ["pmra", "pmra_error", "pmdec", "pmdec_error"],
    "km/s": ["radial_velocity", "vhelio_avg", "verr"],
    "arcsec": ["angular_distance", "err_maj", "err_min", "prox"],
    "K": ["teff", "teff_err"],
    "mag": ["j_m", "h_m", "k_m", "ks_m", "j_msigcom", "h_msigcom", "k_msigcom", "ks_msigcom", "bp_rp"],
    "d": ["jdate", "j_date"],
    "yr": ["ref_epoch"],
}
UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}

_UCDS = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main", "source_id": "meta.id"}


def sql_type(arrow_type: pa.DataType, name: str) -> str:
    """Return the PostgreSQL type that keeps every value of an Arrow type.

    Raises
    ------
    SystemExit
        If there is none.
    """
    if pa.types.is_list(arrow_type) or pa.types.is_fixed_size_list(arrow_type):
        return sql_type(arrow_type.value_type, name) + "[]"
    if arrow_type not in _SQL_TYPES:
        raise SystemExit(f"archive-server: column {name} has the type {arrow_type}, which no archive serves")
    return _SQL_TYPES[arrow_type]


def descriptor(schema: str, tables: Sequence[ServedTable]) -> str:
    """Return the descriptor of a schema; its tables are made empty, as DaCHS takes 550 wide rows a second."""
    lines = [
        f"<resource schema={quoteattr(schema)}>",
        f'  <meta name="title">{schema} on loopback</meta>',
        '  <meta name="creationDate">2026-11-25T00:00:00Z</meta>',
        '  <meta name="description">Tables of a landing under the names that the archive gives them.</meta>',
        '  <meta name="subject">surveys</meta>',
    ]
    for table in tables:
        lines += _table(table)
    lines += ['  <data id="import">', *(f'    <make table="{table.name}"/>' for table in tables), "  </data>"]
    return "\n".join([*lines, "</resource>", ""])


def _table(table: ServedTable) -> list[str]:
    names = table.rows.column_names
    attributes = f'id="{table.name}" onDisk="True" adql="True"'
    if table.primary:
        attributes += f' primary="{table.primary}"'
    if "ra" in names and "dec" in names:
        attributes += ' mixin="//scs#q3cindex"'
    lines = [f"  <table {attributes}>", f'    <meta name="description">{table.description}</meta>']
    lines += [f'    <index columns="{name}"/>' for name in table.indexed]
    lines += [_column(field, table.primary) for field in table.rows.schema]
    return [*lines, "  </table>"]


def _column(field: pa.Field, primary: str | None) -> str:
    name, kind = field.name, sql_type(field.type, field.name)
    attributes = f'name="{name}" type="{kind}" description={quoteattr(name.replace("_", " "))}'
    if name in UNIT_OF:
        attributes += f' unit="{UNIT_OF[name]}"'
    if name in _UCDS:
        attributes += f' ucd="{_UCDS[name]}"'
    if name == primary:
        attributes += ' required="True"'
    elif pa.types.is_integer(field.type):
        # FITS and VOTable need a number that means "no value"; the smallest one occurs in no survey
        smallest = -(2 ** (field.type.bit_width - 1))
        return f'    <column {attributes}><values nullLiteral="{smallest}"/></column>'
    return f"    <column {attributes}/>"
