"""The reference of the settings, from ``stellarfm.config.Settings`` and the texts below its attributes."""

import ast
import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import md_text as md

from stellarfm import config
from stellarfm.config import RENAMED, Settings

_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "pattern": "pattern `{}`",
}


def settings_page() -> str:
    """Return every setting by section: type, default, limits, variable of the environment, what it is."""
    schema = Settings.model_json_schema()
    top, sections = [], []
    for name, field in Settings.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            sections.append(_section(name, field.annotation, schema))
        else:
            top.append(_setting(name, "Settings", name, schema["properties"][name]))
    return "\n".join(["## At the top of the file\n", *top, *sections, _renamed()])


def _section(name: str, model: Any, schema: Mapping[str, Any]) -> str:
    properties = schema["$defs"][model.__name__]["properties"]
    heading = f"{md.anchor('setting', name)}\n## `[{name}]`\n\n{inspect.getdoc(model)}\n"
    entries = [_setting(f"{name}.{key}", model.__name__, key, found) for key, found in properties.items()]
    return "\n".join([heading, *entries])


def _setting(name: str, model: str, key: str, found: Mapping[str, Any]) -> str:
    facts = [_kind(found), *_limits(found), f"default {_default(found)}", md.code(variable_of(name))]
    text = " ".join(attribute_texts().get((model, key), "").split())
    return f"{md.anchor('setting', name)}\n`{name}`\n: {' · '.join(facts)}\n\n  {text}\n"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"STELLARFM_{name.upper().replace('.', '__')}"


def _kind(found: Mapping[str, Any]) -> str:
    """Return the type of a setting in words."""
    if "enum" in found:
        return " or ".join(md.code(value) for value in found["enum"])
    if "anyOf" in found:
        return next(_kind(one) for one in found["anyOf"] if one.get("type") != "null")
    if found.get("format") == "path":
        return "path"
    return {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false"}[found["type"]]


def _limits(found: Mapping[str, Any]) -> list[str]:
    inner = next((one for one in found.get("anyOf", ()) if one.get("type") != "null"), found)
    return [text.format(_number(inner[key])) for key, text in _LIMITS.items() if key in inner]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _default(found: Mapping[str, Any]) -> str:
    default = found.get("default")
    return "not set" if default is None else md.code(json.dumps(default))


@cache
def attribute_texts() -> Mapping[tuple[str, str], str]:
    """Return the text below each attribute of the settings, by class and attribute."""
    found = {}
    for node in ast.parse(inspect.getsource(config)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for attribute, text in zip(node.body, node.body[1:], strict=False):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name) and is_text:
                found[node.name, attribute.target.id] = inspect.cleandoc(str(text.value.value))
    return found


def _renamed() -> str:
    rows = [(md.code(before), md.code(now)) for before, now in RENAMED.items()]
    head = (
        "## Settings with another name before 0.2\n\nThey still count, with a sentence on stderr, until version 0.3.\n"
    )
    return f"{head}\n{md.table(['before', 'now'], rows)}" if rows else ""
