"""Parquet: one file, or the parts of a folder as one table, with what VOParquet says of the columns."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import duckdb

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.layouts import hive_columns
from stellarfm.formats.opened import ROW, Opened, named
from stellarfm.formats.paths import Address
from stellarfm.formats.storable import keeping_wide
from stellarfm.formats.voparquet import CONTENT, VERSION, fields_of_xml, xml_of_fields
from stellarfm.sql_paths import sql_path
from stellarfm.sql_text import identifier, literal

_COPY = "format parquet, compression snappy, dictionary_size_limit 1000"
"""Dictionaries only for columns of few values: looking for them in every column doubles the time of writing."""

_LARGE_GROUP = 250_000
"""Rows of a Parquet row group that are worth sharing among cores."""

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def open_parquet(con: duckdb.DuckDBPyConnection, address: Address, name: str, numbered: bool) -> Opened:
    """Make Parquet files known to a connection as one table, with all columns that any of them has.

    Raises
    ------
    StellarError
        If a column has types in the parts that no one type holds.
    """
    if len(address.files) == 1 and address.root is None:
        names = _names(con, address.files[0])
        opened = named(name, str(address.path), names, _fields(con, address.files[0]))
        columns = _list(opened)
        alias = f" as parts({columns})" if list(opened.columns) != names or len(set(names)) < len(names) else ""
        con.execute(
            f"create temp view {name} as select *{_row('file_row_number', numbered)} from {_scan(address)}{alias}"
        )
        return opened
    _refuse_mixed_types(con, address)
    hive = hive_columns(address.root, address.files) if address.root else {}
    scan = _scan(address)
    names = [row[0] for row in con.execute(f"describe from {scan}").fetchall()]
    added = _hive_select({k: v for k, v in hive.items() if k.lower() not in map(str.lower, names)})
    # 40 bits for the row within its file, those above for the file: unique, and growing in the order of the files
    row = _row("(file_index::bigint << 40) | file_row_number", numbered)
    con.execute(f"create temp view {name} as select *{''.join(', ' + sql for sql in added.values())}{row} from {scan}")
    return named(name, str(address.path), [*names, *added], _fields(con, address.files[0]))


def _row(number: str, numbered: bool) -> str:
    return f", {number} as {ROW}" if numbered else ""


def _list(opened: Opened) -> str:
    return ", ".join(map(identifier, opened.columns))


def _scan(address: Address) -> str:
    files = ", ".join(map(sql_path, address.files))
    # a folder's name on the way says nothing of the rows: DuckDB would put it in place of a column of that name
    union = ", union_by_name = true" if len(address.files) > 1 else ""
    return f"read_parquet([{files}], hive_partitioning = false{union})"


def _names(con: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    """Return the columns of a file as it writes them; DuckDB's reader renames those that differ in case alone."""
    nodes = con.execute(f"select name, coalesce(num_children, 0) from parquet_schema({sql_path(file)})").fetchall()
    names, inside = [], [nodes[0][1]]
    # the nodes of the tree in the order of a walk, the root first
    for name, children in nodes[1:]:
        if len(inside) == 1:
            names.append(name)
        inside[-1] -= 1
        inside.append(children)
        while len(inside) > 1 and not inside[-1]:
            inside.pop()
    return names


def _hive_select(columns: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the columns that names of folders add, as SQL, by their names."""
    found = {}
    for key, values in columns.items():
        listed = ", ".join("null" if value == _HIVE_NULL else literal(value) for value in values)
        whole = all(value == _HIVE_NULL or re.fullmatch("0|-?[1-9][0-9]{0,17}", value) for value in values)
        found[key] = (
            f"cast([{listed}][file_index::bigint + 1] as {'bigint' if whole else 'varchar'}) as {identifier(key)}"
        )
    return found


def _refuse_mixed_types(con: duckdb.DuckDBPyConnection, address: Address) -> None:
    """Refuse parts whose types do not fit together.

    Raises
    ------
    StellarError
        If a column holds numbers in one part and something else in another, or names differ in case alone.
    """
    files = ", ".join(map(sql_path, address.files))
    found = con.execute(
        "select lower(name) as key, list(distinct duckdb_type order by duckdb_type), list(distinct name order by name), "
        "arg_min(file_name, file_name), arg_max(file_name, file_name), min(duckdb_type), "
        f"arg_min(file_name, duckdb_type), max(duckdb_type), arg_max(file_name, duckdb_type) "
        f"from parquet_schema([{files}]) where num_children is null and duckdb_type is not null "
        # a column without any value fits every other
        f"and duckdb_type <> '\"NULL\"' group by key "
        "having count(distinct duckdb_type) > 1 or count(distinct name) > 1"
    ).fetchall()
    for _, types, names, _, _, low, low_file, high, high_file in found:
        if len(names) > 1:
            raise StellarError(
                f"{address.path}: its parts have the columns {' and '.join(names)}, which differ in case alone; "
                "give them one name"
            )
        if not _fit(con, address, names[0], types):
            raise StellarError(
                f"{address.path}: the column {names[0]} is {low} in {Path(low_file).name} and {high} in "
                f"{Path(high_file).name}, and no one type holds both; give the parts one type"
            )


def _fit(con: duckdb.DuckDBPyConnection, address: Address, column: str, types: list[str]) -> bool:
    bases = {kind.split("(")[0] for kind in types}
    if bases <= set(_WHOLE):
        return True
    if bases <= {*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL"}:
        if not bases & {"BIGINT", "UBIGINT"}:
            return True
        # as DOUBLE, which holds whole numbers up to 2^53
        return not con.execute(
            f"select count(*) from {_scan(address)} where abs({identifier(column)}) > 9007199254740992"
        ).fetchall()[0][0]
    return len(bases) == 1


def view_shared(con: duckdb.DuckDBPyConnection, address: Address, name: str, opened: Opened) -> None:
    """Make the view of the same rows that may be read in slices, because a Parquet row group is the work of one core."""
    cuts = _cuts(con, address.path)
    whole = f"select *, file_row_number as {ROW} from {_scan(address)} as parts({_list(opened)})"
    slices = [f"{whole} where file_row_number >= {low} and file_row_number < {high}" for low, high in pairwise(cuts)]
    con.execute(f"create temp view {name}_shared as {' union all '.join(slices) or f'from {name}'}")


def _cuts(con: duckdb.DuckDBPyConnection, file: Path) -> list[int]:
    """Return where to cut a file of few and large row groups so that every core has its share, else nothing."""
    rows, groups = con.execute(
        f"select num_rows, num_row_groups from parquet_file_metadata({sql_path(file)})"
    ).fetchall()[0]
    threads = int(con.execute("select current_setting('threads')").fetchall()[0][0])
    # enough groups for all cores, or so few rows that a slice costs more than it saves
    if groups >= threads or rows / groups < _LARGE_GROUP:
        return []
    return [rows * i // threads for i in range(threads)] + [rows]


def _fields(con: duckdb.DuckDBPyConnection, file: Path) -> dict[str, Field]:
    found = con.execute(
        f"select decode(value) from parquet_kv_metadata({sql_path(file)}) where decode(key) = $key", {"key": CONTENT}
    ).fetchall()
    return fields_of_xml(found[0][0]) if found else {}


def write_parquet(con: duckdb.DuckDBPyConnection, relation: str, path: Path, fields: Mapping[str, Field]) -> int:
    """Write a relation as Parquet, with what is known of its columns as VOParquet says it, and return its number of rows."""
    about = ""
    relation = keeping_wide(con, relation)  # DuckDB writes them as doubles
    if fields:
        described = con.execute(f"describe from {relation}").fetchall()
        xml = xml_of_fields({name: (kind, fields.get(name, Field())) for name, kind, *_ in described})
        about = f", kv_metadata {{{literal(VERSION)}: '1.0', {literal(CONTENT)}: {literal(xml)}}}"
    return int(con.execute(f"copy (from {relation}) to {literal(path)} ({_COPY}{about})").fetchall()[0][0])
