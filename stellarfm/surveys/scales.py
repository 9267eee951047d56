"""Units of two archives: the same, a factor apart, or of different things."""

from functools import cache
from typing import Any


def same_unit(ours: str, theirs: str) -> bool:
    """Whether two units are one, however they are written; two that nobody can read are, if they are the same text."""
    if ours.strip() == theirs.strip():
        return True
    first, second = _parsed(ours), _parsed(theirs)
    return first is not None and second is not None and bool(first == second)


def is_readable(unit: str) -> bool:
    """Whether a unit can be read."""
    return _parsed(unit) is not None


def factor_between(theirs: str, ours: str) -> float | None:
    """Return what numbers in one unit are multiplied by to be in another, None where no factor leads there."""
    from astropy import units

    first, second = _parsed(theirs), _parsed(ours)
    # magnitudes and other logarithms have no factor; 1 and nothing would turn a bare number into any other
    if first is None or second is None or not theirs.strip() or not ours.strip():
        return None
    try:
        # 15 digits: a factor of 1000 is written 1000.0
        return float(f"{first.to(second):.15g}")
    except (units.UnitConversionError, TypeError, AttributeError):
        return None


@cache
def _parsed(unit: str) -> Any:
    from astropy import units

    text = unit.strip().replace("'", "")
    for form in ("vounit", "generic", "cds"):
        try:
            return units.Unit(text, format=form)
        except (ValueError, TypeError):
            continue
    return None
