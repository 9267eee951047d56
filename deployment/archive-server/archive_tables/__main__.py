"""Write everything that the archive server serves from a landing.

usage: python -m archive_tables LANDING OUT [PERF_ROWS]

OUT gets ``descriptors/SCHEMA.rd`` for DaCHS, ``copy/`` with the rows and ``load.sql``, and ``files/`` with ``sas/`` and
``cdn/``.
"""

import sys
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from archive_tables import bulk
from archive_tables.copying import write_copy
from archive_tables.descriptors import descriptor
from archive_tables.served import ServedTable, read_required, served_tables

NUM_PERF_COLUMNS = 130


def main(landing: Path, out: Path, perf_rows: int = 0) -> None:
    """Write the descriptors, the rows and the files of a landing below a folder."""
    tables = sorted(served_tables(landing), key=lambda table: table.schema)
    (out / "descriptors").mkdir(parents=True, exist_ok=True)
    described = [*tables, _perf_wide()] if perf_rows else tables
    for schema, members in groupby(described, key=lambda table: table.schema):
        (out / "descriptors" / f"{schema}.rd").write_text(descriptor(schema, list(members)), encoding="utf-8")
    write_copy(tables, out / "copy")
    if perf_rows:
        _fill_perf_wide(out / "copy" / "load.sql", perf_rows)
    bulk.write_allstar(read_required(landing, "apogee_allstar"), out / "files")
    bulk.write_spectra(read_required(landing, "xp_continuous_mean_spectrum"), out / "files")
    counts = ", ".join(f"{table.name} {table.rows.num_rows}" for table in tables)
    print(f"rows: {counts}")


def _perf_wide() -> ServedTable:
    """Return the table for measurements of speed, as wide as a training set; SQL fills it."""
    columns = {"source_id": pa.array([], pa.int64())}
    columns |= {f"c{number:03d}": pa.array([], pa.float32()) for number in range(NUM_PERF_COLUMNS)}
    return ServedTable("perf", "wide", "Random numbers to measure speed with", pa.table(columns), "source_id")


def _fill_perf_wide(script: Path, rows: int) -> None:
    values = ", random() * 2 - 1" * NUM_PERF_COLUMNS
    with script.open("a", encoding="utf-8") as file:
        file.write("TRUNCATE perf.wide;\nINSERT INTO perf.wide ")
        file.write(f"SELECT n{values} FROM generate_series(1, {rows:d}) AS n;\n")  # noqa: S608 - numbers only
        file.write("ANALYZE perf.wide;\n")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
