"""What of the product rests on a column of the landing: read from the SQL of ``sql/`` itself, so that no list can grow old.

DuckDB parses each relation; the columns of its outputs are followed through joins and common table expressions down to the
tables of the landing. What a model makes of the tokens is not followed: everything that is predicted rests on all of them.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from stellarfm.database import open_database
from stellarfm.resources import read_sql, resource_folder
from stellarfm.surveys.profile import Survey
from stellarfm.surveys.selection import Surveys

Origins = frozenset[tuple[str, str]]
"""Columns of the landing, each as table and name."""

Columns = Mapping[str, Origins]
"""What each column of a relation comes from."""

_NONE: Origins = frozenset()


@dataclass(frozen=True)
class Rests:
    """What rests on a column of the landing.

    Attributes
    ----------
    cuts, flags, tokens, columns
        Cuts of the training set, flags and columns of the catalogue, and columns of ``marts.training_set``.
    """

    cuts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{kind} {', '.join(names)}" for kind, names in vars(self).items() if names]
        return "; ".join(parts) if parts else "nothing"


@dataclass(frozen=True)
class Lineage:
    """Where every column of the product comes from.

    Attributes
    ----------
    relations
        Columns of each relation by its name, such as ``marts.stars``.
    cuts
        Columns of ``marts.stars`` that decide about the training set.
    """

    relations: Mapping[str, Columns] = field(default_factory=dict)
    cuts: tuple[str, ...] = ()

    def rests_on(self, table: str, column: str) -> Rests:
        """Return what rests on a column of a table of the landing."""

        def found(relation: str) -> tuple[str, ...]:
            columns = self.relations[relation]
            return tuple(name for name, origins in columns.items() if (table, column.lower()) in origins)

        stars, training = found("marts.stars"), self.relations["marts.training_set"]
        return Rests(
            cuts=tuple(name for name in stars if name in self.cuts),
            flags=found("catalog.raised_flags"),
            tokens=tuple(name for name in stars if name in training and name not in self.cuts and name != "split"),
            columns=found("catalog.stars"),
        )

    def rests_on_any(self, table: str, columns: Collection[str]) -> Rests:
        """Return what rests on any of the columns of a table of the landing."""
        each = [self.rests_on(table, column) for column in columns]
        kinds = (f.name for f in fields(Rests))
        return Rests(**{kind: tuple(dict.fromkeys(n for one in each for n in getattr(one, kind))) for kind in kinds})

    def of_check(self, table: str) -> Columns:
        """Return where the columns come from that the checks of a table look at."""
        if not (resource_folder("sql") / "checks" / f"{table}.sql").is_file():
            return self.relations.get(table, {})
        known = {f"checked.{name}": columns for name, columns in self.relations.items()}
        return _of_file(f"checks/{table}", known | {"checked.main.stars": self.relations["catalog.stars"]})


def read_lineage(surveys: Surveys, staging: Mapping[str, str]) -> Lineage:
    """Return where the columns of the product come from.

    Parameters
    ----------
    surveys
        Releases, which say how each table takes part in the crossmatch and where the zero point comes from.
    staging
        Each staging table and the table of the landing that it is made from.
    """
    known: dict[str, Columns] = {}
    for name, table in staging.items():
        known[f"staging.{name}"] = _of_file(f"staging/{name}", {"read_parquet": _Anything(table)})
    known["staging.crosswalk"] = _of_file("staging/crosswalk", {"read_parquet": _Anything("crosswalk")})
    for name in ("crosswalk_pairs", "earlier_sources", "later_sources"):
        known[f"crossmatch.{name}"] = _of_file(f"crossmatch/{name}", known)
    known["staging.apogee_stars"] = _of_file("staging/apogee_stars", known)
    for name, survey in (("twomass", surveys.twomass), ("apogee", surveys.apogee)):
        known[f"crossmatch.gaia_{name}"] = _of_match(surveys.gaia, survey, known)
    assert surveys.gaia.astrometry is not None, "every profile of Gaia says where the zero point comes from"
    known["marts.parallax_zero_point"] = _of_file(f"marts/{surveys.gaia.astrometry.zero_point_mart}", known)
    for name in ("star_observations", "token_ranges", "stars", "training_set"):
        known[f"marts.{name}"] = _of_file(f"marts/{name}", known)
    known["warehouse.marts.stars"] = known["marts.stars"]
    known["raised_flags"] = known["catalog.raised_flags"] = _of_file("catalog/raised_flags", known)
    known["catalog.stars"] = _of_file("catalog/stars", known)
    return Lineage(known, _cuts())


def _cuts() -> tuple[str, ...]:
    """Return the columns that decide whether a star is in the training set."""
    ctes = {entry["key"]: entry["value"]["query_node"] for entry in _parsed("marts/stars")["cte_map"]["map"]}
    return tuple(
        dict.fromkeys(name for item in ctes["decided"]["select_list"] if item["alias"] for name in _names(item))
    )


def _of_match(gaia: Survey, survey: Survey, known: Mapping[str, Columns]) -> Columns:
    """Return where the columns of a match of two surveys come from: positions, motions, epochs and identifiers."""
    origins: dict[str, Origins] = {}
    both: Origins = _NONE
    for one in (gaia, survey):
        side, columns = one.crossmatch, known[one.crossmatch.relation]
        used = ["ra", "dec", *(["pmra", "pmdec"] if side.moves else []), *_words(side.epoch)]
        both |= frozenset().union(*(columns.get(name, _NONE) for name in used))
        origins[side.identifier] = columns.get(side.identifier, _NONE)
    made = dict.fromkeys(("separation_arcsec", "is_mutual_best", "num_neighbours"), both)
    return {name: both | found for name, found in origins.items()} | made


def _words(expression: str) -> list[str]:
    return re.findall(r"[a-z_]\w*", expression)


class _Anything(dict[str, Origins]):
    """The columns of a table of the landing: any name that is asked for."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self.table = table

    def get(self, name: str, _default: Any = None) -> Origins:
        """Return the column itself."""
        return frozenset({(self.table, name)})

    def __contains__(self, name: object) -> bool:
        return True


@cache
def _parsed(relation: str) -> Any:
    """Return the syntax tree of a relation of ``sql/``."""
    with open_database() as con:
        text = con.execute("select json_serialize_sql($sql)", {"sql": read_sql(relation)}).fetchall()[0][0]
    return json.loads(text)["statements"][0]["node"]


def _of_file(relation: str, known: Mapping[str, Columns]) -> Columns:
    return _of_node(_parsed(relation), known)


def _of_node(node: Any, known: Mapping[str, Columns]) -> Columns:
    """Return where the columns of a query come from."""
    inside = dict(known)
    for entry in node["cte_map"]["map"]:
        inside[entry["key"].lower()] = _of_node(entry["value"]["query_node"], inside)
    if node["type"] != "SELECT_NODE":
        # a union: each of its queries adds to a column
        merged: dict[str, Origins] = {}
        for child in _children(node):
            columns = _of_node(child, inside)
            if isinstance(columns, _Anything):
                return columns
            for name, origins in columns.items():
                merged[name] = merged.get(name, _NONE) | origins
        return merged
    scope = _scope(node["from_table"], inside)
    return _outputs(node["select_list"], scope)


def _children(node: Any) -> list[Any]:
    return node.get("children") or [node["left"], node["right"]]


def _outputs(items: list[Any], scope: Mapping[str, Columns]) -> Columns:
    """Return the columns of a select list; one may use another of the same list by its name."""
    made: dict[str, Origins] = {}
    for item in items:
        if item["class"] == "STAR":
            chosen = scope.values() if not item["relation_name"] else [scope[item["relation_name"].lower()]]
            anything = next((columns for columns in chosen if isinstance(columns, _Anything)), None)
            if anything is not None:
                return anything
            left_out = {name.lower() for name in item["exclude_list"]}
            pattern = _constant(item["expr"]) if item["columns"] and item["expr"] else None
            for columns in chosen:
                for name, origins in columns.items():
                    if name not in left_out and (pattern is None or re.search(pattern, name)):
                        made.setdefault(name, origins)
        else:
            name = (item["alias"] or (item.get("column_names") or [""])[-1]).lower()
            made[name] = frozenset().union(*(_resolve(path, scope, made) for path in _paths(item)))
    return made


def _resolve(path: list[str], scope: Mapping[str, Columns], made: Mapping[str, Origins]) -> Origins:
    name = path[-1].lower()
    if len(path) > 1 and path[-2].lower() in scope:
        return scope[path[-2].lower()].get(name, _NONE)
    for columns in scope.values():
        if name in columns:
            return columns.get(name, _NONE)
    return made.get(name, _NONE)


def _scope(table: Any, known: Mapping[str, Columns]) -> dict[str, Columns]:
    """Return the relations of a FROM clause by the names that the query has for them."""
    kind = table["type"]
    if kind == "JOIN":
        return _scope(table["left"], known) | _scope(table["right"], known)
    alias = table["alias"].lower()
    if kind == "SUBQUERY":
        return {alias: _of_node(table["subquery"]["node"], known)}
    if kind == "TABLE_FUNCTION":
        return {alias: known.get(table["function"]["function_name"], {})}
    if kind != "BASE_TABLE":
        return {alias: {}}
    path = [part.lower() for part in table["qualified_name"]["path"]]
    return {alias or path[-1]: known.get(".".join(path), {})}


def _paths(expression: Any) -> Iterator[list[str]]:
    """Yield every column that an expression names."""
    if isinstance(expression, dict):
        if expression.get("class") == "COLUMN_REF":
            yield expression["column_names"]
        for value in expression.values():
            yield from _paths(value)
    elif isinstance(expression, list):
        for value in expression:
            yield from _paths(value)


def _names(expression: Any) -> list[str]:
    return [path[-1] for path in _paths(expression)]


def _constant(expression: Any) -> str:
    """Return the text of a constant: the pattern of ``columns('…')``."""
    literal = expression.get("literal") or expression.get("value") or {}
    return str(literal.get("text", literal.get("value", ".")))
