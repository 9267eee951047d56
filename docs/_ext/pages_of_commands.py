"""The reference of the command line, from the typer app."""

import re
from collections.abc import Iterator
from typing import Any

import md_text as md
import typer

from stellarfm.cli import app

_KINDS = {
    "str": "text",
    "text": "text",
    "float": "number",
    "path": "path",
    "integer": "integer",
    "integer range": "integer",
    "int": "integer",
}
_EXAMPLE = re.compile(r"Example:\s*(.+)", re.DOTALL)


def all_commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words and the command of every command, group by group."""
    yield from _below(typer.main.get_command(app), ())


def _below(group: Any, prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        words = (*prefix, name)
        if hasattr(command, "commands"):
            yield from _below(command, words)
        else:
            yield words, command


def example_of(command: Any) -> str:
    """Return the example at the end of a command's help, on one line."""
    found = _EXAMPLE.search(command.help or "")
    return " ".join(found[1].split()) if found else ""


def commands_page() -> str:
    """Return every command: help, example, arguments and options with defaults."""
    root = typer.main.get_command(app)
    parts = [_overview(), "## Options of `stellarfm` itself\n", _parameters(root)]
    group = ()
    for words, command in all_commands():
        if words[:-1] != group:
            group = words[:-1]
            parts.append(_group_heading(root, group))
        parts.append(_command(words, command))
    return "\n".join(parts)


def _overview() -> str:
    rows = [
        (f"[`stellarfm {' '.join(words)}`](#{md.anchor_name('command', *words)})", _sentence(command))
        for words, command in all_commands()
    ]
    return md.table(["command", "what it does"], rows)


def _group_heading(root: Any, group: tuple[str, ...]) -> str:
    found = root
    for word in group:
        found = found.commands[word]
    return f"{md.anchor('command', *group)}\n## `stellarfm {' '.join(group)}`\n\n{found.help}\n"


def _command(words: tuple[str, ...], command: Any) -> str:
    name = f"stellarfm {' '.join(words)}"
    level = "#" * (len(words) + 1)
    return (
        f"{md.anchor('command', *words)}\n{level} `{name}`\n\n{_help(command)}\n\n"
        f"{md.block('bash', example_of(command))}\n{_parameters(command)}"
    )


def _help(command: Any) -> str:
    return " ".join(_EXAMPLE.sub("", command.help or "").split())


def _sentence(command: Any) -> str:
    return _help(command).split(". ")[0].rstrip(".")


def _parameters(command: Any) -> str:
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    return md.table(["argument or option", "value", "default", "what it is"], rows)


def _parameter(parameter: Any) -> tuple[str, str, str, str]:
    is_argument = parameter.param_type_name == "argument"
    if is_argument:
        called = md.code(str(parameter.name).upper())
    else:
        called = ", ".join(md.code(option) for option in sorted(parameter.opts, key=len))
    is_flag = getattr(parameter, "is_flag", False)
    value = "" if is_flag else _kind(parameter)
    help_text = getattr(parameter, "help", "") or ""
    variable = f" Also `{parameter.envvar}` in the environment." if parameter.envvar else ""
    return called, value, _default(parameter, is_flag=is_flag), f"{help_text}{variable}"


def _kind(parameter: Any) -> str:
    choices = getattr(parameter.type, "choices", None)
    if choices:
        return ", ".join(md.code(choice) for choice in choices)
    name = _KINDS.get(parameter.type.name, parameter.type.name)
    return f"{name}, may be repeated" if parameter.multiple else name


def _default(parameter: Any, *, is_flag: bool) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    if is_flag or default is None or default in ("", (), []) or callable(default):
        return ""
    return md.code(default)
