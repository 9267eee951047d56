"""A crossmatch keeps to its memory limit: what does not fit goes to disk, and the result is the same."""

from pathlib import Path

import duckdb
import pytest

from stellarfm.crossmatch.tables import Columns, match_tables, workspace
from stellarfm.errors import StellarError


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    """400,000 stars along a belt with wide rows, and the same a little further."""
    for name, offset in (("left", 0.0), ("right", 0.1)):
        duckdb.execute(
            f"""copy (
                select i as id, (i * 0.618033988749 * 360) % 360 as ra, i / 4444.4 - 45 + {offset} / 3600 as dec,
                repeat('x', 60) || i as note
                from range(400000) as t(i)
            ) to '{tmp_path}/{name}.parquet'"""
        )
    return tmp_path


def cross(sky: Path, memory_limit: str, find: str = "best") -> str:
    """Return a digest of what was written."""
    temporary = sky / "temporary"
    temporary.mkdir(exist_ok=True)
    with workspace(memory_limit, 2, temporary) as con:
        left, right = ((sky / f"{name}.parquet", Columns()) for name in ("left", "right"))
        match_tables(con, left, right, sky / "out.parquet", radius_arcsec=1.0, find=find)
    assert list(temporary.iterdir()) == []
    text = "note_left || note_right || round(separation_arcsec, 6)"
    digest = f"select md5(string_agg({text}, ',' order by file_row_number)) from '{sky}/out.parquet'"
    return str(duckdb.sql(digest).fetchall()[0][0])


@pytest.mark.parametrize("find", ["best", "all"])
def test_with_little_memory_the_same_rows_are_written_in_the_same_order(sky: Path, find: str) -> None:
    assert cross(sky, "128MB", find) == cross(sky, "1GB", find)
    assert duckdb.sql(f"select count(*) from '{sky}/out.parquet'").fetchall() == [(400_000,)]
    numbered = f"select bool_and(id_left = file_row_number) from '{sky}/out.parquet'"
    assert duckdb.sql(numbered).fetchall() == [(True,)]


def test_too_little_memory_is_said_with_the_way_out(sky: Path) -> None:
    with pytest.raises(StellarError, match=r"does not fit into 2MB with 2 threads; give a larger --memory-limit"):
        cross(sky, "2MB")
