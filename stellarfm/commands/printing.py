"""How results are printed: text, tables and JSON on stdout; progress and errors go to stderr."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from stellarfm.commands.cells import as_json_value, cell
from stellarfm.suggestions import counted

_GAP = 2


def print_text(text: Any = "", *, heading: str = "", soft_wrap: bool = False) -> None:
    """Print text as it is, or anything that rich can show, on stdout.

    Parameters
    ----------
    text
        What to print; brackets in it are brackets.
    heading
        Bold words before it.
    soft_wrap
        Leave long lines to the terminal.
    """
    from rich.console import Console  # a command that prints JSON is not to wait for it
    from rich.text import Text

    shown = Text.assemble((heading, "bold"), text) if heading else text
    # without markup: a path or a value may have brackets. A pipe has no width, and a line of it stays one
    Console(highlight=False, markup=False, emoji=False).print(shown, soft_wrap=soft_wrap or not sys.stdout.isatty())


def print_json(data: Any) -> None:
    """Print data as strict JSON on stdout: NaN is null, infinity is the text ``Infinity``."""
    typer.echo(json.dumps(as_json_value(data), indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print rows as a table on stdout, numbers to the right; in a pipe each row is one line, however long.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells of each row.
    title
        A bold line above.
    """
    listed = [list(row) for row in rows]
    right = [bool(listed) and all(_is_number(row[i]) for row in listed) for i in range(len(columns))]
    words = [[cell(value, null="") for value in row] for row in listed]
    if title:
        print_text(heading=title)
    if sys.stdout.isatty():
        print_text(_rich_table(columns, words, right))
    else:
        print_lines(columns, words, right)


def print_fitting(columns: Sequence[str], words: Sequence[Sequence[str]]) -> None:
    """Print what has room on a terminal: rows, else the table turned, else the first columns and how many are hidden.

    Parameters
    ----------
    columns
        Headings.
    words
        Cells as text.
    """
    from rich.console import Console

    room, widths = Console().width, _column_widths(columns, words)
    turned = [[name, *values] for name, *values in zip(columns, *words, strict=True)]
    headings = ["", *(f"row {i + 1}" for i in range(len(words)))]
    if not sys.stdout.isatty() or _total_width(widths) <= room:
        return print_table(columns, words)
    if words and _total_width(_column_widths(headings, turned)) <= room:
        return print_table(headings, turned)
    kept = next((n for n in range(len(columns), 1, -1) if _total_width(widths[:n]) <= room), 1)
    print_table(columns[:kept], [row[:kept] for row in words])
    if hidden := columns[kept:]:
        print_text(f"… and {counted(len(hidden), 'more column')}, which a pipe and --json give: {', '.join(hidden)}")
    return None


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print_text(f"{name:<{width}}  {cell(value, null='')}", soft_wrap=True)


def print_lines(columns: Sequence[str], words: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print a heading and rows of text in aligned columns, each on one line.

    Parameters
    ----------
    columns
        Headings.
    words
        Cells as text.
    right
        Which columns stand to the right.
    """
    widths = _column_widths(columns, words)
    for line in (columns, *words):
        padded = [
            word.rjust(width) if to_right else word.ljust(width)
            for word, width, to_right in zip(line, widths, right, strict=True)
        ]
        typer.echo((" " * _GAP).join(padded).rstrip())


def _column_widths(columns: Sequence[str], words: Sequence[Sequence[str]]) -> list[int]:
    """Return how many cells of a terminal each column takes, without the gap between columns."""
    from rich.cells import cell_len

    return [max(map(cell_len, (name, *(row[i] for row in words)))) for i, name in enumerate(columns)]


def _total_width(widths: Sequence[int]) -> int:
    """Return how many cells of a terminal columns take with the gaps between them."""
    return sum(widths) + _GAP * max(0, len(widths) - 1)


def _rich_table(columns: Sequence[str], words: Sequence[Sequence[str]], right: Sequence[bool]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for name, to_right in zip(columns, right, strict=True):
        # folded where there is no room: a number that is cut short is another number
        table.add_column(Text(name), justify="right" if to_right else "left", overflow="fold")
    for row in words:
        table.add_row(*map(Text, row))
    return table


def _is_number(value: Any) -> bool:
    """Whether a cell belongs to the right: a number, a number in words such as ``1,000`` or ``68 %``, or nothing."""
    if isinstance(value, str):
        return re.fullmatch(r"[-+]?[\d.,]*(e[-+]?\d+)?( %)?|nan", value) is not None
    return isinstance(value, int | float | None) and not isinstance(value, bool)
