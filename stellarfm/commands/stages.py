"""One command a stage: the same work as `stellarfm run`, step by step and without Prefect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stellarfm.commands.options import DEFAULT_HOME, Config, Home, Json, Set
from stellarfm.commands.printing import print_facts, print_json, print_table, print_text

if TYPE_CHECKING:
    from stellarfm.config import Settings


def ingest(
    archive: Annotated[
        str | None, typer.Option("--archive", help="Archive to read; the same as --set archive.name=NAME.")
    ] = None,
    path: Annotated[
        str | None, typer.Option("--path", help="File that the archive reads; the same as --set archive.path=FILE.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print what would come, how large and how long, and the queries; fetch nothing."
        ),
    ] = False,
    home: Home = DEFAULT_HOME,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Fetch what is not in the landing yet.

    Example: stellarfm ingest --archive esa --set "gaia.where=parallax > 20" --dry-run
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.ingest import ingest as stage

    chosen = [f"archive.{key}={value}" for key, value in (("name", archive), ("path", path)) if value is not None]
    settings = load_settings(config, [*(set_ or []), *chosen])
    if dry_run:
        return print_prospect(settings, home, as_json=as_json)
    folder = Folder.open(home)
    with folder.lock():
        snapshot = stage(settings, folder)
    if as_json:
        return print_json(vars(snapshot))
    facts = {"landing": folder.landing / snapshot.archive, **snapshot.rows}
    missing = {f"{table}, not given": f"{rows:,} (missing/{table}.parquet)" for table, rows in snapshot.missing.items()}
    return print_facts(facts | missing)


def print_prospect(settings: "Settings", path: Path, *, as_json: bool) -> None:
    """Print what an ingest would bring and what it would ask for; nothing but counts is asked.

    Parameters
    ----------
    settings
        Which stars, from where.
    path
        Home folder; it is not made.
    as_json
        Print an object with ``expected``, ``queries`` and ``warnings``.
    """
    from stellarfm.home import Home as Folder
    from stellarfm.stages.ingest import look_ahead

    found = look_ahead(settings, Folder(path.expanduser().absolute()))
    expected, queries = found.expected, found.queries
    if as_json:
        listed = [vars(query) for query in queries]
        return print_json({"expected": expected.to_dict(), "queries": listed, "warnings": expected.warnings})
    print_table(["expected", "number", "how it is known"], expected.lines())
    for warning in expected.warnings:
        print_text(f" {warning}", heading="WARNING", soft_wrap=True)
    print_text()
    for query in queries:
        rows = "" if query.rows is None else f"  {query.rows:,} rows"
        print_text(f" {query.part}{rows}\n  {query.text}", heading=query.table, soft_wrap=True)
    return None


def prepare(home: Home = DEFAULT_HOME, config: Config = None, set_: Set = None, as_json: Json = False) -> None:
    """Build the warehouse from the landing: staging, crossmatch, marts, checks.

    Example: stellarfm prepare
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.prepare import prepare as stage

    settings, folder = load_settings(config, set_ or []), Folder.open(home)
    with folder.lock():
        prepared = stage(settings, folder)
    if as_json:
        return print_json({**vars(prepared), "docs": prepared.docs})
    return print_facts({"warehouse": folder.warehouse, "checks": prepared.docs, "set aside": prepared.quarantined_rows})


def train(
    table: Annotated[
        str | None,
        typer.Option("--table", help="Your own table (Parquet, CSV, FITS, VOTable, DuckDB) instead of the home's."),
    ] = None,
    vocabulary: Annotated[
        str | None, typer.Option("--vocabulary", help="Name of a vocabulary that ships with stellarfm, or a TOML file.")
    ] = None,
    home: Home = DEFAULT_HOME,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Train a model, on the home's training set or on a table of your own.

    Example: stellarfm train --table my_stars.parquet --vocabulary photometry
    """
    from stellarfm.commands.training_output import train_on_home, train_on_table
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder

    chosen = [f"training.vocabulary={vocabulary}"] if vocabulary else []
    settings, folder = load_settings(config, [*(set_ or []), *chosen]), Folder.open(home)
    with folder.lock():
        if table is None:
            train_on_home(settings, folder, as_json=as_json)
        else:
            train_on_table(settings, folder, Path(table), as_json=as_json)


def evaluate(
    xgboost: Annotated[
        bool,
        typer.Option("--xgboost", help="Compare with gradient-boosted trees on the same rows and inputs; minutes."),
    ] = False,
    home: Home = DEFAULT_HOME,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Judge the model of these settings on held-out stars.

    Example: stellarfm evaluate --xgboost
    """
    from stellarfm.commands.training_output import print_evaluation
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.evaluate import compare_with_trees
    from stellarfm.stages.evaluate import evaluate as stage
    from stellarfm.stages.train import train as train_stage

    settings, folder = load_settings(config, set_ or []), Folder.open(home)
    with folder.lock():
        evaluation = stage(settings, folder, train_stage(settings, folder))
        trees = compare_with_trees(settings, folder) if xgboost else []
    print_evaluation(evaluation, trees, as_json=as_json)


def promote(home: Home = DEFAULT_HOME, config: Config = None, set_: Set = None, as_json: Json = False) -> None:
    """Put the model of these settings through the gate.

    Example: stellarfm promote
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.evaluate import evaluate as evaluate_stage
    from stellarfm.stages.promote import promote as stage
    from stellarfm.stages.train import train as train_stage

    settings, folder = load_settings(config, set_ or []), Folder.open(home)
    with folder.lock():
        run = train_stage(settings, folder)
        promotion = stage(settings, folder, run, evaluate_stage(settings, folder, run))
    if as_json:
        return print_json({"version": promotion.version.version, **promotion.verdict.to_dict()})
    outcome = "is champion" if promotion.verdict.passed else "did not pass the gate"
    print_text(f"model version {promotion.version.version} {outcome}:")
    for reason in promotion.verdict.reasons:
        print_text(f"  {reason}")
    return None


def publish(home: Home = DEFAULT_HOME, config: Config = None, set_: Set = None, as_json: Json = False) -> None:
    """Publish the catalogue of the champion's predictions for every star.

    Example: stellarfm publish
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.publish import publish as stage

    settings, folder = load_settings(config, set_ or []), Folder.open(home)
    with folder.lock():
        release = stage(settings, folder)
    if as_json:
        return print_json(vars(release))
    made = folder.releases / release.version
    return print_facts({"release": release.version, "stars": f"{release.num_stars:,}", "folder": made})
