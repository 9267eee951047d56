"""`stellarfm vocabulary`: what a model may be shown and asked, and what of it a table has."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stellarfm.commands.options import Json
from stellarfm.commands.printing import print_json, print_table, print_text
from stellarfm.suggestions import counted

if TYPE_CHECKING:
    from stellarfm.vocabulary import Vocabulary

vocabulary_app = typer.Typer(no_args_is_help=True, help="Vocabularies: their tokens, and which of them a table has.")


@vocabulary_app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a vocabulary that ships with stellarfm, or a TOML file.")],
    table: Annotated[
        str | None, typer.Option("--table", help="A table to hold it against (Parquet, CSV, FITS, VOTable, DuckDB).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the tokens of a vocabulary with their units, where they come from, and which of them a table has.

    Example: stellarfm vocabulary show photometry --table my_stars.parquet
    """
    from stellarfm.vocabulary import load_vocabulary

    vocabulary = load_vocabulary(name)
    known = None if table is None else _known_rows(table, vocabulary)
    tokens = [_facts(vocabulary, place, known) for place in range(len(vocabulary))]
    if as_json:
        return print_json({"name": vocabulary.name, "identifier": vocabulary.identifier, "tokens": tokens})
    columns = ["name", "unit", "kind", "from", *(["rows"] if known else []), "description"]
    print_table(columns, [[row.get(column) for column in columns] for row in _in_short(tokens)])
    if known:
        rows, counts = known
        has = sum(bool(count) for count in counts)
        print_text(f"\n{table}: {counted(rows, 'row')}, {has} of {counted(len(vocabulary), 'token')}", soft_wrap=True)
    return None


def _facts(vocabulary: "Vocabulary", place: int, known: tuple[int, list[int | None]] | None) -> dict[str, Any]:
    """Return what there is to say of a token; of rows, None where the table has no column for it."""
    token = vocabulary.tokens[place]
    source = token.value if token.element is None else f"{token.value}[{token.element}]"
    facts = {
        "name": token.name,
        "unit": token.unit,
        "kind": token.kind,
        "from": source,
        "description": token.description,
    }
    flags = {"requestable": token.requestable, "optional": token.optional}
    return facts | flags | ({} if known is None else {"rows": known[1][place]})


def _in_short(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a series, such as a spectrum of 55 coefficients, as one line, and NULL counts as words."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for token in tokens:
        stem, opened, _ = token["from"].rpartition("[")
        lines.setdefault(
            stem if opened and token["from"].endswith("]") else f"{token['from']} {token['name']}", []
        ).append(token)
    found = []
    for group in lines.values():
        first, last = group[0], group[-1]
        row = dict(first)
        if len(group) > 1:
            row |= {"name": f"{first['name']} … {last['name']}", "from": first["from"].rpartition("[")[0]}
            if "rows" in row:
                row["rows"] = max((token["rows"] for token in group if token["rows"] is not None), default=None)
        if "rows" in row:
            row["rows"] = "no column" if row["rows"] is None else f"{row['rows']:,}"
        found.append(row)
    return found


def _known_rows(table: str, vocabulary: "Vocabulary") -> tuple[int, list[int | None]]:
    """Return the rows of a table, and for each token how many have a value; None where no column gives it."""
    import numpy as np

    from stellarfm.database import close_off, open_database
    from stellarfm.formats import open_table
    from stellarfm.formats.paths import find
    from stellarfm.measured import as_measured
    from stellarfm.progress import tell
    from stellarfm.tokens import plan_tokens, stream_tokens

    with open_database() as con:
        opened = open_table(con, table, "shown")
        close_off(con, find(table).files)
        measured = as_measured(con, opened, vocabulary)
        tell(*measured.notes)
        query = plan_tokens(con, measured.relation, vocabulary)
        rows, counts = 0, np.zeros(len(vocabulary), int)
        for stars, _ in stream_tokens(con, query, 65_536):
            rows += len(stars)
            counts += np.isfinite(stars.values).sum(axis=0)
    missing = set(query.missing)
    return rows, [None if name in missing else int(count) for name, count in zip(vocabulary.names, counts, strict=True)]
