"""The command line: one command for the whole product, one a stage, and groups for what was made."""

import atexit
import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from stellarfm import __version__
from stellarfm.address_space import fit_address_space
from stellarfm.commands.catalog import catalog_app
from stellarfm.commands.checks import checks_app
from stellarfm.commands.crossmatch import crossmatch
from stellarfm.commands.doctor import doctor
from stellarfm.commands.models import model_app
from stellarfm.commands.options import DEFAULT_HOME, Config, Home, Json, Set
from stellarfm.commands.predict import predict
from stellarfm.commands.sky import sky_app
from stellarfm.commands.stages import evaluate, ingest, prepare, print_prospect, promote, publish, train
from stellarfm.commands.survey import survey_app
from stellarfm.commands.vocabularies import vocabulary_app
from stellarfm.errors import StellarError
from stellarfm.integrity import is_damage, is_full_disk
from stellarfm.processes import end_in_order_when_terminated

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From sky surveys to a published catalogue of stellar parameters.",
)


def _show_version(asked: bool) -> None:
    """Print the version, before anything else is asked for."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """From sky surveys to a published catalogue of stellar parameters."""


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would come, how large and how long; make nothing.")
    ] = False,
    use_champion: Annotated[
        bool,
        typer.Option("--use-champion", help="Train nothing: publish for this selection with the champion as it is."),
    ] = False,
    home: Home = DEFAULT_HOME,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Make the whole product: sky, warehouse, checks, model, catalogue. What is made already is kept.

    Example: stellarfm run --set archive.num_stars=20000
    """
    if dry_run:
        from stellarfm.config import load_settings

        settings = load_settings(config, set_ or [])
        return print_prospect(settings, home, as_json=as_json, use_champion=use_champion)
    from stellarfm.commands.run import run_product

    return run_product(home, config, set_ or [], as_json=as_json, use_champion=use_champion)


for command in (ingest, prepare, train, evaluate, promote, publish, crossmatch, predict, doctor):
    app.command()(command)
app.add_typer(model_app, name="model")
app.add_typer(catalog_app, name="catalog")
app.add_typer(checks_app, name="checks")
app.add_typer(vocabulary_app, name="vocabulary")
app.add_typer(sky_app, name="sky")
app.add_typer(survey_app, name="survey")


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a StellarError becomes one sentence on stderr and exit code 1."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        return app(words)
    except StellarError as error:
        sentence = str(error)
        _trace(words)
    except MemoryError as error:
        sentence = (
            f"there is not enough memory ({error or 'none is left'}); use fewer rows, or a machine or a limit with more"
        )
        _trace(words)
    except Exception as error:  # noqa: BLE001  the last door: whatever it is, a person gets one sentence
        sentence = sentence_of(error)
        _trace(words)
    typer.echo(f"stellarfm: {sentence}", err=True)
    raise SystemExit(1)  # outside of the handlers, so that the error's frames let go of their connections first


def sentence_of(error: Exception) -> str:
    """Return an error that no one has foreseen as one sentence, with the way out where there is one."""
    if is_full_disk(error):
        return f"there is no space left on the disk ({error}); make room and run the same again: what is complete stays"
    if is_damage(error):
        return f"a database is damaged ({error}); `stellarfm doctor --repair` says which, and what can be done"
    return f"unexpected {type(error).__name__}: {error}; `stellarfm --debug …` shows where it happened"


def _trace(words: list[str]) -> None:
    """Print the traceback of the present error if it was asked for."""
    if "--debug" in words:
        import traceback

        traceback.print_exc()


def run_process() -> None:
    """Be the process `stellarfm`: run the command line and end as soon as all exit handlers have run.

    Python is not left to take itself down. It costs every command tens of milliseconds, and where daemon threads of
    Prefect's hold DuckDB's types, DuckDB's binding prints a page about each of them.
    """
    code = 0
    fit_address_space()
    end_in_order_when_terminated()
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # whoever read our results has enough
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run_process()
