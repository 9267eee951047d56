"""A path is a path: any printable letters in the names of inputs, outputs, folders and the place of temporary files."""

import os
import shutil
import string
import tempfile
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stellarfm.crossmatch.tables import Columns, match_tables, workspace
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.formats import check_output, open_table, write_table
from stellarfm.sql_paths import reader_path

LETTERS = string.ascii_letters + string.digits + " !\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~éαñ中"
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(
    lambda name: name.strip(". ") != "" and not name.startswith(".")
)
SUFFIXES = (".parquet", ".csv", ".csv.gz", ".fits", ".vot", ".duckdb")


def odd_path(folder: str, name: str, suffix: str, column: int) -> None:
    """Write a table below a folder of a name, under that name, and find its own rows there again."""
    place = Path(folder) / name
    place.mkdir(parents=True, exist_ok=True)
    target = place / f"{name}{suffix}"
    write_table(open_database(), f"(select {column} as i, 20.5 as dec)", target)
    assert target.is_file()
    con = open_database()
    assert con.sql(f"from {open_table(con, target, 't').relation}").fetchall() == [(column, 20.5)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, st.sampled_from(SUFFIXES))
@example("dec=20", ".parquet")
@example("dec=20", ".csv")
@example("run#3", ".duckdb")
@example("a?b\\c", ".duckdb")
@example("f[1]\\x", ".parquet")
@example("50%", ".vot")
def test_any_printable_name_is_written_and_read(name: str, suffix: str) -> None:
    with TemporaryDirectory() as folder:
        odd_path(folder, name, suffix, 7)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, st.sampled_from(SUFFIXES))
def test_five_hundred_printable_names(name: str, suffix: str) -> None:
    with TemporaryDirectory() as folder:
        odd_path(folder, name, suffix, 7)


@pytest.mark.parametrize("name", ["a?b", "back\\slash", "k=v", "[1]", "100%", "it's", "sp ace", "α"])
def test_temporary_files_may_lie_anywhere(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    for side in ("left", "right"):
        rows = "(select i, (i % 3600) / 10 as ra, i / 100000 as dec, md5(i::varchar) as name from range(30000) as t(i))"
        write_table(duckdb.connect(), rows, tmp_path / f"{side}.parquet")
    with workspace("100MB", 1, tmp_path / name) as con:
        inputs = [(tmp_path / f"{side}.parquet", Columns()) for side in ("left", "right")]
        assert match_tables(con, *inputs, tmp_path / "pairs.parquet", radius_arcsec=1).pairs == 30_000
    assert list((tmp_path / name).iterdir()) == []


def test_a_file_that_is_there_under_the_very_name_is_that_file_and_no_pattern(tmp_path: Path) -> None:
    for number, name in enumerate(("field1", "field[1]", "field?", "field*")):
        write_table(duckdb.connect(), f"(select {number} as i, 0 as j)", tmp_path / f"{name}.csv")
    con = duckdb.connect()
    for number, name in enumerate(("field1", "field[1]", "field?", "field*")):
        relation = open_table(con, tmp_path / f"{name}.csv", f"t{number}").relation
        assert con.sql(f"select i from {relation}").fetchall() == [(number,)]


def test_a_number_sign_of_a_path_parts_no_file_from_its_table(tmp_path: Path) -> None:
    (tmp_path / "run#3").mkdir()
    with duckdb.connect(str(tmp_path / "run#3" / "t.duckdb")) as made:
        made.execute("create table a as select 1 as i; create table b as select 2 as i")
    con = duckdb.connect()
    assert con.sql(f"from {open_table(con, f'{tmp_path}/run#3/t.duckdb#b', 't').relation}").fetchall() == [(2,)]


def test_a_reader_of_duckdb_takes_no_letter_for_a_sign(tmp_path: Path) -> None:
    assert reader_path("a[1]*?.parquet") == "a[[]1][*][?].parquet"
    assert reader_path("plain\\name.parquet") == "plain\\name.parquet"


@pytest.mark.parametrize("output", ["in.parquet", "folder/../in.parquet", "link.parquet", "parts/new.parquet"])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, output: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "parts").mkdir()
    for file in ("in.parquet", "parts/part-0.parquet"):
        write_table(duckdb.connect(), "(select 1 as ra, 2 as dec)", tmp_path / file)
    (tmp_path / "link.parquet").symlink_to(tmp_path / "in.parquet")
    with pytest.raises(StellarError, match="is itself read here"):
        check_output(tmp_path / output, [tmp_path / "in.parquet", tmp_path / "parts"])
    check_output(tmp_path / "out.parquet", [tmp_path / "in.parquet", tmp_path / "parts"])


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("o.xlsx", r"o\.xlsx has an unknown format; known are \.parquet"),
        ("o", "unknown format"),
        ("file/o.csv", "cannot be written .*choose another place"),
        ("folder.csv", "is a folder; name a file to write"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, output: str, sentence: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StellarError, match=sentence):
        check_output(tmp_path / output)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_may_only_be_read_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StellarError, match=r"cannot be written .Permission denied"):
        check_output(tmp_path / "o.csv")


def test_a_full_disk_is_said_before_the_work_and_during_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(
        StellarError, match=r"cannot be written \(No space left on device\); make room or choose another place"
    ):
        check_output(tmp_path / "o.csv")


@pytest.mark.parametrize("name", ["back\\slash", "[1]", "k=v", "it's #1"])
def test_the_place_of_temporary_files_of_the_system_may_have_any_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    for suffix in SUFFIXES:
        odd_path(str(tmp_path), "a?b", suffix, 7)
    assert list((tmp_path / name).iterdir()) == []
