"""What is counted and chosen among pairs."""

import duckdb
import pytest

from stellarfm.crossmatch.neighbours import count_distinct


@pytest.mark.parametrize(
    ("numbers", "expected"), [([], 0), ([7], 1), ([3, 3, 5, 4, 5], 3), ([-2, 2**40, 2**40, 0], 3)], ids=str
)
def test_different_numbers_are_counted_however_far_apart_they_lie(numbers: list[int], expected: int) -> None:
    con = duckdb.connect()
    con.execute("create table t (n bigint)")
    con.execute("insert into t select unnest($numbers::bigint[])", {"numbers": numbers})
    assert count_distinct(con, "n", "t") == expected
