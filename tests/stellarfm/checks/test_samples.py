"""What a sample can show: limits widen with chance, and a rule that does not hold for a sample is not judged."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellarfm.checks.accepted import accept, read_accepted
from stellarfm.checks.applicability import Sample, why_not_judged
from stellarfm.checks.report import CheckReport, TableReport
from stellarfm.checks.sampling import MEDIAN, ColumnStatistics, measure_columns, scaled_to_sample
from stellarfm.checks.suites import Holds, Rule, read_suite, suite_tables
from stellarfm.conditions import to_duckdb
from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection

SHARE = "expect_column_values_to_be_between"
OF_IDS = Holds(asked={"gaia_source": ("all", "ids")})
COLUMNS = ("source_id", "parallax", "phot_g_mean_mag", "bp_rp", "ruwe", "pmra", "pmdec", "b")


def rule(kind: str = SHARE, holds: Holds | None = None, **kwargs: object) -> Rule:
    return Rule("a_rule", "critical", "a note", kind, kwargs, holds=holds or Holds())


def sample(values: int, selection: Selection | None = None, rows: int = 1000) -> Sample:
    return Sample(duckdb.connect(), "stars", rows, {"x": ColumnStatistics(values, 1.0)}, selection or Selection())


@given(n=st.integers(1, 5000), share=st.floats(0.5, 0.999))
def test_a_share_is_never_asked_for_more_than_chance_leaves(n: int, share: float) -> None:
    found = {"x": ColumnStatistics(n)}
    mostly = scaled_to_sample(rule(column="x", min_value=0, mostly=share), found, n).kwargs["mostly"]
    assert 0 <= mostly <= share
    # five standard deviations and a little for small numbers: what is allowed is not boundless
    assert mostly >= share - 6 * (share * (1 - share) / n) ** 0.5 - 12 / n


def test_a_large_sample_is_held_to_the_limit() -> None:
    found = {"x": ColumnStatistics(10_000_000)}
    assert scaled_to_sample(rule(column="x", mostly=0.99), found, 10_000_000).kwargs["mostly"] == pytest.approx(
        0.99, abs=2e-4
    )


def test_honest_samples_keep_a_widened_share() -> None:
    """Given 2,000 samples of 50 rows of which 2 % break the rule, expected no alarm where 2 % are allowed."""
    rng = np.random.default_rng(1)
    mostly = scaled_to_sample(rule(column="x", mostly=0.98), {"x": ColumnStatistics(50)}, 50).kwargs["mostly"]
    kept = 1 - (rng.random((2000, 50)) < 0.02).mean(axis=1)
    assert (kept >= mostly).all()


def test_a_median_may_miss_its_range_by_five_standard_errors_of_itself() -> None:
    of = rule(MEDIAN, column="x", min_value=0.0, max_value=1.0)
    few, many = (
        scaled_to_sample(of, {"x": ColumnStatistics(n, 0.6745)}, n).kwargs for n in (25, 2500)
    )  # a MAD of 0.6745 is a sigma of 1
    assert few["max_value"] == pytest.approx(1 + 5 * 1.2533 / 5, rel=1e-3)
    assert many["min_value"] == pytest.approx(-5 * 1.2533 / 50, rel=1e-3)


def test_columns_are_measured_once_for_all_rules() -> None:
    con = duckdb.connect()
    con.execute(
        "create table stars as select * from (values (1.0, 'a'), (3.0, null), ('nan'::double, 'c')) as t (x, name)"
    )
    found = measure_columns(con, "stars", [rule(MEDIAN, column="x", min_value=0, max_value=1), rule(column="name")])
    assert found == {"x": ColumnStatistics(3, 1.0), "name": ColumnStatistics(2, None)}


@pytest.mark.parametrize(
    ("holds", "values", "selection", "why"),
    [
        (Holds(), 5, Selection(), ""),
        (Holds(min_values=30), 5, Selection(), "there are 5 values, and the rule needs 30"),
        (Holds(min_values=30), 30, Selection(), ""),
        (Holds(not_selected_on=("ruwe",)), 99, Selection("RUWE > 1.4"), "the stars were selected by ruwe"),
        (Holds(not_selected_on=("ruwe",)), 99, Selection("ruwe_x > 1.4"), ""),
        (OF_IDS, 99, Selection("b > 3", {"gaia_source": "selection"}), "gaia_source was asked for by selection"),
        (OF_IDS, 99, Selection("", {"gaia_source": "ids"}), ""),
        (Holds(tells="select 1 > 2"), 99, Selection(), "too small or too narrow to tell"),
    ],
)  # fmt: skip
def test_a_rule_says_for_which_samples_it_holds(holds: Holds, values: int, selection: Selection, why: str) -> None:
    found = why_not_judged(rule(column="x", holds=holds), sample(values, selection))
    assert (why in found) if why else found == ""


def test_a_median_of_nothing_is_not_judged() -> None:
    assert "no row has a value of x" in why_not_judged(rule(MEDIAN, column="x"), sample(0))


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        ("parallax > 20 and phot_g_mean_mag < 12", "(((parallax > 20) AND (phot_g_mean_mag < 12)))"),
        ("gaiadr3.gaia_source.bp_rp BETWEEN 0.5 AND 1e0", "((bp_rp BETWEEN 0.5 AND 1e0))"),
        ("abs(b) < 10 or not ruwe is null", "(((abs(b) < 10) OR (NOT (ruwe IS NULL))))"),
        ("log(parallax) > 1", "((ln(parallax) > 1))"),
        ("1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 20, 1))", None),
        ("parallax_over_error > 5", None),
        ("parallax > (select max(parallax) from other)", None),
        ("parallax > 1; drop table x", None),
        ("read_text('x') = 'y'", None),
        ("", None),
    ],
)
def test_a_condition_is_read_where_it_is_arithmetic_on_known_columns(condition: str, sql: str | None) -> None:
    assert to_duckdb(condition, COLUMNS) == sql


@pytest.mark.parametrize("table", suite_tables())
def test_a_rule_on_a_sample_says_what_it_catches(table: str) -> None:
    for found in read_suite(table).rules:
        scaled = found.type == MEDIAN or "mostly" in found.kwargs or found.type == "unexpected_rows_expectation"
        if found.severity == "critical" and scaled:
            assert found.catches, f"{table}: {found.name} does not say what it catches and how often it cries"


def test_what_was_asked_of_the_archives_lies_beside_the_landing(tmp_path: Path) -> None:
    landing = Landing(tmp_path, "selected")
    assert landing.selection() == Selection()
    landing.folder.mkdir()
    chosen = Selection("parallax > 20", {"gaia_source": "selection", "twomass_psc": "position"})
    landing.note_selection(chosen)
    assert landing.selection() == chosen
    assert landing.selection().how("apogee_allstar") == "all"
    assert landing.manifests() == []


def test_another_selection_has_an_accepted_snapshot_of_its_own(tmp_path: Path) -> None:
    def report(where: str, median: float) -> CheckReport:
        statistics = {"ruwe": {"rows": 10.0, "median": median, "mad": 0.1, "null_share": 0.0}}
        return CheckReport((TableReport("staging.gaia_source", 10, 1, (), 0, {}, statistics),), where=where)

    accept(tmp_path, report("", 1.0), "first")
    accept(tmp_path, report("ruwe > 1.4", 2.0), "second")
    accept(tmp_path, report("", 1.1), "third")
    assert read_accepted(tmp_path)["staging.gaia_source"]["ruwe"]["median"] == 1.1
    assert read_accepted(tmp_path, "ruwe > 1.4")["staging.gaia_source"]["ruwe"]["median"] == 2.0
    assert read_accepted(tmp_path, "b > 3") == {}
