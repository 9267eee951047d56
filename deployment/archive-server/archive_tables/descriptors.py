"""Resource descriptors of DaCHS: one a schema, made from the columns of the tables."""

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from archive_tables.tables import ServedTable

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
    "mas": [
        "parallax",
        "parallax_error",
        "ra_error",
        "dec_error",
        "gaiaedr3_parallax",
        "gaiaedr3_parallax_error",
        "tentative_parallax_bias",
    ],
    "mas/yr": ["pmra", "pmra_error", "pmdec", "pmdec_error"],
    "km/s": ["radial_velocity", "vhelio_avg", "verr"],
    "arcsec": ["angular_distance", "err_maj", "err_min", "prox"],
    "K": ["teff", "teff_err"],
    "mag": [
        "j_m",
        "h_m",
        "k_m",
        "ks_m",
        "j_msigcom",
        "h_msigcom",
        "k_msigcom",
        "ks_msigcom",
        "bp_rp",
        "ag",
        "phot_g_mean_mag",
        "phot_bp_mean_mag",
        "phot_rp_mean_mag",
    ],
    "d": ["jdate", "j_date"],
    "yr": ["ref_epoch"],
}
UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}

_UCDS = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main", "source_id": "meta.id"}


def sql_type(column: pa.ChunkedArray, name: str) -> str:
    """Return the PostgreSQL type that keeps every value of a column.

    Raises
    ------
    SystemExit
        If there is none.
    """
    kind, suffix = column.type, ""
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        # DaCHS 2.7 writes arrays to FITS only where their length is declared
        lengths = pc.unique(pc.list_value_length(column.drop_null())).to_pylist()
        kind, suffix = kind.value_type, f"[{lengths[0]}]" if len(lengths) == 1 else "[]"
    if kind not in _SQL_TYPES:
        raise SystemExit(f"archive-server: column {name} has the type {column.type}, which no archive serves")
    return _SQL_TYPES[kind] + suffix


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
    lines += [_column(name, table.rows[name], table.primary, table.units.get(name)) for name in names]
    return [*lines, "  </table>"]


def _column(name: str, column: pa.ChunkedArray, primary: str | None, unit: str | None = None) -> str:
    attributes = f'name="{name}" type="{sql_type(column, name)}" description={quoteattr(name.replace("_", " "))}'
    if unit or name in UNIT_OF:
        attributes += f' unit="{unit or UNIT_OF[name]}"'
    if name in _UCDS:
        attributes += f' ucd="{_UCDS[name]}"'
    if name == primary:
        attributes += ' required="True"'
    elif pa.types.is_integer(column.type):
        # FITS and VOTable need a number that means "no value"; the smallest one occurs in no survey
        smallest = -(2 ** (column.type.bit_width - 1))
        return f'    <column {attributes}><values nullLiteral="{smallest}"/></column>'
    return f"    <column {attributes}/>"
