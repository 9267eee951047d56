"""`stellarfm run`: the whole product through Prefect, and the summary at its end."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stellarfm.address_space import refuse_small_address_space
from stellarfm.commands.printing import print_json, print_table, print_text
from stellarfm.config import Settings, load_settings
from stellarfm.evaluation.comparison import COLOUR_FIT
from stellarfm.evaluation.report import best_scores
from stellarfm.home import DEFAULT_HOME, Home
from stellarfm.leftovers import forget_unfinished
from stellarfm.servers import FLOWS_VARIABLE, named_server, refuse_silent_flows, refuse_silent_tracking
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.tokens import describe
from stellarfm.vocabulary import Vocabulary

if TYPE_CHECKING:
    from flows.product import Product, Training
    from flows.server import TemporaryServer
    from stellarfm.registry import ModelVersion


def run_product(
    path: Path, config: Path | None, overrides: list[str], *, as_json: bool, use_champion: bool = False
) -> None:
    """Run the product flow and print what it made.

    Parameters
    ----------
    path
        Home folder.
    config
        Settings file.
    overrides
        ``section.key=value`` pairs.
    as_json
        Print JSON instead of a summary.
    use_champion
        Train nothing: publish for this selection with the model that is champion.

    Raises
    ------
    StellarError
        If there is no champion to use, or a stage fails.
    """
    refuse_small_address_space()
    settings = load_settings(config, overrides)
    vocabulary = vocabulary_of(settings)
    refuse_silent_flows()
    refuse_silent_tracking()
    home = Home.open(path)
    with home.lock():  # from here on: said at once, not after the server has started, that another run is at work
        made = _run(settings, home, use_champion=use_champion)
    if as_json:
        print_json(_as_dict(made, home))
    else:
        _print_summary(made, path, vocabulary)


def _run(settings: Settings, home: Home, *, use_champion: bool) -> "Product":
    """Run the product flow on a home that is held."""
    if settings.archive.name != "simulated":
        from stellarfm.stages.ingest import source_of

        source_of(settings)  # say at once, not after the server has started, what is wrong with files or conditions
    if use_champion:
        from stellarfm.champions import champion_in_use
        from stellarfm.stages.vocabularies import vocabulary_of

        champion_in_use(home, vocabulary_of(settings).name)  # say at once that there is none
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # a failure is told once, by the command line
    server = _temporary_server(home)
    from flows.dead_runs import mark_dead_runs, tagged
    from flows.product import product

    if server is not None:
        server.wait()
    mark_dead_runs(home)
    with tagged(home):
        made = product(settings, home, use_champion=use_champion)
    forget_unfinished(home, "" if made.training is None else made.training.run.key)
    return made


def _temporary_server(home: Home) -> "TemporaryServer | None":
    """Start a server whose files lie in the home, unless one is set."""
    if named_server(FLOWS_VARIABLE):
        return None
    os.environ.pop(FLOWS_VARIABLE, None)  # an empty one, as a batch system may leave it, is none
    from flows.server import TemporaryServer

    return TemporaryServer(Path(os.environ.get("PREFECT_HOME") or home.path / "prefect"))


def _as_dict(made: "Product", home: Home) -> dict[str, Any]:
    return {
        "release": made.release.version,
        "folder": str(home.releases / made.release.version),
        "num_stars": made.release.num_stars,
        "content_hash": made.release.content_hash,
        **_of_training(made),
        "rows": made.snapshot.rows,
        "quarantined_rows": made.prepared.quarantined_rows,
        "checks": made.prepared.docs,
    }


def _in_use(training: "Training") -> "ModelVersion":
    champion = training.promotion.champion
    assert champion is not None, "a run without any champion has failed before"
    return champion


def _of_training(made: "Product") -> dict[str, Any]:
    if made.training is None:
        return {"trained": False}
    promotion, evaluation = made.training.promotion, made.training.evaluation
    return {
        "trained": True,
        "learned_from": made.training.snapshot.archive,
        "model_version": _in_use(made.training).version,
        "verdict": promotion.verdict.outcome,
        "promoted": promotion.verdict.passed,
        "reasons": promotion.verdict.reasons,
        "metrics": evaluation.metrics,
        "report": str(evaluation.folder / "report.html"),
    }


def _print_summary(made: "Product", path: Path, vocabulary: Vocabulary) -> None:
    """Say what was made, how good it is, where it lies, and what to try next."""
    folder = path / "releases" / made.release.version
    print_text(f": {made.release.num_stars:,} stars with parameters\n", heading=f"\nRelease {made.release.version}")
    print_table(["from", "rows"], [[table, f"{rows:,}"] for table, rows in made.snapshot.rows.items()])
    print_text(f"{made.prepared.quarantined_rows:,} rows were set aside by the checks\n")
    if made.training is None:
        print_text("nothing was trained: the catalogue is from the champion as it is")
    else:
        _print_training(made, made.training, path, vocabulary)
    print_text(f"\ncatalogue  {folder / 'catalog.duckdb'}", soft_wrap=True)
    print_text(f"checks     {_relative(Path(made.prepared.docs), path)}", soft_wrap=True)
    print_text(heading="\nTry next")
    for command in next_commands(path):
        print_text(f"  {command}", soft_wrap=True)
    print_text()


def next_commands(path: Path) -> list[str]:
    """Return commands that a person may copy as they are, for a home of any name."""
    program = "stellarfm" if shutil.which("stellarfm") else f"{shlex.quote(sys.executable)} -m stellarfm"
    home = "" if path == DEFAULT_HOME else f" --home {shlex.quote(str(path))}"
    commands = ('catalog query "select count(*), avg(teff) from stars"', "catalog show", "model list")
    return [f"{program} {command}{home}" for command in commands]


def _print_training(made: "Product", training: "Training", path: Path, vocabulary: Vocabulary) -> None:
    """Say what was learned from, how good the model is, and what the gate said of it."""
    if training.snapshot.archive != made.snapshot.archive:
        stars = training.snapshot.rows.get("gaia_source", 0)
        print_text(f"the model learned from others: the {stars:,} stars of APOGEE (training.stars = apogee)\n")
    _print_quality(training.evaluation.metrics, vocabulary)
    promotion = training.promotion
    verdict, version, champion = promotion.verdict, promotion.version.version, _in_use(training).version
    if champion == version:
        print_text(f"\nmodel version {version} is champion: {verdict.reasons[-1]}", soft_wrap=True)
    elif verdict.passed:
        print_text(
            f"\nmodel version {version} passed the gate and waits: `stellarfm model promote {version}` puts it into use"
        )
    else:
        print_text(f"\nmodel version {version} did not pass the gate ({verdict.outcome}):")
        for reason in verdict.reasons:
            print_text(f"  {reason}", soft_wrap=True)
        print_text(f"the catalogue is from the champion, version {champion}")
    print_text(f"\nreport     {_relative(training.evaluation.folder, path) / 'report.html'}", soft_wrap=True)


def _print_quality(metrics: dict[str, Any], vocabulary: Vocabulary) -> None:
    scores, baseline = best_scores(metrics), best_scores(metrics, COLOUR_FIT)
    rows = [
        [
            describe(vocabulary.tokens[vocabulary.index(name)]),
            f"{row['num_stars']:,}",
            f"{row['scatter']:.3g}",
            f"{baseline[name]['scatter']:.3g}" if name in baseline else "",
            f"{100 * row['coverage_68']:.0f} %",
            f"{100 * row['coverage_95']:.0f} %",
        ]
        for name, row in scores.items()
    ]
    columns = ["held-out stars", "number", "scatter", "of a fit in BP-RP", "in 68 %", "in 95 %"]
    print_table(columns, rows)


def _relative(folder: Path, path: Path) -> Path:
    """Return a folder of the home as the person named the home."""
    return path / folder.relative_to(path.absolute())
