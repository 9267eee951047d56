"""What a TAP service says of its tables: asked of the service, kept in a file, read from one."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from stellarfm.archives.tap import Tap
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.formats import open_table, write_table
from stellarfm.sql_text import literal
from stellarfm.surveys.described import DescribedColumn, TapSchema
from stellarfm.surveys.profile import UNKNOWN, Survey

_COLUMNS = ("table_name", "column_name", "datatype", "unit", "ucd", "description")
_NEEDED = {"table_name", "column_name"}


def fetch_schema(tap: Tap, survey: Survey, service: str, tables: Collection[str] | None = None) -> TapSchema:
    """Ask a service what it says of the tables of a release.

    Parameters
    ----------
    tap
        The service.
    survey, service
        Profile, and key of the service in it.
    tables
        Tables of the landing that are wanted; all of the profile if not given.

    Raises
    ------
    StellarError
        If the service fails, or does not have the release; names what it has.
    """
    where = _condition(survey, service, [name for name in survey.tables if tables is None or name in tables])
    rows = tap.count(f"SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns WHERE {where}")  # noqa: S608
    if rows == 0:
        there = tap.read("SELECT TOP 1000 schema_name FROM TAP_SCHEMA.schemas")["schema_name"].to_pylist()
        raise StellarError(
            f"{tap.name} at {tap.url} does not have {survey.release}: its TAP_SCHEMA has nothing where {where}; its schemas are "
            f"{', '.join(sorted(map(str, there)))}"
        )
    text = f"SELECT TOP {rows + 1} {', '.join(_COLUMNS)} FROM TAP_SCHEMA.columns WHERE {where}"  # noqa: S608
    return _schema(tap.read(text, rows), f"{tap.name} at {tap.url}")


def save_schema(schema: TapSchema, path: Path) -> None:
    """Keep what a service says, as a VOTable with the columns of TAP_SCHEMA.columns.

    Raises
    ------
    StellarError
        If the file cannot be written.
    """
    rows = [
        (table, c.name, c.kind, c.unit, c.ucd, c.description)
        for table, columns in schema.tables.items()
        for c in columns
    ]
    with open_database() as con:
        con.register("columns_there", pa.table({name: [row[k] for row in rows] for k, name in enumerate(_COLUMNS)}))
        write_table(con, "columns_there", path)


def read_schema(path: Path) -> TapSchema:
    """Read what a service said: a VOTable, or any table, with the columns of TAP_SCHEMA.columns.

    Raises
    ------
    StellarError
        If it is not there, or no such table.
    """
    with open_database() as con:
        open_table(con, str(path), "given")
        there = {name.lower(): name for name in con.sql("from given limit 0").columns}
        if not there.keys() >= _NEEDED:
            raise StellarError(
                f"{path} is no saved TAP_SCHEMA: it needs the columns table_name and column_name of TAP_SCHEMA.columns; "
                "`stellarfm survey check --save FILE.vot` writes one"
            )
        shown = ", ".join(f'"{there[name]}"::varchar as {name}' for name in _COLUMNS if name in there)
        rows = con.sql(f"select {shown} from given").to_arrow_table()  # noqa: S608
    return _schema(rows, str(path))


def _condition(survey: Survey, service: str, tables: list[str]) -> str:
    """Return the condition on TAP_SCHEMA.columns for the schemas that tables lie in, and for tables without one."""
    conditions = []
    for name in tables:
        there = survey.tables[name].at.get(service)
        unknown = there is not None and there.name == UNKNOWN
        full = f"{survey.schemas.get(service, '')}." if unknown else survey.table_at(service, name)
        bare = full.replace('"', "")
        is_in_schema = "." in bare and "/" not in bare
        like = f"table_name LIKE {literal(bare.partition('.')[0] + '.%')}"
        conditions.append(like if is_in_schema else f"table_name = {literal(bare)}")
    return " OR ".join(dict.fromkeys(conditions))


def _schema(rows: pa.Table, called: str) -> TapSchema:
    tables: dict[str, list[DescribedColumn]] = {}
    values = [rows[name].to_pylist() if name in rows.column_names else [""] * len(rows) for name in _COLUMNS]
    for table, *said in zip(*values, strict=True):
        name, kind, unit, ucd, description = (str(text or "").strip() for text in said)
        tables.setdefault(str(table).strip(), []).append(DescribedColumn(name, kind, unit, ucd, description))
    return TapSchema(called, {name: tuple(columns) for name, columns in tables.items()})
