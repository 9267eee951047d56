"""`stellarfm model`: the registry."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stellarfm.commands.options import DEFAULT_HOME, Config, Home, Json, Set
from stellarfm.commands.printing import print_facts, print_json, print_table, print_text

model_app = typer.Typer(
    no_args_is_help=True, help="The registry of models: list, show, compare, promote, roll back, import, export."
)
_MOST_ROWS = 12
"""Rows of a comparison that a terminal shows; all are in --json."""


@model_app.command("list")
def list_models(home: Home = DEFAULT_HOME, as_json: Json = False) -> None:
    """List the model versions, the newest first.

    Example: stellarfm model list
    """
    from stellarfm.home import Home as Folder
    from stellarfm.registry import Registry

    versions = Registry(Folder.at(home)).versions()
    if as_json:
        return print_json([vars(version) for version in versions])
    if not versions:
        return print_text(f"no model in {home} yet; `stellarfm run` or `stellarfm train` makes one")
    shown = ("vocabulary", "preset", "teff_scatter", "gate", "rejected")
    return print_table(
        ["version", "champion", *shown],
        [[v.version, "yes" if v.champion else "", *(v.tags.get(name, "")[:60] for name in shown)] for v in versions],
    )


@model_app.command()
def show(
    version: Annotated[str, typer.Argument(help="Number of a version, or champion.")] = "champion",
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Show what is known of a version, and what happened to it.

    Example: stellarfm model show champion
    """
    from stellarfm.champions import Champions
    from stellarfm.home import Home as Folder
    from stellarfm.registry import Registry

    registry = Registry(Folder.at(home))
    chosen = registry.version(version)
    happened = [vars(entry) for entry in Champions(registry).entries() if entry.version == chosen.version]
    if as_json:
        return print_json({**vars(chosen), "history": happened})
    print_facts({"version": chosen.version, "champion": "yes" if chosen.champion else "no", **chosen.tags})
    if happened:
        print_text()
        columns = ["at", "who", "what", "forced", "reason"]
        print_table(
            columns,
            [[e["at"], e["who"], e["action"], "yes" if e["forced"] else "", e["reason"][:80]] for e in happened],
        )
    return print_text(f"files  {chosen.folder}", soft_wrap=True)


@model_app.command()
def compare(
    candidate: Annotated[str, typer.Argument(help="The version that would come.")],
    champion: Annotated[str, typer.Argument(help="The version that would go.")] = "champion",
    home: Home = DEFAULT_HOME,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Compare two versions as the gate does; exit code 1 where it would refuse the first.

    Example: stellarfm model compare 2 1
    """
    from stellarfm.config import load_settings
    from stellarfm.home import Home as Folder
    from stellarfm.stages.promote import compare_versions

    verdict = compare_versions(
        Folder.open(Folder.at(home).path), candidate, champion, load_settings(config, set_ or []).gate
    )
    if as_json:
        print_json(verdict.to_dict())
    else:
        _print_verdict(verdict.to_dict())
    if not verdict.passed:
        raise typer.Exit(1)


def _print_verdict(verdict: dict[str, Any]) -> None:
    print_text(f" {'accepted' if verdict['passed'] else 'refused'}", heading=verdict["verdict"])
    for reason in verdict["reasons"]:
        print_text(f"  {reason}", soft_wrap=True)
    worst = sorted(verdict["rows"], key=lambda row: -row["worse_by"] / max(row["error"], 1e-12))[:_MOST_ROWS]
    if not worst:
        return
    print_text()
    columns = ["token", "figure", "where", "stars", "champion", "candidate", "worse by", "+-", ""]
    rows = [
        [
            row["token"],
            row["figure"],
            row["where"],
            f"{row['num_stars']:,}",
            f"{row['champion']:.3g}",
            f"{row['candidate']:.3g}",
            f"{row['worse_by']:+.3f}",
            f"{row['error']:.3f}",
            "WORSE" if row["is_worse"] else "",
        ]
        for row in worst
    ]
    print_table(columns, rows, title=f"the {len(worst)} figures of {len(verdict['rows'])} that speak most against it")


@model_app.command()
def promote(
    version: Annotated[int, typer.Argument(help="Version to put into use.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "approved by hand",
    force: Annotated[bool, typer.Option("--force", help="Whatever the gate says; needs a reason.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Make a version that passed the gate the champion; any other by force.

    Example: stellarfm model promote 2 --force --reason "better for giants"
    """
    from stellarfm.home import Home as Folder
    from stellarfm.stages.promote import promote_by_hand

    chosen = promote_by_hand(Folder.open(Folder.at(home).path), version, reason, force=force)
    if as_json:
        return print_json(vars(chosen))
    return print_text(f"version {chosen.version} is champion now")


@model_app.command()
def rollback(
    to: Annotated[int | None, typer.Option(help="Earlier champion to go back to; the one before if not given.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "rolled back by hand",
    vocabulary: Annotated[
        str | None, typer.Option(help="Vocabulary whose champion goes; that of `champion` if not given.")
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Go back to an earlier champion; no run promotes what is left behind again.

    Example: stellarfm model rollback --reason "metal-poor stars are off"
    """
    from stellarfm.champions import Champions, line_of
    from stellarfm.home import Home as Folder
    from stellarfm.registry import CHAMPION, Registry

    registry = Registry(Folder.open(Folder.at(home).path))
    line = vocabulary or line_of(registry.version(CHAMPION))
    chosen = Champions(registry).rollback(line, to, reason)
    if as_json:
        return print_json(vars(chosen))
    return print_text(f"version {chosen.version} is champion again; `stellarfm publish` makes its catalogue")


@model_app.command()
def pin(
    off: Annotated[bool, typer.Option("--off", help="Let candidates replace the champion again.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Keep the present champion, whatever candidates come.

    Example: stellarfm model pin
    """
    from stellarfm.champions import Champions, line_of
    from stellarfm.home import Home as Folder
    from stellarfm.registry import CHAMPION, Registry

    registry = Registry(Folder.open(Folder.at(home).path))
    champion = registry.version(CHAMPION)
    champions = Champions(registry)
    if off:
        champions.unpin(line_of(champion))
    else:
        champions.pin(champion.version)
    if as_json:
        return print_json({"version": champion.version, "pinned": not off})
    if off:
        return print_text("candidates may replace the champion again")
    return print_text(f"version {champion.version} stays champion until `stellarfm model pin --off`")


@model_app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(help="Folder with config.json and weights.pt in the published format.")],
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Read a model in the published format of Leung & Bovy and register it.

    Example: stellarfm model import ./model_torch
    """
    from stellarfm.home import Home as Folder
    from stellarfm.stages.import_model import import_published

    version = import_published(folder, Folder.open(home))
    if as_json:
        return print_json(vars(version))
    number = version.version
    return print_text(
        f"registered as version {number}; `--model {number}` uses it, `stellarfm model promote {number} --force` with a "
        "reason makes it champion",
        soft_wrap=True,
    )


@model_app.command()
def export(
    version: Annotated[str, typer.Argument(help="Number of a version, or champion.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make: config.json and weights.pt.")],
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Write a model in the published format of Leung & Bovy; for models of the preset `paper`.

    Example: stellarfm model export champion ./model_torch
    """
    from stellarfm.home import Home as Folder
    from stellarfm.model.checkpoint import load_model
    from stellarfm.model.published import write_published
    from stellarfm.registry import Registry

    chosen = Registry(Folder.at(home)).version(version)
    write_published(folder, *load_model(chosen.folder))
    if as_json:
        return print_json({"version": chosen.version, "folder": str(folder)})
    return print_text(f"version {chosen.version} lies in {folder}", soft_wrap=True)
