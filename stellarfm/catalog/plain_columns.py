"""Which columns of an answer are columns of a release as they are, so that its dictionary speaks of them."""

import json
from collections.abc import Iterator
from typing import Any

from stellarfm.database import open_database


def plain_columns(sql: str, known: list[str]) -> dict[str, str]:
    """Return the columns of the release behind the columns of an answer, by the names that the answer has.

    What is computed is left out, also where it is called like a column: ``log10(teff) as teff`` is not in K.

    Parameters
    ----------
    sql
        A query.
    known
        Columns of the release.
    """
    with open_database() as con:
        tree = json.loads(con.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0])
    nodes = [] if tree["error"] else [statement["node"] for statement in tree["statements"]]
    # of tables that the query makes itself nothing is known
    if (
        len(nodes) != 1
        or nodes[0]["type"] != "SELECT_NODE"
        or nodes[0]["cte_map"]["map"]
        or not _is_plain(nodes[0]["from_table"])
    ):
        return {}
    return {name: source for entry in nodes[0]["select_list"] for name, source in _named(entry, known)}


def _is_plain(table: dict[str, Any]) -> bool:
    if table["type"] == "JOIN":
        return _is_plain(table["left"]) and _is_plain(table["right"])
    return bool(table["type"] == "BASE_TABLE")


def _named(entry: dict[str, Any], known: list[str]) -> Iterator[tuple[str, str]]:
    if entry["class"] == "COLUMN_REF":
        yield entry["alias"] or entry["column_names"][-1], entry["column_names"][-1]
    if entry["class"] == "STAR":
        replaced = {one["key"].lower() for one in entry["replace_list"]}
        yield from ((name, name) for name in known if name.lower() not in replaced)
