"""What is made of a landing, without a server."""

import csv
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.archive_server import SETUP


@pytest.fixture(autouse=True)
def _nothing_armed() -> None:
    """No server is needed here."""


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package that turns a landing into tables; it lies outside the library."""
    monkeypatch.syspath_prepend(SETUP.parent)
    for name in ("copying", "descriptors", "neighbours", "served"):
        importlib.import_module(f"archive_tables.{name}")
    return importlib.import_module("archive_tables")


def _copied(tables: Any, folder: Path, rows: pa.Table) -> str:
    tables.copying.write_copy([tables.served.ServedTable("s", "t", "", rows)], folder)
    return (folder / "s.t.csv").read_text()


def test_numbers_are_written_so_that_they_come_back_the_same(tables: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    singles = rng.integers(0, 2**31, 2000).astype(np.int32).view(np.float32)
    doubles = rng.integers(0, 2**62, 2000).view(np.float64)
    text = _copied(tables, tmp_path, pa.table({"x": singles, "y": doubles}))
    read = list(csv.reader(text.splitlines()))
    np.testing.assert_array_equal(np.array([np.float32(row[0]) for row in read]), singles)
    np.testing.assert_array_equal(np.array([float(row[1]) for row in read]), doubles)


def test_null_is_apart_from_nan_and_from_an_empty_text(tables: Any, tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2, None], "x": [float("nan"), None, 1.5], "flag": ["", None, 'a "b", c']})
    assert _copied(tables, tmp_path, rows).splitlines() == ['1,nan,""', "2,,", ',1.5,"a ""b"", c"']


def test_arrays_are_written_as_arrays(tables: Any, tmp_path: Path) -> None:
    rows = pa.table({"x": pa.array([[1.5, 0.1], None, [float("nan"), -2]], pa.list_(pa.float32()))})
    assert _copied(tables, tmp_path, rows).splitlines() == ['"{1.5,0.1}"', "", '"{nan,-2}"']


def test_an_array_of_one_length_is_declared_with_it(tables: Any) -> None:
    kind = pa.list_(pa.float32())
    assert tables.descriptors.sql_type(pa.chunked_array([[[1, 2], [3, 4], None]], kind), "x") == "real[2]"
    assert tables.descriptors.sql_type(pa.chunked_array([[[1, 2], [3]]], kind), "x") == "real[]"


def test_a_type_that_no_archive_has_is_refused(tables: Any) -> None:
    with pytest.raises(SystemExit, match="column when has the type date32"):
        tables.descriptors.sql_type(pa.chunked_array([pa.array([0], pa.date32())]), "when")


def test_without_a_truth_neighbours_are_matched_by_position(tables: Any, archive_folder: Path) -> None:
    gaia, twomass, truth = (
        pq.read_table(archive_folder / name / "part-00000.parquet") for name in ("gaia_source", "twomass_psc", "truth")
    )
    by_position, true = (tables.neighbours.pairs(gaia, twomass, known) for known in (None, truth))
    agreed = set(zip(by_position.gaia, by_position.twomass, strict=True)) & set(
        zip(true.gaia, true.twomass, strict=True)
    )
    assert len(agreed) > 0.98 * len(true.gaia)
    assert len(set(by_position.gaia)) == len(by_position.gaia)


def test_a_part_of_a_landing_is_refused(tables: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=re.escape("has no gaia_source/*.parquet")):
        tables.served.served_tables(tmp_path)
