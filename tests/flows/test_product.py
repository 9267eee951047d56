"""The whole product, as a person runs it: one command in an empty folder."""

import duckdb
import pytest

from tests.conftest import Made, small_settings, succeed


def test_a_run_ends_with_a_summary_that_says_what_was_made_and_what_to_try(made: Made) -> None:
    for words in (
        "Release r1-",
        "stars with parameters",
        "held-out stars",
        "is champion",
        "catalog.duckdb",
        "Try next",
    ):
        assert words in made.terminal
    for words in ("catalog query", "catalog show", "model list"):
        assert words in made.terminal.split("Try next")[1]


def test_nothing_outside_this_machine_is_looked_up(made: Made) -> None:
    outside = [name for name in made.looked_up if name not in ("localhost", "127.0.0.1", "::1", "0.0.0.0")]
    assert outside == []
    assert made.looked_up, "the watch saw nothing at all, not even Prefect's own server: it is broken"


def test_the_release_answers_queries(made: Made) -> None:
    rows = succeed(["catalog", "query", "select count(*) as n, avg(teff) as teff from stars"], made.folder)
    assert rows[0]["n"] > 1900
    assert 3000 < rows[0]["teff"] < 7000


def test_the_release_holds_five_tables_with_a_described_column_each(made: Made) -> None:
    with duckdb.connect(str(made.home / "releases" / "latest" / "catalog.duckdb"), read_only=True) as con:
        tables = {row[0] for row in con.execute("show tables").fetchall()}
        own = "from duckdb_columns() where not internal"
        undescribed = con.execute(f"select count(*) {own} and comment is null").fetchall()[0][0]
        listed = con.execute("select count(*) from columns").fetchall()[0][0]
        real = con.execute(f"select count(*) {own}").fetchall()[0][0]
    assert tables == {"stars", "columns", "flags", "provenance", "metrics"}
    assert undescribed == 0
    assert listed == real


def test_the_release_is_written_in_the_storage_format_that_duckdb_1_0_reads(made: Made) -> None:
    header = (made.home / "releases" / "latest" / "catalog.duckdb").read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_the_release_says_what_it_was_made_from(made: Made) -> None:
    rows = succeed(["catalog", "query", "select name, value from provenance"], made.folder)
    known = {row["name"]: row["value"] for row in rows}
    assert {"landing_snapshot", "git_commit", "seed", "model_version", "archive_release", "settings"} <= set(known)
    assert known["seed"] == "7"


def test_the_truth_of_the_simulated_sky_never_reaches_the_warehouse(made: Made) -> None:
    with duckdb.connect(str(made.home / "warehouse.duckdb"), read_only=True) as con:
        names = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    assert not any("truth" in name for name in names)


def test_the_report_compares_with_a_cubic_fit_in_colour(made: Made) -> None:
    rows = succeed(["catalog", "query", "select * from metrics where token = 'teff'"], made.folder)
    assert {"model", "cubic fit in BP-RP"} <= {row["model"] for row in rows}
    assert {"label", "truth"} <= {row["against"] for row in rows}
    assert list(made.home.glob("runs/*/evaluation-*/report.html"))


def test_a_second_run_makes_nothing_anew(made: Made) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.home.glob("r*/*/*") if path.is_file()}
    again = succeed(["run", *small_settings()], made.folder)
    assert again["release"].startswith("r1-")
    after = {path: path.stat().st_mtime_ns for path in made.home.glob("r*/*/*") if path.is_file()}
    assert after == before


def test_a_release_verifies_until_a_byte_of_it_changes(made: Made) -> None:
    assert succeed(["catalog", "verify"], made.folder)["ok"]


@pytest.mark.parametrize("command", ["ingest", "prepare", "train", "evaluate", "promote", "publish"])
def test_each_stage_alone_finds_its_work_done(made: Made, command: str) -> None:
    succeed([command, *small_settings()], made.folder)


def test_the_champion_predicts_any_table(made: Made) -> None:
    source = "stellarfm-home/warehouse.duckdb#marts.training_set"
    done = succeed(["predict", source, "--request", "teff,logg", "-o", "labels.parquet"], made.folder)
    with duckdb.connect() as con:
        table = con.read_parquet(str(made.folder / "labels.parquet"))
        assert table.columns == ["source_id", "teff", "teff_error", "logg", "logg_error"]
        assert table.shape[0] == done["rows"]
