"""One command a stage: the same work as `stellarfm run`, step by step and without Prefect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stellarfm.commands.options import DEFAULT_HOME, Config, Home, Json, Set
from stellarfm.commands.printing import print_facts, print_json, print_table, print_text

if TYPE_CHECKING:
    from stellarfm.config import Settings
    from stellarfm.stages.ingest import Prospect

ROLES = ("stars to publish for", "stars to learn from")
"""What the roles of a selection are called, in the order of `stellarfm.stages.roles.each_role`."""


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
    from stellarfm.stages.roles import each_role

    chosen = [f"archive.{key}={value}" for key, value in (("name", archive), ("path", path)) if value is not None]
    settings = load_settings(config, [*(set_ or []), *chosen])
    if dry_run:
        return print_prospect(settings, home, as_json=as_json)
    folder = Folder.open(home)
    with folder.lock():
        snapshots = [stage(*role) for role in each_role(settings, folder)]
    if as_json:
        return print_json(_with_learning([vars(snapshot) for snapshot in snapshots]))
    for snapshot, role in zip(snapshots, ROLES, strict=False):
        heading = {role: ""} if len(snapshots) > 1 else {}
        facts = {"landing": folder.landing / snapshot.archive, **snapshot.rows}
        missing = {
            f"{table}, not given": f"{rows:,} (missing/{table}.parquet)" for table, rows in snapshot.missing.items()
        }
        print_facts(heading | facts | missing)
    return None


def print_prospect(settings: "Settings", path: Path, *, as_json: bool, use_champion: bool = False) -> None:
    """Print what an ingest would bring and what it would ask for; nothing but counts is asked.

    Parameters
    ----------
    settings
        Which stars, from where.
    path
        Home folder; it is not made.
    as_json
        Print an object with ``expected``, ``queries`` and ``warnings``; the same of the stars to learn from, where they are
        others, in ``learning``.
    use_champion
        Nothing is to be learned: say nothing of stars to learn from.
    """
    from stellarfm.home import Home as Folder
    from stellarfm.stages.ingest import look_ahead
    from stellarfm.stages.roles import each_role

    roles = each_role(settings, Folder(path.expanduser().absolute()))[: 1 if use_champion else None]
    prospects = [look_ahead(*role) for role in roles]
    if as_json:
        return print_json(_with_learning([_prospect_as_dict(found) for found in prospects]))
    for found, role in zip(prospects, ROLES, strict=False):
        _print_prospect(found, role if len(prospects) > 1 else "")
    return None


def _prospect_as_dict(found: "Prospect") -> dict[str, Any]:
    listed = [vars(query) for query in found.queries]
    return {"expected": found.expected.to_dict(), "queries": listed, "warnings": found.expected.warnings}


def _print_prospect(found: "Prospect", title: str) -> None:
    print_table(["expected", "number", "how it is known"], found.expected.lines(), title=title)
    for warning in found.expected.warnings:
        print_text(f" {warning}", heading="WARNING", soft_wrap=True)
    print_text()
    for query in found.queries:
        rows = "" if query.rows is None else f"  {query.rows:,} rows"
        print_text(f" {query.part}{rows}\n  {query.text}", heading=query.table, soft_wrap=True)


def _with_learning(roles: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is said of the stars to publish for, with that of those to learn from below its own key."""
    return roles[0] if len(roles) == 1 else {**roles[0], "learning": roles[1]}


def prepare(home: Home = DEFAULT_HOME, config: Config = None, set_: Set = None, as_json: Json = False) -> None:
    """Build the warehouse from the landing: staging, crossmatch, marts, checks.

    Example: stellarfm prepare
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.prepare import prepare as stage
    from stellarfm.stages.roles import each_role

    settings, folder = load_settings(config, set_ or []), Folder.open(home)
    with folder.lock():
        made = [(stage(*role), role[1].warehouse) for role in each_role(settings, folder)]
    if as_json:
        return print_json(_with_learning([{**vars(prepared), "docs": prepared.docs} for prepared, _ in made]))
    for (prepared, warehouse), role in zip(made, ROLES, strict=False):
        heading = {role: ""} if len(made) > 1 else {}
        facts = {"warehouse": warehouse, "checks": prepared.docs, "set aside": prepared.quarantined_rows}
        print_facts(heading | facts)
    return None


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
