"""The content hash sees rows and nothing else."""

import duckdb
import pytest

from stellarfm.catalog.hashing import table_hash


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(
        """create table t as
        select range as id, range * 0.5 as x, range / 2 as d, range::varchar as name, [range, 1] as l, true as f
        from range(10)"""
    )
    return con


def test_the_order_of_rows_and_columns_does_not_matter(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table other as select f, l, d, name, x, id from t order by id desc")
    assert table_hash(con, "t", "id") == table_hash(con, "other", "id")


@pytest.mark.parametrize(
    "change",
    [
        "x = 7",
        "d = 7",
        "x = null",
        "name = 'a'",
        "name = null",
        "l = [1, 2, 3]",
        "l = [null, 1]",
        "l = null",
        "f = null",
    ],
)
def test_every_change_of_a_value_is_seen(con: duckdb.DuckDBPyConnection, change: str) -> None:
    before = table_hash(con, "t", "id")
    con.execute(f"update t set {change} where id = 3")
    assert table_hash(con, "t", "id") != before
