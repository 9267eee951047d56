"""Expressions that come from outside are a language, not text: the one door by which they get into a query.

DuckDB's own parser takes an expression apart. It must be a single scalar expression over named columns, with the forms
and functions that are listed here, and what runs is written anew from the tree that was judged, never the text itself.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.expression_language import TYPES, Language
from stellarfm.suggestions import near

_IN_WORDS = {
    "SUBQUERY": "a query of its own", "STAR": "*, which names no column", "VALUE_PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column by its place", "COLLATE": "a collation", "VALUE_DEFAULT": "the word DEFAULT",
    "LAMBDA": "a lambda", "OPERATOR_TRY": "TRY", "TYPE": "a type",
}  # fmt: skip
_GOES_ON = {
    "modifiers": "ORDER BY, LIMIT, DISTINCT or the like", "cte_map": "WITH", "from_table": "FROM", "where_clause": "WHERE",
    "group_expressions": "GROUP BY", "group_sets": "GROUP BY", "aggregate_handling": "GROUP BY", "having": "HAVING",
    "qualify": "QUALIFY", "sample": "a sample",
}  # fmt: skip
_PLACES = ("query_location", "query_location_length")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_DEEPEST = 64
"""Parentheses inside each other: DuckDB's parser takes a second for two thousand that nobody closes."""
_LOCK = Lock()
_SHOWN = 160
_KEPT = 4096
"""Trees that a process remembers: a vocabulary has hundreds of tokens, and is planned for each table."""


@dataclass(frozen=True)
class Expression:
    """An expression that was judged.

    Attributes
    ----------
    tree
        What DuckDB's parser made of it, without places in the text.
    language
        What it may say.
    columns
        Columns that it names, in their order, each once.
    functions
        Functions that it calls.
    sql
        What is run: SQL written from the tree, in parentheses.
    """

    tree: Any
    language: Language
    columns: tuple[str, ...]
    functions: frozenset[str]
    sql: str

    def to_sql(
        self,
        column: Callable[[str], str] = lambda name: name,
        functions: Mapping[str, str] | None = None,
        *,
        as_doubles: bool = False,
    ) -> str:
        """Return SQL as `sql` is, changed.

        Parameters
        ----------
        column
            Returns the column that there is for a name, or raises if there is none.
        functions
            Other names of functions.
        as_doubles
            Whether numbers are doubles: DuckDB takes 1.0 for DECIMAL(2,1), whose arithmetic rounds and overflows.
        """

        def changed(node: dict[str, Any]) -> dict[str, Any]:
            if node["type"] == "COLUMN_REF":
                names = node["column_names"]
                return node | {
                    "column_names": [column(names[-1])] if self.language.has_tables else [column(names[0]), *names[1:]]
                }
            if node["type"] == "FUNCTION":
                name = (functions or {}).get(node["function_name"].lower(), node["function_name"])
                return node | {"function_name": name, "qualified_name": {"path": [name]}}
            if as_doubles and node["type"] == "VALUE_CONSTANT":
                return {**_only_expression(*_read("select null::double")), "child": node}
            return node

        return _write(_changed(self.tree, changed))[0]


def parse(text: str, called: str, language: Language) -> Expression:
    """Take an expression apart and judge it.

    Parameters
    ----------
    text
        What came from outside.
    called
        What a person calls it, e.g. ``gaia.where``.
    language
        What it may say.

    Raises
    ------
    StellarError
        If it is not a single scalar expression over named columns with listed functions; names it and what is wrong.
    """
    try:
        return _parse(text, language)
    except _WrongError as wrong:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise StellarError(f"{called} = {shown!r} is not one {language.noun}: {wrong}") from wrong


class _WrongError(Exception):
    """What is wrong with an expression, in words."""


@lru_cache(_KEPT)
def _parse(text: str, language: Language) -> Expression:
    _refuse_odd_text(text, language)
    bare, inside = _read(f"select {text}", f"select ({text})")
    tree = _only_expression(bare)
    for node in _nodes(tree):
        _judge(node, language)
    # what means the same in parentheses cannot reach beyond those of a query; an archive is sent the text itself
    if _only_expression(inside) != tree:
        raise _WrongError("it means something else in parentheses; give one expression, nothing before and behind it")
    sql, written = _write(tree)
    # what DuckDB writes must read as what was judged, or it is not that which would run
    if _only_expression(written) != tree:
        raise _WrongError("DuckDB cannot write it again; say it in another way")
    columns = tuple(dict.fromkeys(_columns(tree, -1 if language.has_tables else 0)))
    return Expression(tree, language, columns, frozenset(_functions(tree)), sql)


def _refuse_odd_text(text: str, language: Language) -> None:
    """Refuse by a sentence of its own what the parser would say less clearly, or would pass over."""
    plain = _QUOTED.sub("''", text)
    if len(text) > language.longest:
        raise _WrongError(f"it has {len(text):,} characters, and the longest has {language.longest:,}")
    if hidden := next(
        (letter for letter in text if unicodedata.category(letter)[0] == "C" and letter not in "\n\t"), ""
    ):
        raise _WrongError(f"it has the character U+{ord(hidden):04X}, which cannot be seen; leave it out")
    if not plain.isascii():
        odd = next(letter for letter in plain if not letter.isascii())
        raise _WrongError(f"it has {odd!r} outside of quotation marks; a column of such a name stands in double ones")
    if ";" in plain:
        raise _WrongError(f"it has a semicolon, and nothing may stand behind the {language.noun}; leave it out")
    if "--" in plain or "/*" in plain:
        raise _WrongError("it has a comment, which may hide what we put behind it; leave it out")
    # '…' alone: e'…' and $$…$$ have other rules on where they end
    if "$" in plain or "\\" in plain or re.search(r"\w''", plain):
        raise _WrongError("it has text that is not in plain single quotation marks")
    if not _is_balanced(plain):
        raise _WrongError("its parentheses do not pair; close each that is opened, in that order")


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        # ")(" has as many of each, and is the form that breaks out
        if depth < 0:
            return False
        if depth > _DEEPEST:
            raise _WrongError(f"its parentheses lie more than {_DEEPEST} deep")
    return depth == 0


def _only_expression(serialised: str) -> Any:
    """Return the only expression of a select that DuckDB's parser has read, without places in the text.

    Raises
    ------
    _WrongError
        If it cannot be read, or there is anything beside it.
    """
    node, template = _node(serialised), _template()
    if node["type"] != template["type"]:
        raise _WrongError("it holds more than one query")
    for key, expected in template.items():
        if key != "select_list" and node.get(key) != expected:
            raise _WrongError(f"it goes on with {_GOES_ON.get(key, key)}")
    if len(node["select_list"]) != 1:
        raise _WrongError(f"it holds {len(node['select_list'])} expressions; leave out what stands behind a comma")
    return node["select_list"][0]


@cache
def _template() -> dict[str, Any]:
    """Return what a select is without what it selects."""
    return _node(*_read("select null")) | {"select_list": []}


def _node(serialised: str) -> dict[str, Any]:
    tree = json.loads(serialised)
    if tree["error"] and tree["error_message"].startswith("SELECT clause"):
        raise _WrongError("it is empty, or begins with a word of SQL; leave that out")
    if tree["error"]:
        raise _WrongError(
            f"{tree['error_message']}; a column whose name is a word of SQL stands in double quotation marks"
        )
    if len(tree["statements"]) != 1:
        raise _WrongError("it holds more than one query")
    found: dict[str, Any] = _without_places(tree["statements"][0]["node"])
    return found


def _read(*selects: str) -> Sequence[str]:
    """Return each select as DuckDB's parser serialises it; none is run."""
    return _ask("select " + ", ".join("json_serialize_sql(?)" for _ in selects), *selects)


def _write(tree: Any) -> tuple[str, str]:
    """Return the SQL of a tree, in parentheses, and the same read once more."""
    node = _template() | {"select_list": [tree]}
    whole = {"error": False, "statements": [{"node": node, "named_param_map": []}]}
    query = "select sql, json_serialize_sql(sql) from (select json_deserialize_sql(?::json) as sql)"
    sql, serialised = _ask(query, json.dumps(whole))
    return f"({sql.removeprefix('SELECT ')})", serialised


def _ask(query: str, *texts: str) -> Sequence[str]:
    # one connection for a process: to open one takes longer than to parse a whole vocabulary
    with _LOCK:
        found: Sequence[str] = _parser().execute(query, texts).fetchall()[0]
        return found


@cache
def _parser() -> Any:
    return open_database(threads=1)


def _without_places(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_places(value) for key, value in node.items() if key not in _PLACES}
    return [_without_places(one) for one in node] if isinstance(node, list) else node


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a tree that is an expression or a type, from the left."""
    if isinstance(node, dict):
        if "class" in node:
            yield node
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        yield from _nodes(one)


def _judge(node: dict[str, Any], language: Language) -> None:
    kind = node["type"]
    if kind not in language.forms:
        raise _WrongError(f"it has {_IN_WORDS.get(kind, kind.lower().replace('_', ' '))}, which it may not have")
    if node.get("alias"):
        raise _WrongError(f"it names something {node['alias']!r}; leave out what stands behind it")
    if kind == "VALUE_CONSTANT" and node["literal"]["kind"] not in language.literals:
        raise _WrongError(f"it has {node['literal']['text']!r}, which is no number")
    if kind == "FUNCTION":
        _judge_function(node, language)
    if kind == "TYPE" and (node["type_name"].lower() not in TYPES or node["schema"] or node["catalog"]):
        raise _WrongError(f"it casts to the type {node['type_name']!r}; types are {', '.join(sorted(TYPES))}")


def _judge_function(node: dict[str, Any], language: Language) -> None:
    name = ".".join(node["qualified_name"]["path"])
    if name.lower() not in language.functions:
        raise _WrongError(
            f"it calls {name[:80]!r}, which no {language.noun} may call{near(name.lower(), language.functions)}"
        )
    # what only aggregates have, and arguments by name
    if (
        node["filter"]
        or node["order_bys"]["orders"]
        or node["distinct"]
        or any(one["name"] for one in node["arguments"])
    ):
        raise _WrongError(f"it gives {name!r} more than values")


def _columns(tree: Any, place: int) -> Iterator[str]:
    own = {name for node in _nodes(tree) if node["type"] == "LAMBDA" for name in _parameters(node)}
    for node in _nodes(tree):
        if node["type"] == "COLUMN_REF" and node["column_names"][0] not in own:
            yield node["column_names"][place]


def _parameters(node: dict[str, Any]) -> Iterator[str]:
    yield from (one["column_names"][0] for one in _nodes(node["lhs"]) if one["type"] == "COLUMN_REF")


def _functions(tree: Any) -> Iterator[str]:
    yield from (node["function_name"].lower() for node in _nodes(tree) if node["type"] == "FUNCTION")


def _changed(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a tree in which each expression and type is what `change` makes of it, from the leaves."""
    if isinstance(node, list):
        return [_changed(one, change) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _changed(value, change) for key, value in node.items()}
    return change(node) if "class" in node else node
