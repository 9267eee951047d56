"""Units that a file states: converted to the one that is needed, or refused by column and unit."""

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.sql_text import identifier

_WRITTEN = {
    "degrees": "deg", "degree": "deg", "radians": "rad", "arcseconds": "arcsec", "arcsecs": "arcsec", "milliarcsec": "mas",
    "milliarcsecond": "mas", "hours": "hourangle", "hms": "hourangle", "h": "hourangle", "hr": "hourangle", "hour": "hourangle",
    "magnitude": "mag", "magnitudes": "mag", "mags": "mag", "kelvin": "K", "years": "yr", "year": "yr", "mas/year": "mas/yr",
}  # fmt: skip
"""How people write units that astropy knows by another word, in lower case.

An hour is one of right ascension: no column is a time of day."""

_NO_UNIT = ("", "-", "--", "---", "1", "none", "unitless", "dimensionless")
_LOGARITHMS = (
    "dex", "[-]", "[sun]", "[sol]", "log(cm.s**-2)", "log(cm/s**2)", "log(cm/s2)", "log10(cm/s2)", "[cm/s2]", "[cm/s**2]",
)  # fmt: skip
"""Ways to say that a value is a decimal logarithm in the units of the field: of cm/s2, or of the solar value."""


def factor(stated: str, wanted: str, column: str, called: str) -> float:
    """Return by what a column is multiplied to be in the unit that is wanted.

    Parameters
    ----------
    stated
        Unit that the file states, "" if it states none, which is taken for the one that is wanted.
    wanted
        Unit that is needed, as astropy writes it.
    column, called
        Column and table, for messages.

    Raises
    ------
    StellarError
        If the stated unit is unknown, or is of another kind.
    """
    found = _factor(stated.strip(), wanted)
    if found is None:
        raise StellarError(
            f"{called} states the unit {stated!r} for the column {column}, which cannot be converted to "
            f"{wanted or 'a number without unit'}; convert the column, or mend the unit that the file states"
        )
    return found


def in_unit(sql: str, stated: str, wanted: str, column: str, called: str) -> str:
    """Return a column as SQL in the unit that is wanted: `sql` itself where nothing is to be done; see `factor`."""
    scale = factor(stated, wanted, column, called)
    return sql if scale == 1 else f"(cast({sql} as double) * {scale!r})"


def differs(stated: str, wanted: str) -> bool:
    """Whether a column of a stated unit is to be converted or refused."""
    return _factor(stated.strip(), wanted) != 1


@cache
def _factor(stated: str, wanted: str) -> float | None:
    """Return by what values are multiplied, None if they cannot be converted."""
    word = stated.lower()
    if word == wanted.lower() or word in _NO_UNIT:
        return 1.0
    if wanted in ("dex", ""):
        return (
            1.0
            if wanted == "dex" and (word in _LOGARITHMS or word.startswith("dex"))
            else _plain_factor(stated, wanted)
        )
    found = _plain_factor(stated, wanted)
    return found if found is not None else _plain_factor(word, wanted)


def _plain_factor(stated: str, wanted: str) -> float | None:
    from astropy import units

    unit, target = _parse(stated), units.Unit(wanted or "")
    if unit is None:
        return None
    try:
        # to 15 digits: degrees are 3600 arcsec, not 3600.0000000000005;
        # mag(AB) is a magnitude: its zero point is part of the column's meaning, not of its scale
        return float(f"{(getattr(unit, 'function_unit', None) or unit).to(target):.15g}")
    except (units.UnitConversionError, units.UnitTypeError):
        return None


def _parse(text: str) -> Any:
    from astropy import units

    written = _WRITTEN.get(text.lower(), text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in (None, "vounit", "fits", "cds"):
            try:
                return units.Unit(written, format=form)
            except (ValueError, TypeError):
                continue
    return None


def converted(fields: Mapping[str, Field], wanted: Mapping[str, str], called: str) -> dict[str, str]:
    """Return the columns that are stated in another unit than wanted, each as SQL in the one that is wanted.

    Parameters
    ----------
    fields
        What a file states, by column.
    wanted
        Unit that is needed, by column; columns that it does not have are left as they are.
    called
        The table, for messages.

    Raises
    ------
    StellarError
        If one cannot be converted.
    """
    return {
        column: in_unit(identifier(column), fields[column].unit, unit, column, called)
        for column, unit in wanted.items()
        if column in fields and differs(fields[column].unit, unit)
    }
