"""`stellarfm catalog query`: every digit, every row, every column, and what has room on a terminal."""

import csv
import io
import json
import math
from pathlib import Path

import duckdb
import pytest

from stellarfm.formats import open_table
from tests.conftest import Made, stellarfm, succeed
from tests.stellarfm.commands.terminal import on_terminal


def _ask(made: Made, sql: str, *options: str) -> str:
    done = stellarfm(["catalog", "query", sql, *options], made.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_columns_of_one_name_are_told_apart(made: Made) -> None:
    sql = (
        "select a.source_id, b.source_id, a.teff, b.teff from stars a join stars b on a.source_id < b.source_id limit 1"
    )
    (row,) = json.loads(_ask(made, sql, "--json"))
    assert list(row) == ["source_id", "source_id_1", "teff", "teff_1"]
    assert row["source_id"] < row["source_id_1"]
    assert _ask(made, "select 1 as Teff, 2 as teff").split()[:2] == ["Teff", "teff_1"]


def test_text_has_the_digits_that_tell_a_number_apart(made: Made) -> None:
    sql = "select 2457388.5123::double as jd, 271.3914265::double as ra, 0.1::float as f, 9007199254740993 as id, 1e-7 as x"
    assert _ask(made, sql).splitlines()[1].split() == [
        "2457388.5123",
        "271.3914265",
        "0.1",
        "9007199254740993",
        "1e-07",
    ]
    rows = [line.split() for line in _ask(made, "select source_id, ra, dec from stars limit 20").splitlines()[1:]]
    known = json.loads(_ask(made, "select source_id, ra, dec from stars limit 20", "--json"))
    assert [(int(a), float(b), float(c)) for a, b, c in rows] == [(r["source_id"], r["ra"], r["dec"]) for r in known]


def test_a_pipe_gets_all_rows_one_a_line(made: Made) -> None:
    count = json.loads(_ask(made, "select count(*) as n from stars", "--json"))[0]["n"]
    lines = _ask(made, "select * from stars").splitlines()
    assert len(lines) == count + 1
    assert _ask(made, "select 'two' || chr(10) || 'lines' as t, 1 as n").splitlines()[1].split() == [r"two\nlines", "1"]


def test_text_in_brackets_is_text(made: Made) -> None:
    assert "[bold]x[/bold] :star:" in _ask(made, "select '[bold]x[/bold] :star:' as t")
    assert any(
        "[bold]x[/bold]" in line for line in on_terminal(["catalog", "query", "select '[bold]x[/bold]'"], made.folder)
    )


def test_json_is_what_every_parser_takes(made: Made) -> None:
    sql = (
        "select 'nan'::double as n, ['nan'::float, 1] as l, 'inf'::double as i, 0.1 as d, null as z, true as b, "
        "date '2020-01-02' as t, 18446744073709551615::ubigint as u, sum(2) as s"
    )
    text = _ask(made, sql, "--json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    (row,) = json.loads(text, parse_constant=refuse)
    assert row == {"n": None, "l": [None, 1.0], "i": "Infinity", "d": 0.1, "z": None, "b": True, "t": "2020-01-02",
                   "u": 18446744073709551615, "s": 2}  # fmt: skip
    assert json.loads(_ask(made, "from stars where false", "--json")) == []


def test_csv_and_a_file_have_all_columns_and_all_digits(made: Made, tmp_path: Path) -> None:
    sql = "select source_id, ra, teff, tmass_designation from stars order by source_id"
    rows = list(csv.DictReader(io.StringIO(_ask(made, sql, "--csv"))))
    target = tmp_path / "answer.parquet"
    assert succeed(["catalog", "query", sql, "-o", str(target)], made.folder) == {
        "output": str(target),
        "rows": len(rows),
    }
    with duckdb.connect() as con:
        known = con.sql(f"from '{target}'").fetchall()
    assert [(int(r["source_id"]), float(r["ra"]), r["tmass_designation"] or None) for r in rows] == [
        (star, ra, name) for star, ra, _, name in known
    ]
    assert all(
        math.isclose(float(r["teff"]), teff, rel_tol=1e-7) for r, (_, _, teff, _) in zip(rows, known, strict=True)
    )


def test_a_wide_answer_fits_80_columns_and_says_what_is_hidden(made: Made) -> None:
    few = on_terminal(["catalog", "query", "select * from stars order by source_id limit 2"], made.folder)
    many = on_terminal(["catalog", "query", "select * from stars order by source_id"], made.folder)
    assert max(map(len, few + many)) <= 80
    (star,) = json.loads(_ask(made, "select * from stars order by source_id limit 1", "--json"))
    shown = {line.split()[0]: line.split()[1] for line in few[1:]}
    assert set(shown) == set(star)
    assert float(shown["ra"]) == star["ra"]
    assert any(line.startswith("… and 29 more columns") for line in many)
    assert any("more rows; a pipe, --json" in line for line in many)


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "the query is empty"),
        ("select 1; select 2", "the query holds 2 queries"),
        ("select tef from stars", 'Candidate bindings: "teff"'),
        ("select 1 from star", 'Did you mean "stars"?'),
        ("select cast(apogee_id as int) from stars where apogee_id is not null", "Could not convert"),
        ("create table t as select 1", "may only read"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_in_one_sentence(made: Made, sql: str, sentence: str) -> None:
    for options in ([], ["--json"], ["--csv"], ["-o", "never.csv"]):
        done = stellarfm(["catalog", "query", sql, *options], made.folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (made.folder / "never.csv").exists()


@pytest.mark.parametrize("file", ["stars.fits", "stars.vot", "stars.parquet", "stars.duckdb"])
def test_a_file_has_the_units_and_words_of_the_dictionary(made: Made, file: str) -> None:
    _ask(made, "select source_id, ra, teff, distance_pc from stars limit 5", "-o", file)
    fields = open_table(duckdb.connect(), made.folder / file, "t").fields
    assert {name: fields[name].unit for name in ("ra", "teff", "distance_pc")} == {
        "ra": "deg",
        "teff": "K",
        "distance_pc": "pc",
    }
    assert (fields["ra"].ucd, fields["teff"].description) == ("pos.eq.ra;meta.main", "Effective temperature")


def test_a_release_is_a_table_with_units_for_every_command_and_is_not_written_over(made: Made) -> None:
    release = f"{made.home}/releases/latest/catalog.duckdb"
    succeed(
        ["crossmatch", f"{release}#stars", f"{release}#stars", "--radius-arcsec", "0.1", "-o", "pairs.fits"],
        made.folder,
    )
    fields = open_table(duckdb.connect(), made.folder / "pairs.fits", "t").fields
    assert (fields["teff_left"].unit, fields["separation_arcsec"].unit) == ("K", "arcsec")
    done = stellarfm(["catalog", "query", "select 1 as i", "-o", release], made.folder)
    assert done.returncode == 1
    assert "is itself read here" in done.stderr
