"""The expectation suites of ``expectations/``: which rules a table has, how grave each is, and what a drift is."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from stellarfm.resources import resource_folder

Severity = Literal["critical", "warning", "row"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "row")


@dataclass(frozen=True)
class Holds:
    """For which samples a rule holds.

    Attributes
    ----------
    min_values
        Fewest values of its column, or rows where it looks at no column.
    not_selected_on
        Columns of ``gaia_source`` that shift what the rule looks at, if the stars were selected by them.
    asked
        For tables of the landing, the ways of asking for them for which the rule holds.
    tells
        SQL that is true of the relation ``{batch}`` where the sample can tell right from wrong; "" where any can.
    """

    min_values: int = 0
    not_selected_on: tuple[str, ...] = ()
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tells: str = ""


@dataclass(frozen=True)
class Rule:
    """One expectation under a short, stable name.

    Attributes
    ----------
    name
        What reports, errors and quarantined rows call it.
    severity
        ``critical`` stops the run, ``warning`` is reported, ``row`` sets the rows that break it aside.
    note
        Where the range comes from, and what a failure usually means.
    type, kwargs
        Great Expectations' name and arguments; an argument ``{"$PARAMETER": name}`` is known at run time only.
    needs
        Tables as ``schema.name``; where a selection does without one of them the rule is not judged.
    catches
        The damage that it is there to catch, and how often it cries at honest data.
    holds
        For which samples it holds.
    """

    name: str
    severity: Severity
    note: str
    type: str
    kwargs: Mapping[str, Any]
    needs: frozenset[str] = frozenset()
    catches: str = ""
    holds: Holds = Holds()

    def parameters(self) -> set[str]:
        """Return the names of the arguments that are known at run time only."""
        return {value["$PARAMETER"] for value in self.kwargs.values() if isinstance(value, dict)}

    def resolved(self, parameters: Mapping[str, Any]) -> "Rule":
        """Return the rule with every argument known.

        Raises
        ------
        KeyError
            If a parameter is not given.
        """
        known = {k: parameters[v["$PARAMETER"]] if isinstance(v, dict) else v for k, v in self.kwargs.items()}
        return replace(self, kwargs=known)

    def to_expectation(self) -> dict[str, Any]:
        """Return the rule in Great Expectations' JSON form."""
        meta = {"rule": self.name, "severity": self.severity, "note": self.note}
        kwargs = {name: value for name, value in self.kwargs.items() if name != "description"}
        return {"type": self.type, "kwargs": kwargs, "meta": meta, "description": self.description}

    @property
    def description(self) -> str:
        """What Data Docs say of it: name, severity, what is expected, and why."""
        words = self.type.removeprefix("expect_").replace("_", " ")
        given = {name: value for name, value in self.kwargs.items() if not isinstance(value, dict)}
        expected = given.get("description") or f"{words} ({', '.join(f'{k} {v}' for k, v in given.items())})"
        return f"{self.name} [{self.severity}]: {expected}. {self.note}"


@dataclass(frozen=True)
class Tolerance:
    """How far a column may move from the accepted snapshot, beyond five standard errors of sampling.

    Attributes
    ----------
    median
        Largest shift of the median, in the unit of the column.
    mad
        Largest change of the median absolute deviation, as a share of it.
    null_share
        Largest change of the share of NULLs.
    """

    median: float
    mad: float
    null_share: float


@dataclass(frozen=True)
class Suite:
    """The rules of one table.

    Attributes
    ----------
    table
        ``schema.name``, also the name of the file.
    rules
        In the order in which a failure is told: the most fundamental first.
    drift
        Columns that are compared with the accepted snapshot.
    """

    table: str
    rules: tuple[Rule, ...]
    drift: Mapping[str, Tolerance] = field(default_factory=dict)

    def without(self, tables: Collection[str]) -> "Suite":
        """Return the suite of a selection that does without some tables."""
        return replace(self, rules=tuple(rule for rule in self.rules if not rule.needs.intersection(tables)))


def read_suite(table: str) -> Suite:
    """Read the suite of a table.

    Parameters
    ----------
    table
        ``schema.name``.

    Raises
    ------
    ValueError
        If a rule has no name, an unknown severity or key, or the name of another: a mistake in the file, never a user's.
    FileNotFoundError
        If the table has no suite.
    """
    path = resource_folder("expectations") / f"{table}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    rules = tuple(_read_rule(path.name, item) for item in data["expectations"])
    # results, reasons and quarantine are kept by name: two of one name would hide one another
    names = [rule.name for rule in rules]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path.name} has two rules named {twice!r}; give one of them another name")
    drift = {column: Tolerance(**limits) for column, limits in data.get("meta", {}).get("drift", {}).items()}
    return Suite(table, rules, drift)


def suite_tables() -> list[str]:
    """Return the tables that have a suite."""
    return sorted(path.stem for path in resource_folder("expectations").glob("*.json"))


def _read_rule(file: str, item: Mapping[str, Any]) -> Rule:
    meta = item.get("meta", {})
    missing = {"rule", "severity", "note"} - meta.keys()
    if missing or meta["severity"] not in SEVERITIES:
        raise ValueError(
            f"{file}: the expectation {item['type']} {item['kwargs']} needs in its meta a rule, a note, "
            f"and a severity out of {', '.join(SEVERITIES)}"
        )
    # strict, because a misspelt "holds" would let a rule judge samples that it does not hold for
    unknown = meta.keys() - {"rule", "severity", "note", "needs", "catches", "holds"}
    odd = meta.get("holds", {}).keys() - {f.name for f in fields(Holds)}
    if unknown or odd:
        raise ValueError(f"{file}: the rule {meta['rule']!r} has the unknown key {sorted(unknown | odd)[0]!r}")
    return Rule(
        meta["rule"],
        meta["severity"],
        meta["note"],
        item["type"],
        item["kwargs"],
        frozenset(meta.get("needs", ())),
        meta.get("catches", ""),
        _read_holds(meta.get("holds", {})),
    )


def _read_holds(data: Mapping[str, Any]) -> Holds:
    asked = {table: tuple(ways) for table, ways in data.get("asked", {}).items()}
    columns = tuple(data.get("not_selected_on", ()))
    return Holds(data.get("min_values", 0), columns, asked, data.get("tells", ""))
