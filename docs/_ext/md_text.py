"""Pieces of Markdown: cells, tables, code, anchors."""

from collections.abc import Iterable, Sequence


def cell(text: object) -> str:
    """Return text that may stand in a cell of a table: one line, its bars escaped."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: object) -> str:
    """Return text as code, and nothing for an empty one."""
    return f"`{text}`" if str(text) else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, ended by an empty line."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def block(language: str, text: str) -> str:
    """Return a block of code, ended by an empty line."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def anchor(*words: str) -> str:
    """Return a line that other pages can link to, such as ``(command-catalog-query)=``."""
    return f"({anchor_name(*words)})="


def anchor_name(*words: str) -> str:
    """Return the name of an anchor: lower case, with hyphens."""
    return "-".join(words).lower().replace("_", "-").replace(".", "-").replace(" ", "-")
