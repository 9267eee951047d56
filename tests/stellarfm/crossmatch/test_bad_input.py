"""What cannot be matched is refused in one sentence that names table, column and a row."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from stellarfm.crossmatch import Side, find_pairs, match
from stellarfm.crossmatch.tables import Columns, match_tables, workspace
from stellarfm.errors import StellarError

GOOD = "(0, 10.0, 20.0, 1.0, 1.0, 2016.0)"


def cross(folder: Path, row: str = GOOD, radius_arcsec: float = 1.0, **columns: str) -> None:
    """Match a left table of a good row and another with one good row."""
    for name, rows in (("left", f"{GOOD}, {row}"), ("right", GOOD)):
        duckdb.execute(
            f"copy (select * from (values {rows}) as t(id, ra, dec, pmra, pmdec, year)) to '{folder}/{name}.parquet'"
        )
    with workspace("100MB", 1) as con:
        left: tuple[Path, Columns] = (folder / "left.parquet", Columns(**columns))
        right: tuple[Path, Columns] = (folder / "right.parquet", Columns(epoch="2000" if "epoch" in columns else ""))
        match_tables(con, left, right, folder / "out.parquet", radius_arcsec=radius_arcsec)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("(1, 361.0, 20.0, 1, 1, 2016)", r"left\.parquet: row 1 has ra = 361\.0, dec = 20\.0, which is not on the sky"),
        ("(1, -181.0, 20.0, 1, 1, 2016)", r"row 1 has ra = -181\.0"),
        ("(1, 10.0, 90.1, 1, 1, 2016)", r"row 1 has ra = 10\.0, dec = 90\.1, .* give degrees"),
        ("(1, 10.0, -91.0, 1, 1, 2016), (2, 10.0, -92.0, 1, 1, 2016)", r"row 1 \(and 1 more\) has .*dec = -91\.0"),
        (
            "(1, 10.0, 20.0, 2e5, 1, 2016)",
            r"row 1 has pmra = 200000\.0, pmdec = 1\.0, faster than any star; give mas/yr",
        ),
    ],
)
def test_values_that_cannot_be_name_table_column_and_row(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(StellarError, match=message):
        cross(tmp_path, row)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    "row", ["(1, 360.0, 90.0, 1, 1, 2016)", "(1, -180.0, -90.0, 1, 1, 2016)", "(1, 'nan'::double, null, null, null, 1)"]
)
def test_the_edges_of_the_sky_and_rows_without_position_are_fine(tmp_path: Path, row: str) -> None:
    cross(tmp_path, row)
    assert duckdb.sql(f"select id_left from '{tmp_path}/out.parquet'").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("(1, 10.0, 20.0, 1, 1, null)", r"left\.parquet: row 1 has no epoch in year; give every row one"),
        ("(1, 10.0, 20.0, 1, 1, 2457388.5)", r"left\.parquet: row 1 has year = 2457388\.5, which is not a year"),
    ],
)
def test_an_epoch_that_is_missing_or_no_year_names_the_row(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(StellarError, match=message):
        cross(tmp_path, row, epoch="year")


def test_the_epoch_of_one_table_alone_is_no_use(tmp_path: Path) -> None:
    cross(tmp_path)
    with workspace("100MB", 1) as con, pytest.raises(StellarError, match=r"right\.parquet has no epoch, but .*left"):
        left, right = (tmp_path / "left.parquet", Columns(epoch="2016")), (tmp_path / "right.parquet", Columns())
        match_tables(con, left, right, tmp_path / "o.parquet", radius_arcsec=1.0)


@pytest.mark.parametrize("radius_arcsec", [0.0, -1.0, 3600.1, float("nan"), float("inf")])
def test_a_radius_beyond_the_limits_is_refused(tmp_path: Path, radius_arcsec: float) -> None:
    with pytest.raises(StellarError, match="the radius must be above 0 and at most 3600 arcsec, not"):
        cross(tmp_path, radius_arcsec=radius_arcsec)


def test_half_a_proper_motion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StellarError, match=r"left\.parquet has no column pm2; a proper motion needs two columns"):
        cross(tmp_path, pmdec="pm2")


def sides(con: duckdb.DuckDBPyConnection, left: str, **columns: Any) -> tuple[Side, Side]:
    con.execute(f"create table l as {left}; create table r as select 1 as id, 10.0 as ra, 20.0 as dec, 2000.0 as year")
    return Side("l", identifier="id", **columns), Side(
        "r", identifier="id", epoch="year" if columns.get("epoch") else ""
    )


@pytest.mark.parametrize(
    ("left", "columns", "message"),
    [
        (
            "select 1 as id, 'here' as ra, 20.0 as dec",
            {},
            r"l: the column ra is VARCHAR \(row 0: 'here'\); it must hold numbers",
        ),
        ("select 1 as id, '12:00:00' as ra, 20.0 as dec", {}, r"the column ra is VARCHAR \(row 0: '12:00:00'\)"),
        (
            "select 1 as id, 10.0 as ra, [20.0] as dec",
            {},
            r"l: the column dec is .*\[\] \(row 0: \[.*\]\); it must hold",
        ),
        ("select 1 as id, true as ra, 20.0 as dec", {}, "the column ra is BOOLEAN"),
        (
            "select 1 as id, 10.0 as ra, 20.0 as dec, date '2016-01-01' as year",
            {"epoch": "year"},
            "the column year is DATE",
        ),
        (
            "select 1 as id, 10.0 as ra, 20.0 as dec, 'fast' as pmra, 1 as pmdec",
            {"moves": True},
            "the column pmra is VARCHAR",
        ),
        ("select 1 as id, 10.0 as RAJ2000, 20.0 as dec", {}, r"l has no column ra; it may be RAJ2000\."),
        ("select 1 as id, 10.0 as alpha, 20.0 as dec", {}, r"l has no column ra; it has id, alpha, dec"),
    ],
)
def test_a_column_of_the_wrong_type_or_name_is_named(left: str, columns: dict[str, Any], message: str) -> None:
    con = duckdb.connect()
    with pytest.raises(StellarError, match=message):
        find_pairs(con, *sides(con, left, **columns), radius_arcsec=1.0)


def test_numbers_that_are_kept_as_text_count() -> None:
    con = duckdb.connect()
    find_pairs(con, *sides(con, "select 1 as id, '10.0' as ra, '20' as dec"), radius_arcsec=1.0)
    assert con.sql("select left_row, right_row from pairs").fetchall() == [(0, 0)]


def test_an_identifier_that_two_rows_share_is_named() -> None:
    con = duckdb.connect()
    left = "select * from (values (7, 1.0, 2.0), (8, 3.0, 4.0), (8, 5.0, 6.0)) as t(id, ra, dec)"
    with pytest.raises(StellarError, match="l: id = 8 stands in 2 rows; an identifier must name one row"):
        match(con, *sides(con, left), "found", radius_arcsec=1.0)


@pytest.mark.parametrize("limit", ["much", "12 parsecs"])
def test_a_memory_limit_that_is_none_is_refused(limit: str) -> None:
    with (
        pytest.raises(StellarError, match=rf"the memory limit {limit} cannot be set .*give e\.g\. 1GB"),
        workspace(limit, 1),
    ):
        pass
