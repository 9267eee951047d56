"""A profile that fits an archive: what the differences say, put over the profile that they were found with."""

import json
from collections.abc import Sequence

from stellarfm.surveys.differences import Difference
from stellarfm.surveys.profile import Survey, Table


def unsolved(survey: Survey, differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences that stop a fetch and that no proposal can mend: a person has to say what is what."""
    return [one for one in differences if one.blocks and not _is_solved(survey, one)]


def write_proposal(survey: Survey, extends: str, service: str, differences: Sequence[Difference]) -> str:
    """Return a profile in TOML that extends another and says what this archive has in its place.

    Parameters
    ----------
    survey, extends
        The profile, and its name or path.
    service
        Key of the service that was compared.
    differences
        What was found.

    Returns
    -------
    str
        What is certain as keys, what is merely likely as comments, for a person to accept.
    """
    lines = [
        f"# Proposed by `stellarfm survey check`: {survey.release} as the service {service!r} has it. Read it, and accept it",
        "# with gaia.release = the path of this file. A line in comments is a guess: take the mark away if it is right.",
        f"extends = {json.dumps(extends)}",
    ]
    for name, table in survey.tables.items():
        mine = [one for one in differences if one.table == name]
        lines += _table(survey, name, table, service, mine)
    return "\n".join(lines) + "\n"


def _table(survey: Survey, name: str, table: Table, service: str, mine: list[Difference]) -> list[str]:
    schema = survey.schemas.get(service, "")
    heads, renamed, factors, absent = [], [], [], []
    for one in mine:
        note = f"  # {one.text}"
        if not one.column and one.candidate:
            bare = one.candidate.removeprefix(f"{schema}.")
            heads.append(f"{'' if one.is_certain else '# '}name = {json.dumps(bare)}{note}")
        elif one.kind == "unit" and one.is_certain and one.factor is not None:
            factors.append(f"{_key(one.column)} = {one.factor!r}{note}")
        elif one.column and one.candidate:
            renamed.append(f"{'' if one.is_certain else '# '}{_key(one.column)} = {json.dumps(one.candidate)}{note}")
        if _is_done_without(survey, one):
            absent.append(one.column)
    if not (heads or renamed or factors or absent):
        return []
    if absent:
        before = table.at[service].absent if service in table.at else ()
        heads.append(f"absent = {json.dumps([*before, *absent])}")
    if service not in table.at and not any(head.startswith("name") for head in heads):
        heads.insert(0, f"name = {json.dumps(name)}")
    place = f"tables.{name}.at.{service}"
    lines = ["", f"[{place}]", *heads]
    lines += ["", f"[{place}.renamed]", *renamed] if renamed else []
    return lines + (["", f"[{place}.factor]", *factors] if factors else [])


def _is_solved(survey: Survey, one: Difference) -> bool:
    return one.is_certain or _is_done_without(survey, one)


def _is_done_without(survey: Survey, one: Difference) -> bool:
    """Whether a column is gone that the product can do without; where another may be it, a person decides."""
    is_gone = one.kind in ("missing", "meaning") and not one.candidate
    return is_gone and one.column not in survey.tables[one.table].needed


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else json.dumps(name)
