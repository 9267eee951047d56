"""The data dictionary has one source: the tags behind each column of the publishing SQL.

The tags follow the schema files of SDSS and WFAU: ``--/D`` description, ``--/U`` unit, ``--/C`` UCD, ``--/N`` meaning
of NULL.
"""

import re
from dataclasses import dataclass

from stellarfm.resources import read_sql

_TAGS = {"D": "description", "U": "unit", "C": "ucd", "N": "null_meaning"}
_REQUIRED = ("D", "C", "N")


@dataclass(frozen=True)
class Column:
    """What the dictionary says of one column.

    Attributes
    ----------
    table, name
        Where it is.
    description
        What it is, in a sentence.
    unit
        VOUnits string, "" if it has none.
    ucd
        Unified content descriptor (UCD1+).
    null_meaning
        What NULL means.
    """

    table: str
    name: str
    description: str
    unit: str
    ucd: str
    null_meaning: str


def read_dictionary(table: str) -> list[Column]:
    """Return the columns of a published table, in order, from the tags of ``sql/catalog/<table>.sql``.

    Raises
    ------
    ValueError
        If a tagged column lacks a tag, or its name cannot be told: a mistake in the SQL, never a user's.
    """
    columns = []
    for line in read_sql(f"catalog/{table}").splitlines():
        code, mark, tags = line.partition("--/")
        if mark and code.strip() and not code.lstrip().startswith("--"):
            columns.append(_read_column(table, code, mark + tags))
    return columns


def _read_column(table: str, code: str, tags: str) -> Column:
    match = re.search(r"(\w+)\s*,?\s*$", code)
    found = {tag: text.strip() for tag, text in re.findall(r"--/([A-Z])\s+(.*?)(?=\s*--/|$)", tags)}
    missing = [tag for tag in _REQUIRED if not found.get(tag)]
    unknown = [tag for tag in found if tag not in _TAGS]
    if match is None or missing or unknown:
        raise ValueError(
            f"catalog/{table}.sql: {code.strip()!r} lacks the tags {missing} or has unknown ones {unknown}"
        )
    return Column(table, match[1], found["D"], found.get("U", ""), found["C"], found["N"])
