"""Every format there and back: values, gaps, strings, arrays, and what is known of the columns."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats import ROW, open_numbered, open_table, write_table

FORMATS = ("t.parquet", "t.csv", "t.csv.gz", "t.tsv", "t.fits", "t.vot", "t.duckdb")
WITH_ARRAYS = ("t.parquet", "t.fits", "t.vot", "t.duckdb")
WITH_FIELDS = ("t.parquet", "t.fits", "t.vot", "t.duckdb")

STARS = """(select * from (values
    (4057224024226708992, 'α Cen', 12.5, 1.5::float, 3::smallint, true), (2, null, null, null, null, false),
    (-3, 'b, "c"', -1e-300, -0.25::float, -4::smallint, true)
) as t(source_id, name, x, f, n, flag))"""


def there_and_back(folder: Path, file: str, relation: str, fields: dict[str, Field] | None = None) -> Any:
    """Write a relation and open it again in a new connection."""
    assert write_table(duckdb.connect(), relation, folder / file, fields) > 0
    con = duckdb.connect()
    return con, open_table(con, folder / file, "back").relation


@pytest.mark.parametrize("file", FORMATS)
def test_values_and_gaps_come_back(tmp_path: Path, file: str) -> None:
    stars = STARS.replace("α Cen", "alpha Cen")
    con, back = there_and_back(tmp_path, file, stars)
    rows = con.sql(
        f"select source_id, name, if(isnan(x), null, x), if(isnan(f), null, f), n, flag from {back}"
    ).fetchall()
    expected = duckdb.sql(f"from {stars}").fetchall()
    assert [tuple(None if value == "" else value for value in row) for row in rows] == expected


@pytest.mark.parametrize("file", [file for file in FORMATS if file != "t.fits"])
def test_letters_beyond_ascii_come_back(tmp_path: Path, file: str) -> None:
    con, back = there_and_back(tmp_path, file, STARS)
    assert con.sql(f"select name from {back}").fetchall()[0][0] == "α Cen"


@pytest.mark.parametrize("file", FORMATS)
def test_the_rows_keep_their_order(tmp_path: Path, file: str) -> None:
    con, back = there_and_back(tmp_path, file, "(select (i * 7919) % 10007 as i from range(10007) as t(i))")
    assert [row[0] for row in con.sql(f"from {back}").fetchall()] == [(i * 7919) % 10007 for i in range(10007)]


@pytest.mark.parametrize("file", WITH_ARRAYS)
def test_arrays_come_back_and_missing_ones_have_no_value(tmp_path: Path, file: str) -> None:
    con, back = there_and_back(
        tmp_path, file, "(select * from (values ([1.5, 2, -3]::double[3]), (null), ([4, 5, 6])) as t(coefficients))"
    )
    first, second, third = (row[0] for row in con.sql(f"select coefficients::double[] from {back}").fetchall())
    assert (list(first), list(third)) == ([1.5, 2.0, -3.0], [4.0, 5.0, 6.0])
    assert second is None or np.isnan(np.array(second, float)).all()


@pytest.mark.parametrize("file", WITH_FIELDS)
def test_units_ucds_and_descriptions_come_back(tmp_path: Path, file: str) -> None:
    fields = {
        "pmra": Field("mas / yr", "pos.pm;pos.eq.ra", "Proper motion in right ascension"),
        "source_id": Field("", "meta.id;meta.main", "Gaia DR3 source identifier"),
    }
    write_table(duckdb.connect(), "(select 1 as source_id, 2.5 as pmra, 3 as other)", tmp_path / file, fields)
    found = open_table(duckdb.connect(), tmp_path / file, "back").fields
    assert {name: about for name, about in found.items() if any(vars(about).values())} == fields


def test_fits_as_others_write_it_big_endian_masked_and_padded(tmp_path: Path) -> None:
    table = Table()
    table["id"] = MaskedColumn([1, 2, 3], mask=[False, True, False], dtype=">i8")
    table["x"] = np.array([1.5, np.nan, 2.5], dtype=">f4")
    table["name"] = np.array([b"a  ", b"bb ", b"ccc"])
    table["xp"] = np.arange(6, dtype=">f8").reshape(3, 2)
    table.write(tmp_path / "t.fits")
    con = duckdb.connect()
    open_table(con, tmp_path / "t.fits", "t")
    rows = con.sql("select id, if(isnan(x), null, x), rtrim(name), xp, typeof(x) from t").fetchall()
    assert rows == [
        (1, 1.5, "a", [0.0, 1.0], "FLOAT"), (None, None, "bb", [2.0, 3.0], "FLOAT"), (3, 2.5, "ccc", [4.0, 5.0], "FLOAT"),
    ]  # fmt: skip


def test_an_extension_of_a_fits_file_is_named_by_number_or_name(tmp_path: Path) -> None:
    tables = [fits.BinTableHDU(Table({"i": [i]}), name=f"part{i}") for i in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / "t.fits")
    con = duckdb.connect()
    for name, address, expected in (("a", "t.fits", 1), ("b", "t.fits#2", 2), ("c", "t.fits#PART2", 2)):
        open_table(con, f"{tmp_path}/{address}", name)
        assert con.sql(f"select i from {name}").fetchall() == [(expected,)]


def test_a_votable_as_others_write_it_masked_and_with_units(tmp_path: Path) -> None:
    table = Table({"name": np.array(["a", "", "ü"])})
    table["n"] = MaskedColumn([1, 2, 3], mask=[False, True, False], unit="mag", description="A number")
    table.write(tmp_path / "t.xml", format="votable")
    con = duckdb.connect()
    opened = open_table(con, tmp_path / "t.xml", "t")
    assert con.sql("select n from t").fetchall() == [(1,), (None,), (3,)]
    assert con.sql("select name from t").fetchall()[2] == ("ü",)
    assert opened.fields["n"] == Field("mag", "", "A number")


def test_a_folder_and_a_pattern_of_parquet_files_are_one_table(tmp_path: Path) -> None:
    for i in range(3):
        duckdb.execute(f"copy (select {i} as i) to '{tmp_path}/part-{i}.parquet'")
    con = duckdb.connect()
    assert con.sql(f"from {open_table(con, tmp_path, 'folder').relation}").fetchall() == [(0,), (1,), (2,)]
    assert con.sql(f"from {open_table(con, tmp_path / 'part-[12].parquet', 'pattern').relation}").fetchall() == [
        (1,),
        (2,),
    ]


def test_a_table_of_a_duckdb_file_is_named_after_a_hash_sign(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "t.duckdb") as made:
        made.execute("create table a as select 1 as i; create schema s; create view s.b as select 2 as i")
    con = duckdb.connect()
    assert con.sql(f"from {open_table(con, f'{tmp_path}/t.duckdb#a', 'x').relation}").fetchall() == [(1,)]
    assert con.sql(f"from {open_table(con, f'{tmp_path}/t.duckdb#s.b', 'y').relation}").fetchall() == [(2,)]
    with pytest.raises(StellarError, match=r"holds the tables main\.a, s\.b; name one"):
        open_table(con, tmp_path / "t.duckdb", "z")


@pytest.mark.parametrize("file", FORMATS)
def test_rows_are_numbered_in_the_order_of_the_file_however_they_are_read(tmp_path: Path, file: str) -> None:
    write_table(duckdb.connect(), "(select i * 2 as x from range(1000) as t(i))", tmp_path / file)
    con = duckdb.connect()
    open_numbered(con, tmp_path / file, "t")
    for name in ("t", "t_shared"):
        assert con.sql(f"select x from {name} order by {ROW}").fetchall() == [(2 * i,) for i in range(1000)]


def test_a_large_row_group_is_read_in_slices_that_hold_every_row_once(tmp_path: Path) -> None:
    duckdb.execute(f"copy (select i from range(600000) as t(i)) to '{tmp_path}/t.parquet' (row_group_size 1000000)")
    con = duckdb.connect(config={"threads": "2"})
    open_numbered(con, tmp_path / "t.parquet", "t")
    assert "Union" in con.execute("explain from t_shared").fetchall()[0][1]
    found = con.sql(f"select count(*), count(distinct {ROW}), bool_and(i = {ROW}) from t_shared").fetchall()
    assert found == [(600_000, 600_000, True)]


def test_a_zipped_text_is_really_zipped(tmp_path: Path) -> None:
    write_table(duckdb.connect(), "(select 1 as a, 2 as b)", tmp_path / "t.csv.gz")
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()) == b"a,b\n1,2\n"


def test_dates_and_wide_numbers_become_what_fits_can_hold(tmp_path: Path) -> None:
    relation = "(select date '2016-01-01' as d, 1.25::decimal(9, 4) as x, 7::ubigint as n)"
    con, back = there_and_back(tmp_path, "t.fits", relation)
    assert con.sql(f"from {back}").fetchall() == [("2016-01-01", 1.25, 7)]


@pytest.mark.parametrize(
    ("file", "relation", "message"),
    [
        ("t.fits", "(select [1, 2] as x union all select [1])", r"the column x holds lists .* write Parquet"),
        ("t.vot", "(select {'a': 1} as x)", r"the column x is .* neither FITS nor VOTable"),
        ("t.xlsx", "(select 1 as x)", r"t\.xlsx has an unknown format; known are"),
        ("t.parquet.gz", "(select 1 as x)", r"t\.parquet\.gz has an unknown format"),
    ],
)
def test_what_a_format_cannot_hold_is_said_and_nothing_is_left(
    tmp_path: Path, file: str, relation: str, message: str
) -> None:
    with pytest.raises(StellarError, match=message):
        write_table(duckdb.connect(), relation, tmp_path / file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["t.parquet", "t.fits", "t.vot", "t.duckdb"])
def test_a_file_that_is_cut_short_is_named(tmp_path: Path, file: str) -> None:
    write_table(duckdb.connect(), "(select i, i / 7 as x from range(20000) as t(i))", tmp_path / file)
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 3])
    with pytest.raises(StellarError, match=rf"{file} cannot be read as a table .*cut short"):
        con = duckdb.connect()
        con.execute(f"from {open_table(con, tmp_path / file, 'back').relation}").fetchall()


def test_a_file_that_is_not_there_and_one_of_unknown_kind_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_text("x")
    with pytest.raises(StellarError, match=r"there is no table .*nothing\.parquet; name a file"):
        open_table(duckdb.connect(), tmp_path / "nothing.parquet", "t")
    with pytest.raises(StellarError, match=r"t\.xlsx has an unknown format; known are \.parquet"):
        open_table(duckdb.connect(), tmp_path / "t.xlsx", "t")
