"""The page of checks: every rule of ``expectations/`` with its severity, what it expects and why."""

import json
from collections import Counter

import md_text as md

from stellarfm.checks.suites import Rule, Suite, read_suite, suite_tables


def checks_page() -> str:
    """Return every check, table by table."""
    suites = [read_suite(table) for table in suite_tables()]
    return "\n".join([_overview(suites), *map(_suite, suites)])


def _overview(suites: list[Suite]) -> str:
    rows = []
    for suite in suites:
        number = Counter(rule.severity for rule in suite.rules)
        link = f"[`{suite.table}`](#{md.anchor_name('checks', suite.table)})"
        rows.append((link, number["critical"], number["row"], number["warning"], len(suite.drift)))
    return md.table(["table", "critical", "row", "warning", "columns watched for drift"], rows)


def _suite(suite: Suite) -> str:
    rows = [(md.code(rule.name), rule.severity, _expected(rule), _note(rule), _holds(rule)) for rule in suite.rules]
    parts = [
        f"{md.anchor('checks', suite.table)}\n## `{suite.table}`\n\nFrom `expectations/{suite.table}.json`.\n",
        md.table(
            [
                "check",
                "severity",
                "what is expected",
                "where it comes from, and what a failure means",
                "what it catches, and for which samples it holds",
            ],
            rows,
        ),
    ]
    if suite.drift:
        drift = [(md.code(column), t.median, t.mad, t.null_share) for column, t in suite.drift.items()]
        parts += [
            "How far a column may move from the accepted snapshot, beyond five standard errors of sampling:\n",
            md.table(["column", "shift of the median", "change of the MAD, share", "change of NULLs, share"], drift),
        ]
    return "\n".join(parts)


def _note(rule: Rule) -> str:
    needs = f" Not judged without {', '.join(map(md.code, sorted(rule.needs)))}." if rule.needs else ""
    return f"{rule.note}{needs}".replace("*", "\\*")


def _holds(rule: Rule) -> str:
    """Return the damage that a rule is there for, and the samples that it is not judged on."""
    holds, parts = rule.holds, [rule.catches] if rule.catches else []
    if holds.min_values:
        parts.append(f"at least {holds.min_values} values")
    if holds.not_selected_on:
        parts.append(f"not where stars were selected by {', '.join(map(md.code, holds.not_selected_on))}")
    parts += [
        f"only where {md.code(table)} was asked for by {' or '.join(ways)}" for table, ways in holds.asked.items()
    ]
    if holds.tells:
        parts.append("not where the sample is too small or too narrow to tell")
    return "; ".join(parts).replace("*", "\\*")


def _expected(rule: Rule) -> str:
    """Return what a rule expects, in words."""
    given = {name: _value(value) for name, value in rule.kwargs.items()}
    column = md.code(rule.kwargs.get("column", ""))
    match rule.type.removeprefix("expect_"):
        case "column_values_to_be_between":
            return f"{column} {_range(given)}{_share(rule)}"
        case "column_median_to_be_between":
            return f"median of {column} {_range(given)}"
        case "column_values_to_not_be_null":
            return f"{column} is never NULL{_share(rule)}"
        case "column_values_to_be_unique":
            return f"{column} is unique"
        case "column_values_to_be_in_set":
            return f"{column} is {given['value_set']}{_share(rule)}"
        case "compound_columns_to_be_unique":
            return f"{', '.join(map(md.code, rule.kwargs['column_list']))} are unique together"
        case "table_row_count_to_equal":
            return f"number of rows is {given['value']}"
        case "table_row_count_to_be_between":
            return f"number of rows {_range(given)}"
    return str(rule.kwargs.get("description", rule.type.removeprefix("expect_").replace("_", " ")))


def _range(given: dict[str, str]) -> str:
    low, high = given.get("min_value"), given.get("max_value")
    if low is not None and high is not None:
        return f"is {low}" if low == high else f"from {low} to {high}"
    return f"at least {low}" if high is None else f"at most {high}"


def _share(rule: Rule) -> str:
    mostly = rule.kwargs.get("mostly")
    return f", in {100 * mostly:g} % of the rows" if isinstance(mostly, int | float) else ""


def _value(value: object) -> str:
    """Return a limit; one that is known at run time only is named."""
    if isinstance(value, dict):
        return md.code(value["$PARAMETER"])
    if isinstance(value, list):
        return ", ".join(json.dumps(one) for one in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
