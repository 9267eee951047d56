"""Text as people and archives write it: every value as it stands there, whatever row it is in."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stellarfm.errors import StellarError
from stellarfm.formats import open_numbered, open_table


def rows(path: Path, *, numbered: bool = False) -> list[dict[str, Any]]:
    """Return the rows of a file, which both ways of opening give alike."""
    con = duckdb.connect()
    opened = (open_numbered if numbered else open_table)(con, path, "t")
    listed = ", ".join(f'"{name}"' for name in opened.columns)
    return [
        dict(zip(opened.columns, row, strict=True))
        for row in con.sql(f"select {listed} from {opened.relation}").fetchall()
    ]


def read(folder: Path, text: str, name: str = "t.csv") -> list[dict[str, Any]]:
    (folder / name).write_bytes(text.encode())
    found = rows(folder / name)
    # NaN is not equal to itself, its text is
    assert str(found) == str(rows(folder / name, numbered=True))
    return found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1", "null", ""], [1, None, None]),
        (["1", "NaN", "--", "None", "n/a"], [1, None, None, None, None]),
        (["1.5", "null", "2"], [1.5, None, 2.0]),
        (["022", "222"], ["022", "222"]),
        (["9007199254740993"], [9007199254740993]),
        (["12547983418439622656"], [12547983418439622656]),
        (["12547983418439622656", "-1"], ["12547983418439622656", "-1"]),
        (["123456789012345678901234567890"], ["123456789012345678901234567890"]),
        (["True", "false", "null"], [True, False, None]),
        (["T", "F"], ["T", "F"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["0x1f", "2"], ["0x1f", "2"]),
        (["2016-01-01T00:00:00.123456789"], ["2016-01-01T00:00:00.123456789"]),
        (["12:30:45.1234567"], ["12:30:45.1234567"]),
        (['"null"', "x", "null"], ["null", "x", None]),
        (["--", "x"], ["--", "x"]),
        (["-nan", "NaN", "7"], [None, None, 7]),
        (["inf", "1e300"], [float("inf"), 1e300]),
    ],
    ids=str,
)
def test_values_are_read_as_they_are_written(tmp_path: Path, values: list[str], expected: list[Any]) -> None:
    assert [row["x"] for row in read(tmp_path, "x,y\n" + "".join(f"{value},0\n" for value in values))] == expected


@pytest.mark.parametrize(
    ("first", "last"), [("10", "10.25"), ("1.5", "word"), ("1", "022"), ("", "7"), ("true", "maybe"), ("5", "-1e-3")]
)
def test_a_value_beyond_every_sample_decides_as_much_as_the_first(tmp_path: Path, first: str, last: str) -> None:
    found = read(tmp_path, "x,y\n" + f"{first},0\n" * 21_000 + f"{last},0\n")
    assert str(found[-1]["x"]) == last or float(found[-1]["x"]) == float(last)
    assert not isinstance(found[0]["x"], str) or found[0]["x"] == first


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semicolons.csv", "x;y\n1;a\n"),
        ("tabs.tsv", "x\ty\n1\ta\n"),
        ("windows.csv", "\ufeffx,y\r\n1,a\r\n"),
        ("mac.csv", "x,y\r1,a\r"),
        ("spaces.csv", " x , y \n 1 ,a\n"),
        ("comments.csv", "# a line\n# another, with a comma\nx,y\n1,a\n"),
        ("quotes.csv", '# within 5" of "M 67"\n# and 3"\nx,y\n1,a\n'),
        ("topcat.csv", "# x,y\n1,a\n"),
        ("blank.csv", "\n\nx,y\n1,a\n\n"),
        ("quoted.csv", '"x","y"\n"1","a"\n'),
    ],
)
def test_the_head_of_a_file_may_look_as_it_does_elsewhere(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, text, name) == [{"x": 1, "y": "a"}]


def test_names_may_hold_anything_and_a_row_go_over_lines(tmp_path: Path) -> None:
    assert read(tmp_path, '"a,1","b\nc",2MASS\n1,"x\ny",3\n2,"12"" scope",#4\n') == [
        {"a,1": 1, "b\nc": "x\ny", "2MASS": "3"}, {"a,1": 2, "b\nc": '12" scope', "2MASS": "#4"},
    ]  # fmt: skip


def test_columns_of_one_name_or_none_are_told_apart_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ra,ra,RA,\n1,2,3,4\n")
    opened = open_table(duckdb.connect(), tmp_path / "t.csv", "t")
    assert list(opened.columns) == ["ra", "ra_1", "RA_2", "column3"]
    assert "ra is called ra_1, RA is called RA_2" in opened.notes[0]
    assert "they are called column3" in opened.notes[1]


def test_an_encoding_is_read_by_its_mark_or_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_bytes("name,x\nNuñez,1\n".encode("utf-16"))
    assert rows(tmp_path / "wide.csv") == [{"name": "Nuñez", "x": 1}]
    for place, text in enumerate(("name,x\nNuñez,1\n", "x,name\n" + "1,a\n" * 90_000 + "2,Nuñez\n")):
        (tmp_path / f"{place}.csv").write_bytes(text.encode("latin-1"))
        with pytest.raises(StellarError, match=r"csv is not in UTF-8.*; convert it, e\.g\. with iconv"):
            rows(tmp_path / f"{place}.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty: it has no names of columns"),
        ("a,b\n1,2\n3\n", "the row in line 3 has 1 values? for 2 columns"),
        ("a,b\n1,2\n3,4,5\n", "the row in line 3 has 3 values for 2 columns"),
        ("# %ECSV 1.0\n# ---\n# datatype: [\na,b\n1,2\n", "begins like ECSV, but its header cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    for numbered in (False, True):
        with pytest.raises(StellarError, match=rf"t\.csv.* {sentence}"):
            rows(tmp_path / "t.csv", numbered=numbered)


def test_a_text_that_is_cut_short_in_its_zip_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % i for i in range(9999)))[:600])
    with pytest.raises(StellarError, match=r"t\.csv\.gz cannot be read as a table .*cut short"):
        rows(tmp_path / "t.csv.gz")
