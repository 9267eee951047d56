"""Tables of DuckDB files."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from stellarfm.database import open_private
from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.opened import ROW, Opened, named
from stellarfm.formats.paths import Address
from stellarfm.sql_paths import database_path
from stellarfm.sql_text import identifier, literal

DICTIONARY = "columns"
"""Table that says what the columns of the others are, in the releases and in what is written here."""

_DICTIONARY_COLUMNS = {"table_name", "column_name", "unit", "ucd", "description"}


def open_database_table(con: duckdb.DuckDBPyConnection, address: Address, name: str, numbered: bool) -> Opened:
    """Attach a database, once however often it is named, and find the table.

    Parameters
    ----------
    con
        The connection.
    address
        The file, and the table if there are several.
    name
        Name of the view, if it is numbered; the database is attached with ``_file`` behind it.
    numbered
        Whether the rows get a number.

    Raises
    ------
    StellarError
        If there is no such table, or several.
    """
    database = _attach(con, address.path, name)
    schema, table, has_rowid = _choose(con, database, address)
    relation = f"{database}.{identifier(schema)}.{identifier(table)}"
    if not has_rowid:
        _refuse_outside(address, f"{identifier(schema)}.{identifier(table)}")
    names = [row[0] for row in con.execute(f"describe from {relation}").fetchall()]
    fields = _fields(con, database, table)
    if numbered:
        # a view has no rowid
        row = "rowid" if has_rowid else "row_number() over () - 1"
        con.execute(f"create temp view {name} as select *, {row} as {ROW} from {relation}")
        relation = name
    return named(relation, f"{address.path}#{address.part}" if address.part else str(address.path), names, fields)


def _refuse_outside(address: Address, view: str) -> None:
    """Refuse a view that reads more than its own file: it is a stranger's query.

    Raises
    ------
    StellarError
        If it does.
    """
    # DuckDB itself says it, on a connection that reaches nothing else; no row is read
    with open_private(address.path, "asked") as con:
        try:
            con.execute(f"select * from {view} limit 0")
        except duckdb.PermissionException as error:
            raise StellarError(
                f"{address.path}: {view} is a view that reads other files; name a table, or make one of it"
            ) from error


def _attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> str:
    # DuckDB refuses to attach one file twice
    known = con.execute(
        "select database_name from duckdb_databases() where path = $path", {"path": str(path.resolve())}
    ).fetchall()
    if known:
        return str(known[0][0])
    con.execute(f"attach {literal(database_path(path.resolve()))} as {name}_file (read_only)")
    return f"{name}_file"


def _choose(con: duckdb.DuckDBPyConnection, database: str, address: Address) -> tuple[str, str, bool]:
    tables = con.execute(
        "select table_schema, table_name, table_type = 'BASE TABLE' from information_schema.tables "
        "where table_catalog = $name order by all",
        {"name": database},
    ).fetchall()
    part = address.part
    wanted = [t for t in tables if part in (t[1], f"{t[0]}.{t[1]}") or not part]
    if len(wanted) > 1:
        # one name in several schemas: main, as DuckDB itself would take it; a dictionary describes the one table beside it
        wanted = [t for t in wanted if (part and t[0] == "main") or (not part and t[1] != DICTIONARY)]
    if len(wanted) != 1:
        names = ", ".join(f"{schema}.{table}" for schema, table, _ in tables)
        raise StellarError(f"{address.path} holds the tables {names or 'none'}; name one as {address.path}#TABLE")
    schema, table, has_rowid = wanted[0]
    return str(schema), str(table), bool(has_rowid)


def _fields(con: duckdb.DuckDBPyConnection, database: str, table: str) -> dict[str, Field]:
    """Return what a dictionary of the file says of a table's columns, else what their comments say."""
    has = con.execute(
        # a dictionary that is a view would be a stranger's query
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = $name and (table_name = $table or table_name = $columns and table_oid in "
        "(select table_oid from duckdb_tables() where database_name = $name))",
        {"name": database, "table": table, "columns": DICTIONARY},
    ).fetchall()
    fields = {column: Field(description=comment) for of, column, comment in has if of == table and comment}
    if {column for of, column, _ in has if of == DICTIONARY} >= _DICTIONARY_COLUMNS:
        rows = con.execute(
            f"select column_name, coalesce(unit, ''), coalesce(ucd, ''), coalesce(description, '') "
            f"from {database}.main.{DICTIONARY} where table_name = $table",
            {"table": table},
        ).fetchall()
        fields |= {column: Field(unit, ucd, description) for column, unit, ucd, description in rows}
    return fields


def write_database(con: duckdb.DuckDBPyConnection, relation: str, path: Path, fields: dict[str, Field]) -> int:
    """Write a relation as the table ``rows``, and what is known of its columns as the table ``columns``.

    Parameters
    ----------
    con, relation
        Connection, and what stands after ``from``.
    path
        File to write; there is none of this name yet.
    fields
        Units, UCDs and descriptions, by column.

    Returns
    -------
    int
        Number of rows.
    """
    with TemporaryDirectory(prefix="stellarfm-") as scratch:
        # elsewhere where the place has a sign in it: DuckDB makes other files beside it whose names begin alike
        plain = Path(scratch) / "rows.duckdb" if any(sign in str(path) for sign in "?\\") else path
        # readable by every DuckDB since 1.0; the default of 2.0 is not
        file = literal(database_path(plain, read_only=False))
        con.execute(f"attach {file} as target_file (storage_version 'v1.0.0')")
        try:
            count = con.execute(f"create table target_file.main.rows as from {relation}").fetchall()[0][0]
            if fields:
                _write_dictionary(con, fields)
        finally:
            con.execute("detach target_file")
        if plain != path:
            shutil.move(plain, path)
    return int(count)


def _write_dictionary(con: duckdb.DuckDBPyConnection, fields: dict[str, Field]) -> None:
    con.execute(
        f"create table target_file.main.{DICTIONARY} "
        "(table_name varchar, column_name varchar, unit varchar, ucd varchar, description varchar)"
    )
    for column, field in fields.items():
        con.execute(
            f"insert into target_file.main.{DICTIONARY} values ('rows', $column, $unit, $ucd, $description)",
            {"column": column, "unit": field.unit, "ucd": field.ucd, "description": field.description},
        )
        if field.description:
            about = f"column target_file.main.rows.{identifier(column)}"
            con.execute(f"comment on {about} is {literal(field.description)}")
