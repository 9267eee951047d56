"""The gate itself: what stops, what is set aside, what is told, and that nothing leaves the machine."""

import re
import shutil
import socket
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stellarfm.checks.duckdb_source import _Dialect, import_great_expectations
from stellarfm.checks.failing import count_failing_rows, failing_rows, tables_with_rows
from stellarfm.checks.report import CheckFailedError, read_record
from stellarfm.checks.rows import CONDITIONS, breaking_condition
from stellarfm.checks.run import check_catalog, check_tables
from stellarfm.checks.suites import Rule, read_suite
from stellarfm.checks.validator import open_validator
from stellarfm.config import Checks
from stellarfm.warehouse.connection import connect, scalar

XP_ROWS = "select count(*), sum(len(bp_coefficients)) from staging.xp_spectrum"


@pytest.fixture
def spoilt(clean_warehouse: Path, tmp_path: Path) -> Path:
    """A copy of the clean warehouse with ten rows of XP and five of Gaia that break row rules."""
    database = Path(shutil.copy(clean_warehouse, tmp_path / "spoilt.duckdb"))
    with connect(database) as con:
        con.execute("update staging.xp_spectrum set bp_n_relevant_bases = 99 where rowid < 10")
        con.execute("update staging.gaia_source set ruwe = -1, pmra = 99999 where rowid < 5")
    return database


def test_a_clean_sky_passes_with_nothing_set_aside(clean_reports):
    for report in clean_reports:
        assert not report.error
        assert not report.warnings
        assert set(report.quarantined_rows.values()) == {0}


def test_rows_that_break_row_rules_are_set_aside_with_their_reasons(spoilt, tmp_path):
    report = check_tables(spoilt, ["staging.gaia_source"], tmp_path, Checks())
    columns, rows = failing_rows(tmp_path, "staging.gaia_source")
    assert report.quarantined_rows == {"staging.gaia_source": 5}
    assert report.tables[0].set_aside_by_rule == {"pmra_in_range": 5, "ruwe_in_range": 5}
    assert len(rows) == 5
    assert all(set(row[columns.index("reasons")]) == {"pmra_in_range", "ruwe_in_range"} for row in rows)
    assert {row[columns.index("ruwe")] for row in rows} == {-1.0}


def test_the_other_rows_stay_and_their_lists_survive(spoilt, tmp_path):
    with connect(spoilt) as con:
        before = con.execute(XP_ROWS).fetchall()[0]
    check_tables(spoilt, ["staging.xp_spectrum"], tmp_path, Checks())
    with connect(spoilt) as con:
        after = con.execute(XP_ROWS).fetchall()[0]
        assert (
            con.execute("select count(*) from staging.xp_spectrum where bp_n_relevant_bases > 55").fetchall()[0][0] == 0
        )
    assert after == (before[0] - 10, before[1] - 550)


def test_more_bad_rows_than_allowed_stop_the_run_with_the_worst_rule_and_delete_nothing(spoilt, tmp_path):
    with pytest.raises(CheckFailedError, match=r"max_quarantined_share allows; the rule broken most is") as caught:
        check_tables(spoilt, ["staging.xp_spectrum"], tmp_path, Checks(max_quarantined_share=0.001))
    assert "bp_relevant_bases_in_range" in str(caught.value)
    with connect(spoilt) as con:
        assert (
            con.execute("select count(*) from staging.xp_spectrum where bp_n_relevant_bases > 55").fetchall()[0][0]
            == 10
        )


def test_what_stopped_a_run_is_kept_with_docs_and_rows(spoilt, tmp_path):
    with connect(spoilt) as con:
        con.execute("insert into staging.gaia_source from (from staging.gaia_source where rowid between 100 and 102)")
    with pytest.raises(CheckFailedError, match=r"staging\.gaia_source: source_id_is_unique: 6 rows"):
        check_tables(spoilt, ["staging.gaia_source"], tmp_path, Checks())
    assert "source_id_is_unique" in read_record(tmp_path).error
    assert "staging.gaia_source" in (tmp_path / "docs" / "index.html").read_text()
    assert tables_with_rows(tmp_path) == ["staging.gaia_source"]
    assert count_failing_rows(tmp_path, "staging.gaia_source") == 5 + 6
    assert not (tmp_path / "judged.duckdb").exists()


def test_a_warning_is_reported_and_lets_pass(clean_warehouse, tmp_path):
    database = Path(shutil.copy(clean_warehouse, tmp_path / "warehouse.duckdb"))
    with connect(database) as con:
        con.execute("update staging.gaia_source set ruwe = null where rowid % 3 = 0")
    report = check_tables(database, ["staging.gaia_source"], tmp_path, Checks())
    assert [sentence.split(": ")[1] for sentence in report.warnings] == ["ruwe_is_complete"]
    assert "**warning**" in report.summary


def test_a_second_check_adds_to_the_record_and_the_docs_of_the_first(clean_warehouse, tmp_path):
    check_tables(clean_warehouse, ["staging.twomass"], tmp_path, Checks())
    check_tables(clean_warehouse, ["staging.extinction"], tmp_path, Checks())
    assert [table.table for table in read_record(tmp_path).tables] == ["staging.twomass", "staging.extinction"]
    index = (tmp_path / "docs" / "index.html").read_text()
    assert "staging.twomass" in index
    assert "staging.extinction" in index


def test_a_rule_whose_value_is_not_known_is_not_judged(clean_warehouse, tmp_path):
    report = check_tables(clean_warehouse, ["staging.extinction"], tmp_path, Checks())
    assert report.tables[0].num_rules == len(read_suite("staging.extinction").rules) - 1


def test_nothing_outside_is_looked_up(clean_warehouse, tmp_path, monkeypatch):
    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"something outside was looked up: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    check_tables(clean_warehouse, ["staging.extinction"], tmp_path, Checks())


def test_data_docs_fetch_nothing_and_show_rule_and_source(clean_warehouse, tmp_path):
    check_tables(clean_warehouse, ["staging.extinction"], tmp_path, Checks())
    pages = [page.read_text() for page in (tmp_path / "docs").rglob("*.html")]
    assert not any(re.search(r"(src=\"|url\('|<link[^>]*href=\")https?://", page) for page in pages)
    result = next((tmp_path / "docs" / "validations").rglob("*.html")).read_text()
    for part in ("logebv_is_a_logarithm", "critical", "positive throughout means E(B-V) itself"):
        assert part in result


def test_telemetry_is_off(tmp_path, monkeypatch):
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "true")
    import_great_expectations()
    import os

    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    duckdb.connect(str(tmp_path / "a.duckdb")).close()
    with open_validator(tmp_path / "a.duckdb", tmp_path) as validator:
        assert validator._context.config.analytics_enabled is False


def test_great_expectations_still_lists_the_dialects_whose_connection_it_keeps():
    """The list is private: if it goes, DuckDB needs another cure."""
    import_great_expectations()
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

    assert isinstance(engine._PERSISTED_CONNECTION_DIALECTS, tuple)
    assert engine._PERSISTED_CONNECTION_DIALECTS.count(_Dialect.DUCKDB) == 1


VALUES = {
    "a": [1.0, 2.0, None, float("nan"), -1.0, float("inf"), 2.0, 0.0],
    "b": [0.0, 2.0, 1.0, 1.0, None, 3.0, 2.0, 0.5],
    "c": ["x", "y", None, "z", "x", "x", "'", ""],
}
ROW_RULES = [
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 0, "max_value": 2}),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 0, "max_value": 2, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 0, "max_value": 2, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 0}),
    ("expect_column_values_to_be_between", {"column": "a", "max_value": 1.5}),
    ("expect_column_values_to_be_in_set", {"column": "c", "value_set": ["x", "'"]}),
    ("expect_column_values_to_not_be_null", {"column": "a"}),
    ("expect_column_values_to_be_unique", {"column": "b"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True}),
]


def test_sql_finds_as_many_rows_as_great_expectations(tmp_path):
    """Given values with NULL, NaN, infinity and quotes; expected the same count for each type of row rule."""
    database = tmp_path / "values.duckdb"
    with duckdb.connect(str(database)) as con:
        con.register("given", pa.table(VALUES))
        con.execute("create table values_table as from given")
    rules = [Rule(f"rule_{k}", "row", "a test", kind, kwargs) for k, (kind, kwargs) in enumerate(ROW_RULES)]
    with open_validator(database, tmp_path) as validator:
        validator.con.execute("create view given as from checked.main.values_table")
        results = validator.validate("given", "given", rules)
        counts = [
            scalar(validator.con, f"select count(*) from given where {breaking_condition(rule, 'given')}")
            for rule in rules
        ]
    assert {kind for kind, _ in ROW_RULES} == set(CONDITIONS)
    assert [verdict.num_rows for verdict in results] == counts


def test_a_type_without_rows_cannot_be_a_row_rule():
    rule = Rule("median", "row", "a test", "expect_column_median_to_be_between", {"column": "a"})
    with pytest.raises(ValueError, match="cannot be a row rule"):
        breaking_condition(rule, "given")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A release with 200 stars, as the publishing SQL shapes them."""
    rng = np.random.default_rng(3)
    n = 200
    teff, logg, m_h = 4500 + 500 * rng.random(n), 2 + 2 * rng.random(n), -rng.random(n)
    source_id = (rng.permutation(700_000)[:n].astype(np.int64) << 43) + 1
    stars = {
        "source_id": source_id, "ra": 360 * rng.random(n), "dec": 90 * rng.random(n), "healpix_8": source_id >> 43,
        "phot_g_mean_mag": 10 + rng.random(n), "num_tokens_observed": np.full(n, 110),
        "quality_flags": np.zeros(n, int),
        "flag_warn": np.zeros(n, bool), "flag_bad": np.zeros(n, bool), "model_version": ["1"] * n,
    }  # fmt: skip
    for name, values, error in (("teff", teff, 50.0), ("logg", logg, 0.1), ("m_h", m_h, 0.05)):
        stars |= {
            name: values,
            f"{name}_error": np.full(n, error),
            f"{name}_16": values - error,
            f"{name}_84": values + error,
        }
    for name, values in (("ebv", rng.random(n)), ("distance_pc", 1000 * rng.random(n) + 10)):
        stars |= {name: values, f"{name}_16": 0.9 * values, f"{name}_84": 1.1 * values}
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as con:
        con.register("given", pa.table(stars))
        con.execute("create table stars as from given")
    return path


def test_a_good_catalogue_passes_and_stays_as_it_is(catalog, tmp_path):
    before = catalog.read_bytes()
    report = check_catalog(catalog, tmp_path)
    assert not report.tables[0].findings
    assert catalog.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("teff = teff / 1000, teff_16 = teff_16 / 1000, teff_84 = teff_84 / 1000", "teff_is_in_kelvin"),
        ("teff_16 = teff_84, teff_84 = teff_16", "percentiles_are_in_order"),
        ("ra = null where rowid = 3", "ra_is_known"),
        ("healpix_8 = healpix_8 + 1 where rowid = 3", "healpix_fits_source_id"),
        ("flag_bad = true where rowid = 3", "flags_say_the_same"),
        ("source_id = (select min(source_id) from stars)", "source_id_is_unique"),
        ("m_h = 'nan'::double where rowid = 3", "numbers_are_finite"),
        ("logg_error = -0.1", "logg_error_in_range"),
    ],
)
def test_a_bad_catalogue_is_not_published(change, rule, catalog, tmp_path):
    with duckdb.connect(str(catalog)) as con:
        con.execute(f"update stars set {change}")
    with pytest.raises(CheckFailedError, match=f"catalog.stars: {rule}: "):
        check_catalog(catalog, tmp_path)
