"""Any table through any two formats comes back as it was, or is refused in a sentence that names the column."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats import open_table, write_table
from stellarfm.formats.column_types import UNKNOWN_WORDS

FORMATS = (".parquet", ".csv", ".csv.gz", ".tsv", ".fits", ".vot", ".duckdb")
KINDS = {
    "BIGINT": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.sampled_from([999999, -9999, 2**53 + 1])),
    "UBIGINT": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "INTEGER": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "SMALLINT": (pa.int16(), st.integers(-(2**15), 2**15 - 1) | st.just(16959)),
    "UTINYINT": (pa.uint8(), st.integers(0, 255) | st.just(63)),
    "DOUBLE": (pa.float64(), st.floats(width=64) | st.just(200.123456)),
    "FLOAT": (pa.float32(), st.floats(width=32)),
    "BOOLEAN": (pa.bool_(), st.booleans()),
    "VARCHAR": (
        pa.string(),
        st.text(max_size=12)
        | st.sampled_from(["null", "NULL", "022", "1e5", "", " ", "α Cen", '"', "a,b", "#", "\n", "true", "12:30", "nan", "--"]),
    ),
}  # fmt: skip
NAMES = ("source_id", "2MASS", "a b", "x,y", 'q"t', "select", "RA", "pos.dec", "é", "#n")
UNITS = ("", "deg", "mas / yr", "mag", "km / s")


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[str], dict[str, Field]]:
    """Return a table, the kinds of its columns, and their units."""
    rows = draw(st.integers(1, 6))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from(sorted(KINDS))) for _ in names]
    arrays = [
        pa.array(draw(st.lists(st.none() | KINDS[kind][1], min_size=rows, max_size=rows)), KINDS[kind][0])
        for kind in kinds
    ]
    fields = {name: Field(draw(st.sampled_from(UNITS)), "", "") for name in names}
    return pa.table(dict(zip(names, arrays, strict=True))), kinds, fields


def trip(table: pa.Table, fields: dict[str, Field], folder: str, *suffixes: str) -> Any:
    """Write a table in one format after the other; return rows, names and units of the last."""
    con = duckdb.connect()
    con.register("given", table)
    relation = "given"
    for place, suffix in enumerate(suffixes):
        write_table(con, relation, Path(folder) / f"t{place}{suffix}", fields)
        opened = open_table(con, Path(folder) / f"t{place}{suffix}", f"back{place}")
        relation, fields = opened.relation, dict(opened.fields)
    units = {name: about.unit for name, about in fields.items() if about.unit}
    return con.sql(f"from {relation}").fetchall(), list(opened.columns), units


def same(kind: str, before: Any, after: Any, suffixes: tuple[str, ...]) -> bool:
    """Whether a value is what it was, as far as the formats on its way can tell."""
    binary = any(suffix in (".fits", ".vot") for suffix in suffixes)
    text = any(suffix in (".csv", ".csv.gz", ".tsv") for suffix in suffixes)
    if kind == "VARCHAR":
        return same_text(before, after, binary=binary, fits=".fits" in suffixes, text=text)
    if kind in ("DOUBLE", "FLOAT") and binary and (before is None or math.isnan(before)):
        return after is None or math.isnan(after)  # one thing in both formats
    if before is None or after is None:
        # a column of CSV without any value may hold numbers, as far as it tells
        return before is after or (binary and (after == "" or (text and after != after)))
    if kind == "BOOLEAN":
        return bool(before == after)
    if kind in ("DOUBLE", "FLOAT"):
        return bool(before == after or np.float32(after) == before or (math.isnan(before) and math.isnan(after)))
    # whole numbers, of which those beyond 2^63 may have become text
    return int(after) == before and not isinstance(after, float)


def same_text(before: str | None, after: Any, *, binary: bool, fits: bool, text: bool) -> bool:
    if (
        binary
    ):  # neither format tells NULL from a text without letters, and readers of XML not from one of white space alone
        before, after = "" if before is None or before.isspace() else before, "" if after is None else after
        after = after if not isinstance(after, str) or after.strip() else ""
    if fits:  # spaces at the end are no part of a text (FITS 4.0, section 7.3.3)
        before, after = str(before).rstrip(" "), after.rstrip(" ") if isinstance(after, str) else after
    if before == after:
        return True
    if not text or before is None:
        return text and binary and after != after
    # text of CSV that is a number in all rows is one
    if after is None or after == "":
        return before.strip().lower() in UNKNOWN_WORDS
    if isinstance(after, float) and math.isnan(after):
        return before.strip().lower() in ("nan", *UNKNOWN_WORDS)
    return before.strip().lower() == str(after).lower() or (
        isinstance(after, int | float) and float(before) == float(after)
    )


def check(given_table: tuple[pa.Table, list[str], dict[str, Field]], first: str, second: str) -> None:
    table, kinds, fields = given_table
    with TemporaryDirectory() as folder:
        try:
            rows, names, units = trip(table, fields, folder, first, second)
        except StellarError as error:
            assert any(name in str(error) for name in table.column_names), error
            return
    assert names == table.column_names
    if not any(suffix in (".csv", ".csv.gz", ".tsv") for suffix in (first, second)):
        assert units == {name: about.unit for name, about in fields.items() if about.unit}
    before = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert len(rows) == len(before)
    for row, original in zip(rows, before, strict=True):
        for kind, one, other in zip(kinds, original, row, strict=True):
            assert same(kind, one, other, (first, second)), (kind, one, other, first, second)


PAIRS = st.tuples(st.sampled_from(FORMATS), st.sampled_from(FORMATS))
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(tables(), PAIRS)
def test_any_table_comes_back_through_two_formats_or_is_refused_by_name(
    given_table: Any, pair: tuple[str, str]
) -> None:
    check(given_table, *pair)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=QUIET, phases=(Phase.generate, Phase.shrink))
@given(tables(), PAIRS)
def test_five_hundred_tables_come_back(given_table: Any, pair: tuple[str, str]) -> None:
    check(given_table, *pair)
