"""The rules of ``sql/macros.sql``: their numbers at the edge, their signs, and that no file depends on them."""

import math
import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from stellarfm.errors import StellarError
from stellarfm.resources import resource_folder
from stellarfm.rules import install_rules, macros_text, read_rules, rule_value, split_of
from tests.sql.given import connection

FILE = "macros"


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connection()


def value(con: duckdb.DuckDBPyConnection, expression: str) -> Any:
    return con.execute(f"select {expression}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("is_good_ruwe(1.3999)", True),
        ("is_good_ruwe(1.4)", False),
        ("is_good_parallax(0.1, 1.4)", True),
        ("is_good_parallax(0.1001, 1.0)", False),
        ("is_good_parallax(0.05, 1.4001)", False),
        ("is_good_colour(0)", False),
        ("is_good_colour(3.999)", True),
        ("is_good_colour(4)", False),
        ("is_good_magnitude(6)", False),
        ("is_good_magnitude(17.4999)", True),
        ("is_good_excess_factor(2.0)", False),
        ("has_bright_neighbour(4)", True),
        ("has_bright_neighbour(8)", True),
        ("has_bright_neighbour(3 + 16)", False),
        ("is_bad_aspcap(1 << 19)", True),
        ("is_bad_aspcap(1 << 23)", True),
        ("is_bad_aspcap(1 << 20)", False),
        ("has_good_labels(0, 1 << 20)", True),
        ("has_good_labels(1, 0)", False),
        ("is_clean_apogee(0, 1 << 20)", False),
        ("relevancy_order(50)", 50),
        ("relevancy_order(54)", 51),
        ("is_uncertain(300, 0.5, 0.4)", False),
        ("is_uncertain(301, 0, 0)", True),
        ("source_healpix((5::bigint << 43) + 7, 8)", 5),
        ("source_healpix((9::bigint << 35) + 7, 12)", 9),
    ],
)
def test_a_rule_at_its_edge(con: duckdb.DuckDBPyConnection, expression: str, expected: Any) -> None:
    assert value(con, expression) == expected


def test_a_star_of_the_zero_point_has_unit_flux(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "g_flux(g_zero_point_mag())") == 1


@pytest.mark.parametrize("g_mag", [6.0, 12.5, 17.5])
def test_distance_and_pseudo_luminosity_undo_each_other(con: duckdb.DuckDBPyConnection, g_mag: float) -> None:
    assert value(con, f"distance_pc_of_fakemag(g_fakemag(2.0, {g_mag}), {g_mag})") == pytest.approx(500)


@pytest.mark.parametrize(
    ("ra", "dec", "lon", "b"),
    [(266.405, -28.936, 0, 0), (192.85948, 27.12825, None, 90), (83.822, -5.391, 209.01, -19.38)],
)
def test_galactic_coordinates_are_those_of_the_sky(
    con: duckdb.DuckDBPyConnection, ra: float, dec: float, lon: float | None, b: float
) -> None:
    """Given the galactic centre, the pole and the Orion nebula, expected their coordinates in the tables."""
    place = f"(radians({ra}), radians({dec}))"
    assert value(con, f"galactic_latitude_deg{place}") == pytest.approx(b, abs=0.02)
    if lon is not None:
        difference = value(con, f"galactic_longitude_deg{place}") - lon
        assert (difference + 180) % 360 - 180 == pytest.approx(0, abs=0.02)


def test_the_ecliptic_passes_through_the_equinox(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "ecliptic_latitude_deg(0, 0)") == 0
    assert value(con, "ecliptic_latitude_deg(pi() / 2, radians(23.4392911))") == pytest.approx(0, abs=1e-9)


def test_the_split_has_the_shares_that_it_says_and_never_changes_sides() -> None:
    ids = np.arange(40_000) * 1_000_003
    found = split_of(ids)
    shares = {name: float(np.mean(found == name)) for name in ("test", "validation", "train")}
    assert shares == pytest.approx({"test": 0.10, "validation": 0.05, "train": 0.85}, abs=0.01)
    assert (split_of(ids[::-1]) == found[::-1]).all()


def test_every_rule_has_a_comment_and_can_be_called(con: duckdb.DuckDBPyConnection) -> None:
    for rule in read_rules():
        assert len(rule.source) > 20, rule
        given = ["[1]" if name.endswith("_ids") else "1" for name in rule.parameters]
        value(con, f"{rule.name}({', '.join(given)})")


def test_python_reads_the_same_numbers(con: duckdb.DuckDBPyConnection) -> None:
    assert rule_value("max_ruwe") == float(value(con, "max_ruwe()"))
    assert math.exp(rule_value("no_dust_logebv")) < 1e-3
    with pytest.raises(StellarError, match="has no macro max_rwue"):
        rule_value("max_rwue")


def test_a_rule_is_temporary_so_that_no_file_depends_on_it(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "made.duckdb")) as made:
        install_rules(made)
        made.execute("create table stars as select is_good_ruwe(1.0) as is_good")
    with duckdb.connect(str(tmp_path / "made.duckdb"), read_only=True) as reader:
        assert reader.execute("select is_good from stars").fetchall() == [(True,)]
        assert not reader.execute("select 1 from duckdb_functions() where function_name = 'max_ruwe'").fetchall()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("create macro a() as 1;\ncreate makro b() as 2;", "'create makro b\\(\\) as 2;' is no `create macro"),
        ("create macro a() as 1;\n\ncreate macro a() as 2;", "makes the macro a twice"),
        ("create macro a() as 1 +;", "the macro a is not valid"),
    ],
)
def test_a_typo_in_the_file_is_told_with_the_name_of_file_and_macro(
    text: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stellarfm.rules.macros_text", lambda: text)
    read_rules.cache_clear()
    try:
        with pytest.raises(StellarError, match=f"sql/macros.sql.*{sentence}"), duckdb.connect() as con:
            install_rules(con)
    finally:
        monkeypatch.undo()
        read_rules.cache_clear()


NUMBERS = ("1.4", "17.5", "25.6873668671", "25.3385422158", "24.7478955012", "1.0857362", "27.12825", "23.4392911")
"""Numbers of rules that are too odd to stand in another file of ``sql/`` for another reason."""


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_of_a_rule_stands_in_no_other_file(number: str) -> None:
    whole = re.compile(rf"(?<![\d.]){re.escape(number)}(?!\d)")
    assert whole.search(macros_text())
    folder = resource_folder("sql")
    others = [p for p in folder.rglob("*.sql") if p.name not in ("macros.sql", "parallax_zero_point.sql")]
    assert [p.name for p in others if whole.search(p.read_text(encoding="utf-8"))] == []
