"""The condition that a person selects stars by: one condition, whatever we put around it in a query.

Where it is simple enough, the rows that came are held against it.

ADQL is close enough to DuckDB's SQL for DuckDB's parser to judge the form. Names and types are the archive's to judge.
"""

from collections.abc import Collection, Mapping
from typing import Any

from stellarfm.errors import StellarError
from stellarfm.expression_language import CONDITION, PLAIN_CONDITION
from stellarfm.expressions import parse
from stellarfm.suggestions import near

_AS_IN_DUCKDB = {"log": "ln", "ceiling": "ceil"}
"""ADQL's LOG is the natural logarithm, DuckDB's is not."""


def refuse_odd_condition(where: str) -> None:
    """Refuse what is not exactly one condition, such as ``1=1) OR (1=1``, which would reach beyond its parentheses.

    Parameters
    ----------
    where
        ADQL, without the word WHERE.

    Raises
    ------
    StellarError
        If it is not one condition over columns of the table that is asked; names it and what is wrong with it.
    """
    parse(where, "gaia.where", CONDITION)


def columns_of(where: str) -> list[str]:
    """Return the columns that a condition names, in their order, each once."""
    return list(parse(where, "gaia.where", CONDITION).columns)


def near_columns(where: str, words: str, known: Mapping[str, Any], release: str) -> str:
    """Return a remark on the column that an archive does not know, "" if no known one is near it.

    Parameters
    ----------
    where
        The condition.
    words
        What the archive says of it.
    known
        Columns of the profile, by name.
    release
        What the profile is of.
    """
    strange = [name for name in columns_of(where) if name.lower() not in known]
    # an archive has more columns than the profile: what it complains of comes first
    for name in sorted(strange, key=lambda one: one.lower() not in words.lower()):
        if close := near(name, known):
            return f"; {name!r} is no column that the profile of {release} has{close}"
    return ""


def to_duckdb(condition: str, columns: Collection[str]) -> str | None:
    """Return an ADQL condition as an expression of DuckDB, None if it has anything but columns, numbers and comparisons.

    Parameters
    ----------
    condition
        E.g. ``"parallax > 20 and phot_g_mean_mag < 12"``.
    columns
        Columns that there are.
    """
    try:
        expression = parse(condition, "the condition", PLAIN_CONDITION)
    except StellarError:
        return None
    known = {name.lower() for name in columns}
    if not all(name.lower() in known for name in expression.columns):
        return None
    return expression.to_sql(functions=_AS_IN_DUCKDB)
