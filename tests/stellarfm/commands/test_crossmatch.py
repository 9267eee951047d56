"""`stellarfm crossmatch`: two files in, one file and the counts out."""

import json
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from stellarfm.commands.crossmatch import crossmatch
from stellarfm.crossmatch.tables import STEPS, Columns, match_tables, workspace
from stellarfm.errors import StellarError

app = typer.Typer()
app.command()(crossmatch)

ARCSEC = 1 / 3600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three Gaia stars, the second a fast one; four 2MASS sources, one without a position, two near the first star."""
    duckdb.execute(
        f"""copy (select * from (values
            (1, 0.00001, 0.0, 0.0, 0.0, 12.0::float), (2, 266.0, 89.999, 10000.0, 0.0, 13.0), (3, 120.0, -30.0, null, null, 14.0)
        ) as t(source_id, ra, dec, pmra, pmdec, g)) to '{tmp_path}/gaia.parquet'"""
    )
    duckdb.execute(
        f"""copy (select * from (values
            ('a', 359.99999, 0.0, 2000.0), ('b', 0.00001, {0.5 * ARCSEC}, 2000.0),
            ('c', 266.0, 89.999, 2016.0), ('d', null, 0.0, 2000.0)
        ) as t(designation, RA, Dec, epoch_year)) to '{tmp_path}/tmass.csv' (header)"""
    )
    return tmp_path


def run(folder: Path, *words: str) -> dict[str, int]:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    counts: dict[str, int] = json.loads(result.stdout)
    return counts


def test_best_takes_the_nearest_and_tells_what_has_no_pair(folder: Path) -> None:
    out = folder / "out.parquet"
    counts = run(folder, f"{folder}/gaia.parquet", f"{folder}/tmass.csv", "--radius-arcsec", "1", "-o", str(out))
    rows = duckdb.sql(f"from '{out}'").fetchall()
    assert [(row[0], row[6]) for row in rows] == [(1, "a"), (2, "c")]
    assert rows[0][-1] == pytest.approx(0.072)
    assert counts["rows_left"] == 3
    assert counts["rows_right"] == 4
    assert counts["pairs"] == 2
    assert counts["unmatched_left"] == 1
    assert counts["unmatched_right"] == 2
    assert counts["without_position_right"] == 1


def test_all_writes_every_pair_in_the_order_of_the_left_rows(folder: Path) -> None:
    out = folder / "out.csv"
    run(
        folder, f"{folder}/gaia.parquet", f"{folder}/tmass.csv", "--radius-arcsec", "1", "--find", "all", "-o", str(out)
    )
    assert duckdb.sql(f"select source_id, designation from '{out}'").fetchall() == [(1, "a"), (1, "b"), (2, "c")]


def test_columns_of_both_sides_are_written_and_equal_names_get_a_suffix(folder: Path) -> None:
    out = folder / "out.parquet"
    run(folder, f"{folder}/gaia.parquet", f"{folder}/tmass.csv", "-o", str(out))
    assert duckdb.sql(f"from '{out}'").columns == [
        "source_id", "ra_left", "dec_left", "pmra", "pmdec", "g", "designation", "RA_right", "Dec_right", "epoch_year",
        "separation_arcsec",
    ]  # fmt: skip


def test_a_fast_star_is_found_where_it_was_at_the_epoch_of_each_row(folder: Path) -> None:
    out = folder / "out.parquet"
    words = [f"{folder}/gaia.parquet", f"{folder}/tmass.csv", "-o", str(out), "--left-epoch", "2000"]
    run(folder, *words, "--right-epoch", "epoch_year")
    assert duckdb.sql(f"select source_id from '{out}'").fetchall() == [(1,)]  # 160 arcsec away at 2016
    run(folder, *words, "--right-epoch", "epoch_year", "--no-proper-motions")
    assert duckdb.sql(f"select source_id from '{out}'").fetchall() == [(1,), (2,)]


def test_a_missing_column_is_named_with_the_one_that_may_be_meant(folder: Path) -> None:
    duckdb.execute(f"copy (select 1.0 as RAJ2000, 2.0 as DEJ2000) to '{folder}/v.parquet'")
    with pytest.raises(StellarError, match=r"v\.parquet has no column ra; it may be RAJ2000"):
        run(folder, f"{folder}/v.parquet", f"{folder}/tmass.csv", "-o", str(folder / "out.parquet"))
    words = ["--left-ra", "RAJ2000", "--left-dec", "DEJ2000", "-o", str(folder / "out.parquet")]
    assert run(folder, f"{folder}/v.parquet", f"{folder}/tmass.csv", *words)["pairs"] == 0


def test_nothing_but_the_counts_goes_to_stdout_however_long_it_takes(folder: Path) -> None:
    with workspace("100MB", 1) as con:
        shown = con.execute("select current_setting('enable_progress_bar_print')").fetchall()
    assert shown == [(False,)]  # DuckDB's own bar goes to stdout after two seconds


def test_each_step_is_told_in_its_order(folder: Path) -> None:
    told: list[str] = []
    with workspace("100MB", 1) as con:
        tables = ((f"{folder}/gaia.parquet", Columns()), (f"{folder}/tmass.csv", Columns()))
        match_tables(con, *tables, folder / "out.parquet", radius_arcsec=1.0, on_step=told.append)
    assert tuple(told) == STEPS
