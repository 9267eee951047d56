"""The page of rules: each macro of ``sql/macros.sql`` with its definition, its source and the files that use it; the flags."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import md_text as md

import stellarfm
from stellarfm.catalog.dictionary import read_flags
from stellarfm.resources import folder_texts, resource_folder
from stellarfm.rules import Macro, macros_text, read_rules

_HEADING = re.compile(r"^-- -{5,} (.+)$", re.MULTILINE)


def rules_page() -> str:
    """Return every rule, in the order and under the headings of ``sql/macros.sql``."""
    parts = []
    for heading, rules in _by_heading().items():
        parts.append(f"## {heading[0].upper()}{heading[1:]}\n")
        parts += [_group(list(group)) for _, group in groupby(rules, key=lambda rule: rule.source)]
    return "\n".join(parts)


def flags_page() -> str:
    """Return the bits of ``stars.quality_flags``."""
    rows = [
        (flag.bit, md.code(flag.name), flag.description, "raises `flag_bad`" if flag.is_bad else "")
        for flag in read_flags()
    ]
    return md.table(["bit", "name", "what it means", ""], rows)


def _by_heading() -> Mapping[str, list[Macro]]:
    text = macros_text()
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(text)]
    found: dict[str, list[Macro]] = {name: [] for _, name in headings}
    for rule in read_rules():
        place = text.index(f"create macro {rule.name}(")
        found[next(name for start, name in reversed(headings) if start < place)].append(rule)
    return found


def _group(rules: Sequence[Macro]) -> str:
    """Return rules that share a comment: the comment, the definitions, where they are used."""
    anchors = "\n".join(md.anchor("rule", rule.name) for rule in rules)
    definitions = "\n".join(f"{_call(rule)} as {_folded(rule.definition)}" for rule in rules)
    users = sorted({file for rule in rules for file in users_of(rule.name)})
    used = f"Used in {', '.join(map(md.code, users))}." if users else "Used by other rules alone."
    return f"{anchors}\n{_plain(rules[0].source)}\n\n{md.block('sql', definitions)}\n{{.used}}\n{used}\n"


def _call(rule: Macro) -> str:
    return f"{rule.name}({', '.join(rule.parameters)})"


def _folded(definition: str, width: int = 90) -> str:
    """Return a long definition over several lines, broken where it says `and`, `or`, `when`, `else` or `end`."""
    if len(definition) < width:
        return definition
    return re.sub(r" (and|or|when|else|end|\+|-) ", r"\n    \1 ", f" {definition} ").strip()


def _plain(text: str) -> str:
    """Return a comment of SQL with nothing that Markdown would take for markup."""
    text = text.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
    return text if text.endswith((".", ":")) else f"{text}."


@cache
def _sources() -> Mapping[str, str]:
    """Return the files that may use a rule, by their names in the repository."""
    package = Path(stellarfm.__file__).parent
    sql = {f"sql/{name}": text for name, text in folder_texts(resource_folder("sql"), "*/*.sql").items()}
    return sql | {f"stellarfm/{name}": text for name, text in folder_texts(package, "*.py").items()}


def users_of(name: str) -> list[str]:
    """Return the files that use a rule: SQL that calls it or names it in a tag, Python that asks for its value."""
    in_sql = re.compile(rf"\b{name}\(|\{{{name}\}}")
    in_python = re.compile(rf"rule_value\(\s*\"{name}\"|import .*\b{name}\b|(?<!def )\b{name}\(")
    return [file for file, text in _sources().items() if (in_sql if file.endswith(".sql") else in_python).search(text)]
