"""Options that many commands share, and how results are printed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stellarfm.home import DEFAULT_HOME as DEFAULT_HOME

Home = Annotated[
    Path, typer.Option("--home", envvar="STELLARFM_HOME", help="Folder where everything that is made is kept.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML); stellarfm.toml of this folder if it is there.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, e.g. --set training.preset=default; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def print_text(text: Any = "", *, soft_wrap: bool = False) -> None:
    """Print text with markup, or anything that rich can show, on stdout, where results go; progress and errors go to stderr.

    Parameters
    ----------
    text
        What to print.
    soft_wrap
        Leave long lines to the terminal.
    """
    from rich.console import Console  # a command that prints JSON is not to wait for it

    Console(highlight=False).print(text, soft_wrap=soft_wrap)


def print_json(data: Any) -> None:
    """Print data as JSON on stdout."""
    typer.echo(json.dumps(data, indent=2, default=str))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None, limit: int | None = None
) -> None:
    """Print rows as a table on stdout; numbers to the right.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells of each row.
    title
        A line above.
    limit
        Largest number of rows to print; what is left out is counted.
    """
    from rich.table import Table

    listed = [list(row) for row in rows]
    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for i, column in enumerate(columns):
        numeric = bool(listed) and all(_is_number(row[i]) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed[:limit]:
        table.add_row(*(_cell(value) for value in row))
    print_text(table)
    if limit is not None and len(listed) > limit:
        print_text(f"… and {len(listed) - limit:,} more rows")


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print_text(f"{name:<{width}}  {value}", soft_wrap=True)


def _is_number(value: Any) -> bool:
    """Whether a cell belongs to the right: a number, a number in words such as ``1,000`` or ``68 %``, or nothing."""
    if isinstance(value, str):
        return re.fullmatch(r"[-+]?[\d.,]*(e[-+]?\d+)?( %)?|nan", value) is not None
    return isinstance(value, int | float | None) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
