"""For which samples a rule holds: what was asked of the archives, what the stars were selected by, and how many values there are.

A rule that does not hold is not judged, and the report says why.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stellarfm.checks.sampling import MEDIAN, ColumnStatistics
from stellarfm.checks.suites import Rule
from stellarfm.landing.selection import Selection


@dataclass(frozen=True)
class Sample:
    """What is known of the sample whose rules are judged.

    Attributes
    ----------
    con, view
        DuckDB connection, and the relation on it.
    num_rows
        Rows of the relation.
    columns
        Statistics of the columns that rules look at.
    selection
        What was asked of the archives.
    lacking
        Columns that rest on what the release lacks, with a sentence of why.
    """

    con: Any
    view: str
    num_rows: int
    columns: Mapping[str, ColumnStatistics]
    selection: Selection
    lacking: Mapping[str, str] = field(default_factory=dict)


def why_not_judged(rule: Rule, sample: Sample) -> str:
    """Return why a rule is not judged on a sample, "" if it is.

    Parameters
    ----------
    rule
        With all arguments known.
    sample
        The sample.
    """
    holds, column = rule.holds, rule.kwargs.get("column", "")
    for table, ways in holds.asked.items():
        if sample.selection.how(table) not in ways:
            return f"{table} was asked for by {sample.selection.how(table)}, and the rule is for {' or '.join(ways)}"
    # by the words of the condition, not by its meaning: rather one rule too few than one that cries at an honest selection
    words = set(re.findall(r"\w+", sample.selection.where.lower()))
    selected = sorted(words & {name.lower() for name in holds.not_selected_on})
    if selected:
        return f"the stars were selected by {selected[0]}"
    known = sample.columns.get(column)
    values = sample.num_rows if known is None else known.num_values
    if values == 0 and column in sample.lacking:
        return sample.lacking[column]
    # the median of nothing is NULL, which lies in no range
    if rule.type == MEDIAN and values == 0:
        return f"no row has a value of {column}"
    if values < holds.min_values:
        return f"there are {values:,} values, and the rule needs {holds.min_values:,}"
    # last, for it is the only reason that costs a query
    if holds.tells:
        query = holds.tells.replace("{batch}", sample.view)
        if not sample.con.execute(f"select coalesce(({query}), false)").fetchall()[0][0]:
            return "the sample is too small or too narrow to tell"
    return ""
