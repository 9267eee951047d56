"""Attributes of a docstring that share a text, such as ``ra, dec``, as one entry each: napoleon takes the first for a type."""

import re
from typing import Any

from sphinx.domains.python import PyObject

_SEVERAL = re.compile(r"^\w+(, \w+)+$")


def split_attributes(lines: list[str]) -> list[str]:
    """Return the lines of a docstring with every heading of several names written out name by name."""
    found: list[str] = []
    in_attributes = False
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and lines[i + 1].startswith("---"):
            in_attributes = line == "Attributes"
        if not (in_attributes and _SEVERAL.match(line)):
            found.append(line)
            continue
        text = _text_below(lines, i)
        *first, last = line.split(", ")
        for name in first:
            found += [name, *text]
        found.append(last)
    return found


def _text_below(lines: list[str], place: int) -> list[str]:
    """Return the indented lines below a heading."""
    text = []
    for line in lines[place + 1 :]:
        if line and not line.startswith(" "):
            break
        text.append(line)
    return text


def setup(app: Any) -> dict[str, bool]:
    """Do it before napoleon, which listens at priority 500; and call attributes what they are."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _process(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = split_attributes(lines)
