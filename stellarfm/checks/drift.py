"""Drift: medians, spreads and NULL shares of chosen columns against those of the accepted snapshot."""

import math
from collections.abc import Mapping
from typing import Any

from stellarfm.checks.suites import Rule, Suite, Tolerance
from stellarfm.statistics import MAD_TO_SIGMA

Statistics = dict[str, dict[str, float]]
"""For each column: ``rows``, ``median``, ``mad``, ``null_share``."""

DRIFT_SUFFIX = "_drift"
"""End of the name of every rule that compares with the accepted snapshot."""

_STANDARD_ERRORS = 5
_MEDIAN_ERROR = 1.2533 * MAD_TO_SIGMA
"""Standard error of a median in units of MAD / sqrt(n), for a normal distribution; that of the MAD itself is 1.17."""
_MAD_ERROR = 1.17


def measure(con: Any, view: str, suite: Suite, target: str) -> Statistics:
    """Measure the columns that a suite watches, and leave the result as a table of one row.

    Parameters
    ----------
    con
        DuckDB connection.
    view
        Relation to measure.
    suite
        Says which columns.
    target
        Table to make: for each column ``<column>_median``, ``<column>_mad`` and ``<column>_null_share``.

    Returns
    -------
    dict
        By column; medians and MADs in its unit, NaN where no value is finite.
    """
    terms = ", ".join(
        # NaN sorts above everything in DuckDB and would pull the median up
        f"median({c}) filter (where isfinite({c}))::double as {c}_median, "
        f"mad({c}) filter (where isfinite({c}))::double as {c}_mad, "
        f"1 - count({c}) / count(*)::double as {c}_null_share"
        for c in suite.drift
    )
    # a table of one row, because Great Expectations judges relations: a drift is a rule as any other
    con.execute(f"create or replace table {target} as select count(*) as num_rows, {terms} from {view}")  # noqa: S608
    row = con.execute(f"from {target}").fetchall()[0]
    found: Statistics = {}
    for k, column in enumerate(suite.drift):
        median, mad, null_share = (float("nan") if v is None else float(v) for v in row[1 + 3 * k : 4 + 3 * k])
        found[column] = {"rows": float(row[0]), "median": median, "mad": mad, "null_share": null_share}
    return found


def drift_rules(suite: Suite, found: Statistics, accepted: Mapping[str, Mapping[str, float]]) -> tuple[Rule, ...]:
    """Return the rules that compare a table of statistics with accepted ones; columns that are new have none.

    Parameters
    ----------
    suite
        Says which columns, and how far each may move.
    found, accepted
        By column: ``rows``, ``median`` and ``mad`` in the unit of the column, ``null_share`` from 0 to 1.

    Returns
    -------
    tuple of Rule
        Three for each column, on the table that `measure` made.
    """
    return tuple(
        rule
        for column, tolerance in suite.drift.items()
        if column in accepted
        # NaN is how a column of NULLs was accepted, and nothing compares with it
        and all(math.isfinite(value) for value in accepted[column].values())
        and min(found[column]["rows"], accepted[column]["rows"]) > 0  # of no rows nothing drifts
        for rule in _rules(column, tolerance, found[column], accepted[column])
    )


def _rules(column: str, tolerance: Tolerance, found: Mapping[str, float], accepted: Mapping[str, float]) -> list[Rule]:
    """Return three rules; sampling of both snapshots widens each tolerance."""
    # both snapshots are samples: their errors add in quadrature, 1/sqrt(n) each
    error = _STANDARD_ERRORS * math.hypot(found["rows"] ** -0.5, accepted["rows"] ** -0.5)
    share = accepted["null_share"]
    allowed = {
        "median": tolerance.median + error * _MEDIAN_ERROR * accepted["mad"],
        "mad": accepted["mad"] * (tolerance.mad + error * _MAD_ERROR),
        # standard error of a share of n rows: sqrt(p (1 - p) / n)
        "null_share": tolerance.null_share + error * math.sqrt(share * (1 - share)),
    }
    return [_rule(column, name, accepted[name], allowed[name]) for name in allowed]


def _rule(column: str, name: str, accepted: float, allowed: float) -> Rule:
    note = (
        f"The accepted snapshot has {accepted:.6g}, and {allowed:.3g} of change is allowed; "
        "if the change is meant, accept it with `stellarfm checks accept`."
    )
    # of one row the largest value is the value: this type of expectation reads it by one aggregate
    kwargs = {"column": f"{column}_{name}", "min_value": accepted - allowed, "max_value": accepted + allowed}
    return Rule(f"{column}_{name}{DRIFT_SUFFIX}", "critical", note, "expect_column_max_to_be_between", kwargs)
