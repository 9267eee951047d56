"""What a sample can show: a limit on a median or a share is widened by the error of sampling, so that few rows never cry.

A rule of rows holds for every row of every sky, up to a share that is given. A rule of samples compares a median with a range
that holds for all stars together; a small sample misses it by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy.stats import binom

from stellarfm.checks.suites import Rule
from stellarfm.sql_text import identifier
from stellarfm.statistics import MAD_TO_SIGMA

MEDIAN = "expect_column_median_to_be_between"

FALSE_ALARM = 1e-7
"""Chance that a sample of independent rows breaks the limit on a share though all its rows are drawn as the limit says. With
some 80 such rules a run, one run in 100,000 cries by chance."""

STANDARD_ERRORS = 5
"""Standard errors by which a median may miss its range: the same chance for a normal distribution, 3e-7."""

_MEDIAN_ERROR = 1.2533
"""Standard error of the median in units of sigma / sqrt(n), for a normal distribution: sqrt(pi / 2)."""


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of a column before its rules are judged.

    Attributes
    ----------
    num_values
        Values that are not NULL.
    mad
        Their median absolute deviation, in the unit of the column; None where it is not a number.
    """

    num_values: int
    mad: float | None = None


def measure_columns(con: Any, view: str, rules: Sequence[Rule]) -> dict[str, ColumnStatistics]:
    """Count the values of the columns that rules look at, and measure the spread of those with a median.

    Parameters
    ----------
    con
        DuckDB connection.
    view
        Relation that is judged.
    rules
        What is expected of it.

    Returns
    -------
    dict
        By column; a rule that looks at no single column has none.
    """
    columns = dict.fromkeys(rule.kwargs["column"] for rule in rules if "column" in rule.kwargs)
    medians = {rule.kwargs["column"] for rule in rules if rule.type == MEDIAN}
    if not columns:
        return {}
    terms = []
    for column in columns:
        name = identifier(column)
        spread = f"mad({name}) filter (where isfinite({name}))" if column in medians else "null"
        terms += [f"count({name})", f"({spread})::double"]
    row = con.execute(f"select {', '.join(terms)} from {view}").fetchall()[0]  # noqa: S608
    return {column: ColumnStatistics(row[2 * k], row[2 * k + 1]) for k, column in enumerate(columns)}


def scaled_to_sample(rule: Rule, found: Mapping[str, ColumnStatistics], num_rows: int) -> Rule:
    """Return a rule with its limit widened by what chance does to a sample of this size.

    Parameters
    ----------
    rule
        With all arguments known.
    found
        Statistics of the columns.
    num_rows
        Rows of the relation.

    Returns
    -------
    Rule
        With wider limits where it judges a median (in the unit of the column) or has a ``mostly`` (a share), else as it is.
    """
    column = found.get(rule.kwargs.get("column", ""))
    if rule.type == MEDIAN and column is not None and column.num_values and column.mad is not None:
        # 1.2533 sigma / sqrt(n), with sigma from the MAD: outliers must not widen the limit that is to catch them
        error = STANDARD_ERRORS * _MEDIAN_ERROR * MAD_TO_SIGMA * column.mad / column.num_values**0.5
        widened = {
            **rule.kwargs,
            "min_value": rule.kwargs["min_value"] - error,
            "max_value": rule.kwargs["max_value"] + error,
        }
        return replace(rule, kwargs=widened)
    if "mostly" in rule.kwargs:
        # a rule on NULL looks at all rows, the others at those that have a value
        n = num_rows if rule.type.endswith("_to_not_be_null") or column is None else column.num_values
        return replace(rule, kwargs={**rule.kwargs, "mostly": _mostly(rule.kwargs["mostly"], n)})
    return rule


def _mostly(share: float, n: int) -> float:
    """Return the smallest share of n rows that chance leaves, where each keeps the rule with a probability of `share`."""
    if n == 0:
        return share
    # the number of breaking rows that is exceeded with this chance only, for independent rows
    most_breaking = int(binom.isf(FALSE_ALARM, n, 1 - share))
    # a hair below, as Great Expectations compares a quotient of floats
    return max(0.0, (n - most_breaking) / n - 1e-9)
