"""`stellarfm catalog`: list, show, query and verify the published releases."""

from typing import Annotated

import typer

from stellarfm.commands.options import DEFAULT_HOME, Home, Json, print_facts, print_json, print_table, print_text

catalog_app = typer.Typer(no_args_is_help=True, help="The published releases: list, show, query, verify.")

Version = Annotated[str, typer.Option("--release", help="Name of a release, as `catalog list` shows it.")]

_SHOWN_ROWS = 50


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
    parts = {
        "provenance": "select name, value from provenance",
        "metrics": "select model, token, against, num_stars, scatter, bias, coverage_68 from metrics",
        "flags": "select bit, name, num_stars, description from flags",
        "columns": "select column_name, data_type, unit, description from columns where table_name = 'stars'",
    }
    found = {name: catalog.query(sql) for name, sql in parts.items()}
    if as_json:
        return print_json(
            {name: [dict(zip(columns, row, strict=True)) for row in rows] for name, (columns, rows) in found.items()}
        )
    print_text(f"[bold]Release {catalog.release.version}[/bold], {catalog.release.num_stars:,} stars\n")
    print_facts(dict(found["provenance"][1]))
    for name in ("metrics", "flags", "columns"):
        print_text()
        print_table(*found[name], title=name)
    return None


@catalog_app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="A query in DuckDB's SQL over stars, columns, flags, provenance, metrics.")
    ],
    home: Home = DEFAULT_HOME,
    release: Version = "latest",
    as_json: Json = False,
) -> None:
    """Query a release with SQL.

    Example: stellarfm catalog query "select count(*), avg(teff) from stars"
    """
    from stellarfm.catalog.reader import open_catalog

    columns, rows = open_catalog(home, release).query(sql)
    if as_json:
        return print_json([dict(zip(columns, row, strict=True)) for row in rows])
    return print_table(columns, rows, limit=_SHOWN_ROWS)


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
    return print_text(f"release {catalog.release.version}: {len(catalog.release.files)} files as published")
