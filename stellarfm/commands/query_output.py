"""How `stellarfm catalog query` gives its answer: for a person at a terminal, a pipe, a program, or into a file."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from stellarfm.commands.cells import as_json_value, cell
from stellarfm.commands.printing import print_fitting, print_lines, print_text
from stellarfm.suggestions import counted

if TYPE_CHECKING:
    from stellarfm.catalog.answer import Answer
    from stellarfm.catalog.reader import Catalog
    from stellarfm.fields import Field

_SHOWN_ROWS = 50
_NUMBERS = ("INT", "FLOAT", "DOUBLE", "DECIMAL")


def print_answer(answer: "Answer") -> None:
    """Print an answer as text: in a pipe whole, one row a line; on a terminal what fits, and what is left out is counted."""
    right = [any(word in kind for word in _NUMBERS) and "[" not in kind for kind in answer.types]
    if not sys.stdout.isatty():
        return print_lines(answer.columns, _words(answer, answer.fetchall()), right)
    rows = answer.fetchmany(_SHOWN_ROWS + 1)
    shown = _words(answer, rows[:_SHOWN_ROWS])
    print_fitting(answer.columns, shown)
    if len(rows) > _SHOWN_ROWS:
        more = counted(len(answer) - _SHOWN_ROWS, "more row")
        print_text(f"… and {more}; a pipe, --json, --csv and -o FILE give all")
    return None


def print_json_rows(answer: "Answer") -> None:
    """Print an answer as a JSON array of objects, one row after another."""
    names, before = answer.columns, "["
    for row in answer:
        typer.echo(before)
        typer.echo(f"  {json.dumps(as_json_value(dict(zip(names, row, strict=True))), allow_nan=False)}", nl=False)
        before = ","
    typer.echo("[]" if before == "[" else "\n]")


def print_csv(answer: "Answer") -> None:
    """Print an answer as CSV, as it would be written to a file."""
    with TemporaryDirectory(prefix="stellarfm-") as scratch:
        file = Path(scratch) / "answer.csv"
        write_answer(answer, file)
        with file.open(encoding="utf-8", newline="") as lines:
            for line in lines:
                typer.echo(line, nl=False)


def fields_of(catalog: "Catalog", sql: str) -> "dict[str, Field]":
    """Return what the dictionary of a release says of the columns of an answer, where they are those of the stars."""
    from stellarfm.catalog.plain_columns import plain_columns
    from stellarfm.fields import Field

    described = catalog.query(
        "select column_name, coalesce(unit, ''), coalesce(ucd, ''), coalesce(description, '') from columns "
        "where table_name = 'stars'"
    )
    known = {name: Field(unit, ucd, description) for name, unit, ucd, description in described.fetchall()}
    lower = {name.lower(): field for name, field in known.items()}
    plain = plain_columns(sql, list(known))
    return {name: lower[source.lower()] for name, source in plain.items() if source.lower() in lower}


def write_answer(answer: "Answer", target: Path, fields: "Mapping[str, Field] | None" = None) -> int:
    """Write an answer to a file in the format of its suffix and return the number of its rows.

    Parameters
    ----------
    answer
        The rows.
    target
        File to write.
    fields
        What is known of columns, by name; those that the answer does not have do not matter.
    """
    from stellarfm.database import open_database
    from stellarfm.formats import write_table

    with open_database() as con:
        con.register("answer", answer.arrow())
        names = set(answer.columns)
        return write_table(
            con, "answer", target, {name: about for name, about in (fields or {}).items() if name in names}
        )


def _words(answer: "Answer", rows: list[tuple[Any, ...]]) -> list[list[str]]:
    single = ["FLOAT" in kind for kind in answer.types]
    return [[_word(value, short) for value, short in zip(row, single, strict=True)] for row in rows]


def _word(value: Any, single: bool) -> str:
    # a float32 as Python has it, a double, would show ten digits that nobody measured
    if single and isinstance(value, float):
        return str(np.float32(value))
    if single and isinstance(value, list | tuple):
        return f"[{', '.join(_word(one, single) for one in value)}]"
    return cell(value)
