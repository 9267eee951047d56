"""One value as text for people and as JSON for machines, without losing a digit."""

import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np


def cell(value: Any, *, null: str = "NULL") -> str:
    """Return a value as a person reads and copies it: on one line, with the digits that tell it apart.

    Parameters
    ----------
    value
        Anything that DuckDB gives.
    null
        How an unknown value is written.
    """
    if value is None:
        return null
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return f"[{', '.join(cell(one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{cell(key)}: {cell(one)}' for key, one in value.items())}}}"
    # a line break or an escape of a terminal in a text would break the table, or the terminal
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(value)
    )


def as_json_value(value: Any) -> Any:
    """Return a value in the types that JSON has: NaN becomes null, infinity text, a date its ISO form.

    A decimal becomes a number where that number has the same digits, and text where it has not.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _as_json_number(value)
    if isinstance(value, Mapping):
        return {str(key): as_json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [as_json_value(one) for one in value]
    if isinstance(value, Decimal):
        number = int(value) if value == value.to_integral_value() else float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _as_json_number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"
