"""The condition that a person selects stars by: one condition, whatever we put around it in a query.

Where it is simple enough, the rows that came are held against it.

ADQL is close enough to DuckDB's SQL for DuckDB's parser to judge the form. Names and types are the archive's to judge.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.suggestions import near

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
# ADQL's own word that DuckDB lacks
_TOP = re.compile(r"(?i)\bselect(\s+(?:distinct|all))?\s+top\s+\d+\s")
_PLACES = ("query_location", "query_location_length")
_GOES_ON = {"group_expressions": "GROUP BY", "having": "HAVING", "qualify": "QUALIFY", "sample": "a sample",
            "modifiers": "ORDER BY, LIMIT or the like"}  # fmt: skip


_WORDS = {"and", "or", "not", "between", "is", "null", "in", "true", "false"}
_FUNCTIONS = {"abs", "sqrt", "power", "log10", "ln", "log", "exp", "floor", "ceiling", "sin", "cos"}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|<>|!=|[-+*/(),<>=])|"
    r"(?P<text>'[^']*'))"
)
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
        If it is not one condition; names it and what is wrong with it.
    """
    if wrong := _what_is_wrong(where):
        raise StellarError(f"gaia.where = {where!r} is not one condition: {wrong}")


def columns_of(where: str) -> list[str]:
    """Return the columns that a condition names, in their order, each once."""
    found = [node["column_names"][-1] for node in _nodes(_parse(where)) if node.get("class") == "COLUMN_REF"]
    return list(dict.fromkeys(found))


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
    parts: list[str] = []
    place, text = 0, condition.strip()
    known = {name.lower() for name in columns}
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return None
        place = found.end()
        # a.b names the column b: the table has one name in all our queries
        word = (found["word"] or "").lower().rpartition(".")[2]
        if word and word not in _WORDS | _FUNCTIONS | known:
            return None
        parts.append(_AS_IN_DUCKDB.get(word, word) if word else found[0].strip())
    return " ".join(parts) or None


def _what_is_wrong(where: str) -> str:
    """Return why a condition cannot stand in a query, "" if it can."""
    plain = _QUOTED.sub("''", where)
    # each by a sentence of its own, before the parser says the same less clearly
    if ";" in plain:
        return "it has a semicolon, and nothing may stand behind the condition; leave it out"
    if "--" in plain or "/*" in plain:
        return "it has a comment, which may hide what we put behind it; leave it out"
    if not _is_balanced(plain):
        return "its parentheses do not pair; close each that is opened, in that order"
    try:
        # two parses: what means the same with and without parentheses cannot reach beyond those of our query
        bare, inside = _parse(where), _parse(f"({where})")
    except StellarError as error:
        return f"{error}; give what would stand behind WHERE, nothing before and nothing behind it"
    return "" if bare == inside else "it means something else in parentheses; give what would stand behind WHERE"


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        # ")(" has as many of each, and is the form that breaks out
        if depth < 0:
            return False
    return depth == 0


def _parse(where: str) -> Any:
    """Return the condition as a tree without places in the text.

    Raises
    ------
    StellarError
        If it cannot be read, or more than a condition stands there.
    """
    text = "select 1 from t where " + _TOP.sub(r"select\1 ", where)  # noqa: S608  it is read, not run
    with open_database() as con:
        tree = json.loads(con.execute("select json_serialize_sql($text)", {"text": text}).fetchall()[0][0])
    if tree["error"]:
        raise StellarError(str(tree["error_message"]))
    nodes = [statement["node"] for statement in tree["statements"]]
    if len(nodes) != 1 or nodes[0]["type"] != "SELECT_NODE":
        raise StellarError("it holds more than one query")
    for key, words in _GOES_ON.items():
        if nodes[0][key]:
            raise StellarError(f"it goes on with {words}")
    return _without_places(nodes[0]["where_clause"])


def _without_places(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_places(value) for key, value in node.items() if key not in _PLACES}
    return [_without_places(one) for one in node] if isinstance(node, list) else node


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a tree, from the left."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        yield from _nodes(one)
