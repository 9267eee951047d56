"""Rows as CSV for PostgreSQL's COPY: every number comes back with the same bits."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from archive_tables.tables import ServedTable


def write_copy(tables: Sequence[ServedTable], folder: Path) -> None:
    """Write ``SCHEMA.TABLE.csv`` of every table, and ``load.sql`` that replaces the rows of all in one transaction."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{table.schema}.{table.name}" for table in tables]
    for name, table in zip(names, tables, strict=True):
        _write_csv(table.rows, folder / f"{name}.csv")
    lines = ["SET lock_timeout = '30s';", "BEGIN;", f"TRUNCATE {', '.join(names)};"]
    for name, table in zip(names, tables, strict=True):
        columns = ", ".join(f'"{column}"' for column in table.rows.column_names)
        lines.append(f"\\copy {name} ({columns}) FROM '{name}.csv' WITH (FORMAT csv, NULL '')")
    lines += ["COMMIT;", *(f"ANALYZE {name};" for name in names), ""]
    (folder / "load.sql").write_text("\n".join(lines), encoding="utf-8")


def _write_csv(rows: pa.Table, path: Path) -> None:
    # texts are quoted and NULL is not, so an empty text stays apart from NULL
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    columns = [_array_text(column) if _is_list(column.type) else column for column in rows.columns]
    csv.write_csv(pa.table(columns, names=rows.column_names), path, options)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind))


def _array_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return lists in the notation of PostgreSQL: ``{1.5,2.25}``; Arrow writes the shortest text of a number."""
    texts = pc.binary_join(column.cast(pa.list_(pa.string())), ",")
    return pc.binary_join_element_wise("{", texts, "}", "")
