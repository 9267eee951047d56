"""One value as text and as JSON."""

import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from stellarfm.commands.cells import as_json_value, cell

_DECIMALS = st.decimals(-(10**30), 10**30, allow_nan=False, places=8)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | _DECIMALS
_VALUES = st.recursive(_PLAIN, lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=10)


@given(_VALUES)
def test_anything_is_strict_json_and_one_line_of_text(value: object) -> None:
    json.dumps(as_json_value(value), allow_nan=False)
    assert len(cell(value).splitlines()) <= 1
    assert "\x1b" not in cell(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_text_and_from_json(value: float) -> None:
    assert float(cell(value)) == value
    assert json.loads(json.dumps(as_json_value(value))) == value


@given(_DECIMALS)
def test_a_decimal_keeps_its_value(value: Decimal) -> None:
    written = as_json_value(value)
    assert (Decimal(written) if isinstance(written, str | int) else Decimal(repr(written))) == value


def test_what_json_lacks_has_one_form() -> None:
    assert as_json_value(math.nan) is None
    assert (as_json_value(math.inf), as_json_value(-math.inf)) == ("Infinity", "-Infinity")
    assert as_json_value(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2020-01-02T03:04:05+00:00"
    assert as_json_value([date(2020, 1, 2), time(12, 0)]) == ["2020-01-02", "12:00:00"]


def test_text_for_people_says_null_true_and_escapes() -> None:
    assert [cell(one) for one in (None, True, [1, None], {"a": 1.5}, "a\tb\x1b[31m")] == [
        "NULL", "true", "[1, NULL]", "{a: 1.5}", r"a\tb\x1b[31m",
    ]  # fmt: skip
