"""Reading the rows that a check set aside or showed, with the names of the rules that they break."""

import sys
from pathlib import Path
from typing import Any

from stellarfm.checks.report import CheckReport, failing_file, quarantine_file, read_record
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.integrity import check_seal, is_sealed
from stellarfm.sql_paths import reader_paths

IDENTIFIERS = ("source_id", "designation", "apogee_id")
"""Columns that name a row; a list of rows of several tables shows these alone."""


def tables_with_rows(folder: Path) -> list[str]:
    """Return the tables of a folder of checks of which failing rows were kept."""
    return [report.table for report in read_record(folder).tables if _files(folder, report.table)]


def failing_rows(folder: Path, table: str, most: int | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the failing rows of a table: the columns, ``reasons`` first, and the rows.

    Parameters
    ----------
    folder
        Folder of checks.
    table
        ``schema.name``.
    most
        Largest number of rows to return.

    Raises
    ------
    StellarError
        If the table was not checked.
    """
    _refuse_unknown(read_record(folder), table)
    if is_sealed(folder):
        check_seal(folder, "the rows are lost, the tables are not; remove warehouse.json and run again to check anew")
    files = _files(folder, table)
    if not files:
        return ["reasons"], []
    with open_database() as con:
        found = con.execute(
            # by name: a table may have gained a column between the two files
            "select reasons, * exclude (reasons) "
            "from read_parquet($files, union_by_name = true, hive_partitioning = false) limit $most",
            {"files": files, "most": sys.maxsize if most is None else most},
        )
        return [column[0] for column in found.description], found.fetchall()


def count_failing_rows(folder: Path, table: str) -> int:
    """Return how many failing rows of a table were kept."""
    files = _files(folder, table)
    if not files:
        return 0
    with open_database() as con:
        counted = "select count(*) from read_parquet($files, hive_partitioning = false)"
        return int(con.execute(counted, {"files": files}).fetchall()[0][0])


def _files(folder: Path, table: str) -> list[str]:
    return reader_paths(p for p in (quarantine_file(folder, table), failing_file(folder, table)) if p.is_file())


def _refuse_unknown(report: CheckReport, table: str) -> None:
    tables = [checked.table for checked in report.tables]
    if table not in tables:
        raise StellarError(f"the last run did not check a table {table!r}; it checked {', '.join(tables)}")
