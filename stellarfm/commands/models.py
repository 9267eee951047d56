"""`stellarfm model`: the registry."""

from pathlib import Path
from typing import Annotated

import typer

from stellarfm.commands.options import DEFAULT_HOME, Home, Json
from stellarfm.commands.printing import print_json, print_table, print_text

model_app = typer.Typer(no_args_is_help=True, help="The registry of models: list, promote, roll back, import.")


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
    shown = ("vocabulary", "preset", "teff_scatter", "gate")
    return print_table(
        ["version", "champion", *shown],
        [[v.version, "yes" if v.champion else "", *(v.tags.get(name, "") for name in shown)] for v in versions],
    )


@model_app.command()
def promote(
    version: Annotated[int, typer.Argument(help="Version to put into use.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the log of promotions.")] = "promoted by hand",
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Make a version the champion, whatever the gate said.

    Example: stellarfm model promote 2 --reason "better for giants"
    """
    from stellarfm.home import Home as Folder
    from stellarfm.registry import Registry

    folder = Folder.open(Folder.at(home).path)
    with folder.lock():
        chosen = Registry(folder).promote(version, reason)
    if as_json:
        return print_json(vars(chosen))
    return print_text(f"version {chosen.version} is champion now")


@model_app.command()
def rollback(home: Home = DEFAULT_HOME, as_json: Json = False) -> None:
    """Go back to the champion before the present one.

    Example: stellarfm model rollback
    """
    from stellarfm.home import Home as Folder
    from stellarfm.registry import Registry

    folder = Folder.open(Folder.at(home).path)
    with folder.lock():
        chosen = Registry(folder).rollback()
    if as_json:
        return print_json(vars(chosen))
    return print_text(f"version {chosen.version} is champion again")


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
    return print_text(f"registered as version {version.version}" + (", the champion" if version.champion else ""))
