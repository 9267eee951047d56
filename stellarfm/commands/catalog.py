"""`stellarfm catalog`: list, show, query and verify the published releases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stellarfm.commands.options import DEFAULT_HOME, Home, Json
from stellarfm.commands.printing import print_facts, print_json, print_table, print_text
from stellarfm.suggestions import counted

if TYPE_CHECKING:
    from stellarfm.catalog.answer import Answer

catalog_app = typer.Typer(no_args_is_help=True, help="The published releases: list, show, query, verify.")

Version = Annotated[str, typer.Option("--release", help="Name of a release, as `catalog list` shows it.")]

_METRIC_COLUMNS = ("model", "token", "against", "stars", "scatter", "bias", "in 68 %")
_PARTS = {
    "provenance": "select name, value from provenance",
    "metrics": "select task, model, token, against, num_stars, scatter, bias, coverage_68 from metrics",
    "flags": "select bit, name, num_stars, description from flags",
    "columns": "select column_name, data_type, unit, description from columns where table_name = 'stars'",
}


@catalog_app.command("list")
def list_releases(home: Home = DEFAULT_HOME, as_json: Json = False) -> None:
    """List the releases of a home, the newest first.

    Example: stellarfm catalog list
    """
    from stellarfm.catalog.reader import list_catalogs

    catalogs = list_catalogs(home / "releases")
    if as_json:
        return print_json([{"version": c.release.version, "num_stars": c.release.num_stars} for c in catalogs])
    if not catalogs:
        return print_text(f"no release in {home} yet; `stellarfm run` makes one")
    return print_table(
        ["release", "stars", "folder"], [[c.release.version, c.release.num_stars, str(c.folder)] for c in catalogs]
    )


@catalog_app.command()
def show(home: Home = DEFAULT_HOME, release: Version = "latest", as_json: Json = False) -> None:
    """Show what a release holds, what it was made from and how good it is.

    Example: stellarfm catalog show --release latest
    """
    from stellarfm.catalog.reader import open_catalog

    catalog = open_catalog(home, release)
    found = {name: catalog.query(sql) for name, sql in _PARTS.items()}
    if as_json:
        return print_json(
            {name: [dict(zip(answer.columns, row, strict=True)) for row in answer] for name, answer in found.items()}
        )
    print_text(f", {catalog.release.num_stars:,} stars\n", heading=f"Release {catalog.release.version}")
    print_facts({name: _in_words(value) for name, value in found["provenance"]})
    _print_metrics(found["metrics"])
    for name in ("flags", "columns"):
        print_text()
        print_table(found[name].columns, found[name], title=name)
    return None


def _in_words(value: str) -> str:
    """Return the settings, which are JSON of one long line, as those that differ from the defaults; other facts as they are."""
    if not value.startswith("{"):
        return value
    from stellarfm.config import changed_settings

    return ", ".join(changed_settings(value)) or "the defaults"


def _print_metrics(answer: "Answer") -> None:
    """Print the figures of the model, task by task."""
    for task in dict.fromkeys(row[0] for row in answer):
        print_text()
        rows = [row[1:] for row in answer if row[0] == task]
        print_table(_METRIC_COLUMNS, [[*row[:4], *map(_in_short, row[4:])] for row in rows], title=f"metrics: {task}")


def _in_short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


@catalog_app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="A query in DuckDB's SQL over stars, columns, flags, provenance, metrics.")
    ],
    home: Home = DEFAULT_HOME,
    release: Version = "latest",
    output: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write, in the format of its suffix.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    memory_limit: Annotated[str, typer.Option(help="What the query may take before it spills to disk.")] = "2GB",
    timeout_s: Annotated[float | None, typer.Option(help="Longest time of the query in seconds.", min=0.001)] = None,
    as_json: Json = False,
) -> None:
    """Query a release with SQL: all digits; all rows in a pipe, a file, as CSV and JSON; what fits on a terminal.

    The query reads the release and nothing else, and writes nothing.

    Example: stellarfm catalog query "select count(*), avg(teff) from stars"
    """
    from stellarfm.catalog.reader import open_catalog
    from stellarfm.catalog.release import CATALOG_FILE
    from stellarfm.commands import query_output
    from stellarfm.formats import check_output

    catalog = open_catalog(home, release)
    if output is not None:
        check_output(output, [catalog.folder / CATALOG_FILE])
    answer = catalog.query(sql, memory_limit=memory_limit, timeout_s=timeout_s)
    if output is not None:
        rows = query_output.write_answer(answer, output, query_output.fields_of(catalog, sql))
        return (
            print_json({"output": str(output), "rows": rows})
            if as_json
            else print_text(f"{counted(rows, 'row')} in {output}")
        )
    if as_csv:
        return query_output.print_csv(answer)
    return query_output.print_json_rows(answer) if as_json else query_output.print_answer(answer)


@catalog_app.command()
def verify(home: Home = DEFAULT_HOME, release: Version = "latest", as_json: Json = False) -> None:
    """Check that a release is byte for byte what was published.

    Example: stellarfm catalog verify
    """
    from stellarfm.catalog.reader import open_catalog

    catalog = open_catalog(home, release)
    catalog.verify()
    if as_json:
        return print_json({"version": catalog.release.version, "ok": True, "files": catalog.release.files})
    return print_text(f"release {catalog.release.version}: {counted(len(catalog.release.files), 'file')} as published")
