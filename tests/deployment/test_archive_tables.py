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
    for name in ("copying", "descriptors", "later_release", "neighbours", "served"):
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


@pytest.fixture
def later(tables: Any, archive_folder: Path) -> tuple[pa.Table, pa.Table, dict[str, pa.Table]]:
    """The sources and spectra of a landing, and what the later release makes of them."""
    gaia, spectra, extinction = (
        pq.read_table(archive_folder / name / "part-00000.parquet")
        for name in ("gaia_source", "xp_continuous_mean_spectrum", "extinction")
    )
    made = {table.name: table.rows for table in tables.later_release.later_tables(gaia, spectra, extinction)}
    return gaia, spectra, made


def test_a_later_release_has_new_identifiers_in_the_same_pixels(
    later: tuple[pa.Table, pa.Table, dict[str, pa.Table]],
) -> None:
    gaia, _, made = later
    before, now = gaia["source_id"].to_numpy(), made["gaia_source"]["source_id"].to_numpy()
    assert len(set(now)) == len(now) > len(before)
    np.testing.assert_array_equal(now[: len(before)] >> 35, before >> 35)
    assert (now[:12] == before[:12]).all() and not (now[12 : len(before)] == before[12:]).any()


def test_its_crosswalk_has_sources_of_nobody_of_one_and_of_several(
    later: tuple[pa.Table, pa.Table, dict[str, pa.Table]],
) -> None:
    gaia, _, made = later
    pairs = made["dr3_neighbourhood"]
    counts = pairs.group_by("dr3_source_id").aggregate([("source_id", "count")])["source_id_count"].to_pylist()
    assert 0 < len(gaia) - len(counts) < 0.01 * len(gaia)
    assert set(counts) >= {1, 2}
    assert (
        max(pairs.group_by("source_id").aggregate([("dr3_source_id", "count")])["dr3_source_id_count"].to_pylist()) > 1
    )
    known = set(made["gaia_source"]["source_id"].to_pylist())
    assert set(pairs["source_id"].to_pylist()) <= known


def test_its_columns_are_renamed_moved_and_gone(later: tuple[pa.Table, pa.Table, dict[str, pa.Table]]) -> None:
    gaia, _, made = later
    names = set(made["gaia_source"].column_names)
    assert {"astrometric_params", "tentative_parallax_bias", "has_mean_spectrum_xp"} <= names
    assert not names & {"astrometric_params_solved", "phot_bp_rp_excess_factor", "has_xp_continuous"}
    moved = (made["gaia_source"]["dec"].to_numpy()[: len(gaia)] - gaia["dec"].to_numpy()) * 3.6e6
    pmdec = np.nan_to_num(gaia["pmdec"].cast(pa.float64()).to_numpy())
    np.testing.assert_allclose(moved, 1.5 * pmdec, atol=0.5)  # near a pole the path is bent


def test_its_spectra_are_rotated_and_have_51_coefficients_of_bp(
    later: tuple[pa.Table, pa.Table, dict[str, pa.Table]], tables: Any
) -> None:
    _, spectra, made = later
    rows = made["xp_mean_spectrum"]
    assert {len(v) for v in rows["bp_coefficients"].to_pylist() if v} == {51}
    assert {len(v) for v in rows["rp_coefficients"].to_pylist() if v} == {55}
    rotation = tables.later_release._rotation(55, "rp")
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(55), atol=1e-12)
    before = next(v for v in spectra["rp_coefficients"].to_pylist() if v)
    after = next(v for v in rows["rp_coefficients"].to_pylist() if v)
    np.testing.assert_allclose(np.linalg.norm(after), np.linalg.norm(before), rtol=1e-5)
