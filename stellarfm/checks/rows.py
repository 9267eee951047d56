"""Rows that break row rules: found by SQL from the same rule, set aside with their reasons, counted."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stellarfm.checks.suites import Rule
from stellarfm.sql_text import literal

ROW_NUMBER = "row_number"
"""Column of every checked view that identifies the row of the table behind it."""


def names_rows(rule: Rule) -> bool:
    """Whether the rows that break a rule can be named."""
    return rule.type in CONDITIONS


def breaking_condition(rule: Rule, view: str) -> str:
    """Return the SQL condition that is true for the rows that break a rule, as Great Expectations judges them.

    Parameters
    ----------
    rule
        A rule of one of the types in `CONDITIONS`.
    view
        Relation that is judged.

    Raises
    ------
    ValueError
        If rows cannot be named for this type of expectation.
    """
    if rule.type not in CONDITIONS:
        raise ValueError(f"the rule {rule.name!r} cannot be a row rule: no row can be named for {rule.type}")
    return CONDITIONS[rule.type](rule.kwargs, view)


def find_bad_rows(con: Any, view: str, rules: Sequence[Rule], target: str) -> dict[str, int]:
    """Make a table of the rows that break any of some rules, and count them by rule.

    Parameters
    ----------
    con
        DuckDB connection.
    view
        Relation to judge, with the column ``row_number``.
    rules
        Row rules.
    target
        Name of the temporary table to make: ``row_number`` and ``reasons``, a list of rule names.

    Returns
    -------
    dict
        Rows that break each rule, at least 1; a row may break several.

    Raises
    ------
    ValueError
        If rows cannot be named for the type of a rule.
    """
    # one scan for all rules: each row has a list of the names that it breaks
    cases = ", ".join(f"case when {breaking_condition(rule, view)} then '{rule.name}' end" for rule in rules)
    con.execute(f"""
        create or replace temp table {target} as
        select {ROW_NUMBER}, [reason for reason in judged if reason is not null] as reasons
        from (select {ROW_NUMBER}, [{cases}] as judged from {view})
        where len([reason for reason in judged if reason is not null]) > 0
    """)  # noqa: S608
    counted = con.execute(f"select unnest(reasons) as reason, count(*) from {target} group by reason").fetchall()  # noqa: S608
    # in the order of the suite, and without rules that no row breaks
    found = dict(counted)
    return {rule.name: found[rule.name] for rule in rules if rule.name in found}


def write_bad_rows(con: Any, table: str, bad_rows: str, path: Path, most: int | None = None) -> None:
    """Write rows of a table, with their reasons, to Parquet.

    Parameters
    ----------
    con
        DuckDB connection.
    table
        Where the rows lie.
    bad_rows
        Table that `find_bad_rows` made.
    path
        File to write.
    most
        Largest number of rows to write; all if not set.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"""
        copy (
            select kept.*, bad.reasons
            from {table} as kept
            inner join {bad_rows} as bad on kept.rowid = bad.{ROW_NUMBER}
            order by kept.rowid
            {"" if most is None else f"limit {most}"}
        ) to {literal(path)} (format parquet)
    """)  # noqa: S608


def delete_bad_rows(con: Any, table: str, bad_rows: str) -> None:
    """Take the rows that are set aside out of a table."""
    con.execute(f"delete from {table} where rowid in (select {ROW_NUMBER} from {bad_rows})")  # noqa: S608


def _outside(kwargs: Mapping[str, Any], _: str) -> str:
    column = kwargs["column"]
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    # NULL is left to the rule on NULL, as Great Expectations leaves it; NaN sorts above every upper limit
    inside = []
    if low is not None:
        inside.append(f"{column} {'>' if kwargs.get('strict_min') else '>='} {low!r}")
    if high is not None:
        inside.append(f"{column} {'<' if kwargs.get('strict_max') else '<='} {high!r}")
    return f"({column} is not null and not ({' and '.join(inside)}))"


def _not_listed(kwargs: Mapping[str, Any], _: str) -> str:
    column = kwargs["column"]
    return f"({column} is not null and {column} not in ({', '.join(_constant(v) for v in kwargs['value_set'])}))"


def _null(kwargs: Mapping[str, Any], _: str) -> str:
    return f"({kwargs['column']} is null)"


def _not_above(kwargs: Mapping[str, Any], _: str) -> str:
    upper, lower = kwargs["column_A"], kwargs["column_B"]
    above = ">=" if kwargs.get("or_equal") else ">"
    return f"({upper} is not null and {lower} is not null and not ({upper} {above} {lower}))"


def _repeated(kwargs: Mapping[str, Any], view: str) -> str:
    # every row of a repeated key, not all but the first: which of them is right cannot be told
    columns = ", ".join(kwargs.get("column_list") or [kwargs["column"]])
    return f"(({columns}) in (select ({columns}) from {view} group by {columns} having count(*) > 1))"  # noqa: S608


def _constant(value: Any) -> str:
    return literal(value) if isinstance(value, str) else str(value)


CONDITIONS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "expect_column_values_to_be_between": _outside,
    "expect_column_values_to_be_in_set": _not_listed,
    "expect_column_values_to_not_be_null": _null,
    "expect_column_pair_values_a_to_be_greater_than_b": _not_above,
    "expect_column_values_to_be_unique": _repeated,
    "expect_compound_columns_to_be_unique": _repeated,
}
"""Types of expectation whose rows can be named; only these may be row rules."""
