"""Types of the columns of a text file: what holds every value of every row as it is written.

DuckDB takes the types from the first 20,480 rows and then rounds later decimals to whole numbers and drops leading zeros
without a word (duckdb issue 25824). Here a sample only says what to try, and all rows decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import duckdb

from stellarfm.sql_text import identifier, literal

SAMPLE_ROWS = 20_480

UNKNOWN_WORDS = ("", "null", "nan", "-nan", "none", "na", "n/a", "--")
"""What stands for NULL in a column that holds numbers or logicals otherwise, in lower case."""

TO_SETTLE = "VARCHAR?"
"""Type of a column that a sample cannot settle: it is read as text and looked at in full."""


@dataclass(frozen=True)
class _Profile:
    """How many values of a column are of which kind.

    Attributes
    ----------
    values
        All that are not NULL.
    unknown
        Words for NULL.
    numbers
        Numbers, NaN not among them.
    whole, signed, unsigned
        Numbers of digits alone, and those of them that fit into 64 bits with and without a sign.
    zero_led
        Whole numbers with zeros before them.
    logicals
        The words true and false.
    """

    values: int
    unknown: int
    numbers: int
    whole: int
    signed: int
    unsigned: int
    zero_led: int
    logicals: int

    @property
    def known(self) -> int:
        """Values that are no words for NULL."""
        return self.values - self.unknown


def first_types(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[str, str]:
    """Return what to try for each column, from the first rows: DOUBLE, VARCHAR or `TO_SETTLE`.

    Parameters
    ----------
    con, relation
        The file, all columns text.
    columns
        Columns to look at.
    """
    found = _profiles(con, f"(from {relation} limit {SAMPLE_ROWS})", columns)
    return {name: _first_type(profile) for name, profile in found.items()}


def _first_type(found: _Profile) -> str:
    if found.known > max(found.numbers, found.logicals):
        return "VARCHAR"
    # decimals without a word among them can be left to DuckDB, which reads them in parallel or fails
    return "DOUBLE" if found.whole < found.values == found.numbers else TO_SETTLE


def settle(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[str, str]:
    """Return the type of each column, from all its rows: BIGINT, UBIGINT, DOUBLE, BOOLEAN or VARCHAR.

    Parameters
    ----------
    con, relation
        The file, these columns text.
    columns
        Columns to look at.
    """
    if not columns:
        return {}
    # most are whole numbers, and this tells it in one cheap comparison: a number that is written as it was read
    counts = ", ".join(
        f"count({q}), count(*) filter (try_cast({q} as bigint)::varchar = {q})" for q in map(identifier, columns)
    )
    row = con.execute(f"select {counts} from {relation}").fetchall()[0]
    types = {name: "BIGINT" for name, n, whole in zip(columns, row[::2], row[1::2], strict=True) if n and n == whole}
    others = [name for name in columns if name not in types]
    return types | {name: _type(found) for name, found in _profiles(con, relation, others).items()}


def _type(found: _Profile) -> str:
    if not found.known:
        return "DOUBLE"  # no value at all: NULL as a number can be calculated with
    if found.logicals == found.known:
        return "BOOLEAN"
    if found.whole < found.known:
        return "DOUBLE" if found.numbers == found.known else "VARCHAR"
    # 022 is a name or a flag, and so are digits that no whole number of 64 bits holds
    if found.zero_led or found.known > max(found.signed, found.unsigned):
        return "VARCHAR"
    return "BIGINT" if found.signed == found.known else "UBIGINT"


_KINDS = len(fields(_Profile))


def _profiles(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[str, _Profile]:
    if not columns:
        return {}
    counts = ", ".join(_counts(identifier(name)) for name in columns)
    row = con.execute(f"select {counts} from {relation}").fetchall()[0]
    return {name: _Profile(*row[_KINDS * i : _KINDS * (i + 1)]) for i, name in enumerate(columns)}


def _counts(column: str) -> str:
    text = f"trim({column})"
    word = f"lower({text})"
    whole = f"regexp_full_match({text}, '[-+]?[0-9]+')"
    zero_led = f"regexp_full_match({text}, '[-+]?0[0-9]+')"
    conditions = (
        f"{word} in ({_listed(UNKNOWN_WORDS)})",
        # DuckDB also reads 1_000 and 0x1f as numbers, which are names
        f"not isnan(try_cast({text} as double)) and not regexp_matches({text}, '[_xX]')",
        whole,
        f"{whole} and try_cast({text} as bigint) is not null",
        f"{whole} and try_cast({text} as ubigint) is not null",
        zero_led,
        f"{word} in ('true', 'false')",
    )
    return f"count({column}), " + ", ".join(f"count(*) filter ({condition})" for condition in conditions)


def cast(column: str, kind: str) -> str:
    """Return a column of text as SQL of a settled type; words for NULL become NULL, but NaN stays a number."""
    quoted = identifier(column)
    if kind == "VARCHAR":
        return quoted
    words = [word for word in UNKNOWN_WORDS if not word.endswith("nan") or kind != "DOUBLE"]
    return f"cast(case when lower(trim({quoted})) not in ({_listed(words)}) then trim({quoted}) end as {kind})"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(literal, words))


def selected(types: Mapping[str, str], settled: Mapping[str, str], made: Mapping[str, str]) -> str:
    """Return the select list of a file: columns settled from text, made by an expression, or as they were read."""
    values = {
        name: cast(name, settled[name]) if name in settled else made.get(name, identifier(name)) for name in types
    }
    return ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
