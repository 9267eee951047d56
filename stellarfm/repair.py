"""What is wrong with a home, looked for in every corner of it, and mended where that can be done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stellarfm.atomic import find_partials, remove, sweep_partials
from stellarfm.catalog.reader import hidden_releases, list_catalogs
from stellarfm.home import Home
from stellarfm.integrity import DamagedError, check_seal, is_sealed, sqlite_damage
from stellarfm.landing.parts import Landing
from stellarfm.leftovers import unfinished_trainings
from stellarfm.model_copies import mend_version
from stellarfm.processes import end, servers_left
from stellarfm.registry import Registry
from stellarfm.stages.prepare import forget_warehouse, prepared_of

Mend = Callable[[], object]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a home.

    Attributes
    ----------
    what
        The thing, and how it is known.
    cure
        What is done about it, or what a person must do.
    mend
        Does it; None where only a person can.
    """

    what: str
    cure: str
    mend: Mend | None = None
    is_open: bool = False
    """Whether it stays wrong until a person does something."""


def find_faults(home: Home) -> Iterator[Fault]:
    """Look at every file of a home that counts, whole, and at what killed runs left; nothing is changed.

    Yields
    ------
    Fault
        In the order in which they should be mended: what others are made from first.
    """
    yield from _leftovers(home)
    yield from _landing(home)
    yield from _warehouse(home)
    yield from _warehouse(home.for_learning)
    yield from _runs(home)
    yield from _registry(home)
    yield from _releases(home)
    yield from _servers(home)


def _leftovers(home: Home) -> Iterator[Fault]:
    for path in find_partials(home.path):
        yield Fault(f"{path}, half made by a run that was killed", "removed", partial(sweep_partials, home.path))
    for found in unfinished_trainings(home):
        yield Fault(
            f"{found.folder}, a training that was ended at step {found.step:,}",
            "kept: the same settings go on with it, `stellarfm run` with others removes it",
        )
    releases = {path.name for path in home.releases.glob("r*-*")}
    for checks in home.checks.glob("r*-*"):
        if checks.name not in releases:
            yield Fault(f"{checks}, checks of a release that is no more", "removed", _removal(checks))


def _landing(home: Home) -> Iterator[Fault]:
    for folder in sorted(path for path in home.landing.glob("*") if path.is_dir()):
        landing = Landing(home.landing, folder.name)
        for error in landing.damaged():
            cure = "its manifest is withdrawn: the next `stellarfm ingest` or `run` fetches the part anew"
            yield Fault(_words(error), cure, partial(landing.mend, _in_silence))


def _warehouse(home: Home) -> Iterator[Fault]:
    try:
        if home.warehouse.is_file():
            prepared_of(home, whole=True)
    except DamagedError as error:
        cure = "its record is removed: the next `stellarfm prepare` or `run` builds it anew from the landing"
        yield Fault(_words(error), cure, partial(forget_warehouse, home))


def _runs(home: Home) -> Iterator[Fault]:
    for folder in sorted(path for path in home.runs.glob("*/*") if path.name.startswith(("evaluation-", "trees-"))):
        try:
            if is_sealed(folder):
                check_seal(folder, "")
        except DamagedError as error:
            yield Fault(_words(error), "removed: the next run makes the figures anew", _removal(folder))


def _registry(home: Home) -> Iterator[Fault]:
    if not (home.path / "mlflow.db").is_file():
        return
    registry = Registry(home)
    try:
        orphans = registry.unregistered()
    except DamagedError as error:
        yield Fault(f"{error.path} is damaged ({error.why})", str(error).partition("); ")[2], is_open=True)
        return
    if orphans:
        yield Fault(
            f"{len(orphans)} models that were logged and never registered", "removed", registry.forget_unregistered
        )
    for run in registry.unfinished_runs():
        yield Fault(f"the run {run} in MLflow, whose process is gone", "marked as killed", partial(registry.kill, run))
    for version in registry.versions():
        wrong = mend_version(home, version, mend=False)
        for first in wrong[:1]:
            if len(wrong) == 1:
                yield Fault(
                    _words(first), "replaced by the other copy of the model", partial(mend_version, home, version)
                )
            else:
                yield Fault(_words(first), "both copies are: put one back, or train it again", is_open=True)


def _releases(home: Home) -> Iterator[Fault]:
    way_out = (
        "put back a copy; `stellarfm publish` makes it anew if its model and its warehouse are still those of today"
    )
    for error in hidden_releases(home.releases):
        yield Fault(_words(error), way_out, is_open=True)
    for catalog in list_catalogs(home.releases):
        try:
            catalog.verify()
        except DamagedError as error:
            yield Fault(_words(error), way_out, is_open=True)


def _servers(home: Home) -> Iterator[Fault]:
    folder = home.path / "prefect"
    for process in servers_left(folder):
        yield Fault(f"process {process}, a server that a killed run left", "ended", partial(end, process))
    database = folder / "prefect.db"
    if database.is_file() and (why := sqlite_damage(database)):
        yield Fault(f"{database} is damaged ({why})", "the next run begins the history of runs anew")


def _removal(path: Path) -> Mend:
    return partial(remove, path)


def _words(error: DamagedError) -> str:
    return f"{error.path} is damaged ({error.why})"


def _in_silence(_sentence: str) -> None:
    """Say nothing: the fault is listed with what was done."""
