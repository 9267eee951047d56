"""Quality in time: the validation likelihood of two presets against minutes of training, and a plot of both curves.

The whole comparison of the paper's own recipe (60 minutes) with the preset `default` (6 minutes), after
``stellarfm prepare`` has made the training set of a home::

    python -m tests.benchmarks.quality --home stellarfm-home --run paper=60 --run default=6 --plot quality.png

and the accuracy that the preset `default` has after 30 minutes::

    python -m tests.benchmarks.quality --home stellarfm-home --run default=30 --accuracy

Hours apart, the first with ``--record FOLDER`` and the second with ``--earlier`` and its record, draw one plot as well.
The schedule of the paper's recipe is as long as published; that of the others ends with the minutes given. Nothing else
should run beside it. With ``--processor-time`` the minutes are those of this process on all its threads, shared by their
number: other programs then change little, and what does not run on all threads is counted as less than it takes.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from stellarfm.evaluation.tasks import answer
from stellarfm.home import Home
from stellarfm.model.device import choose_device
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import PRESETS, StarNetwork
from stellarfm.model.optimiser import Trainer
from stellarfm.model.presets import TRAINING_PRESETS
from stellarfm.model.rows import Rows
from stellarfm.model.sampler import Sampler
from stellarfm.model.scaling import RobustScaler
from stellarfm.model.token_table import TokenTable
from stellarfm.model.training import validation_tasks
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import Vocabulary, load_vocabulary
from stellarfm.warehouse.connection import connect
from tests.benchmarks.records import print_table, write_record

LOOKS = 40
TRIAL_STEPS = 20


@dataclass(frozen=True)
class World:
    """The stars of a home, and on what they are trained."""

    train: TokenTable
    validation: TokenTable
    test: TokenTable
    vocabulary: Vocabulary
    scaler: RobustScaler
    device: torch.device


def main() -> None:
    """Train, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("stellarfm-home"), help="has a prepared warehouse")
    parser.add_argument("--run", action="append", required=True, metavar="PRESET=MINUTES", help="may be repeated")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--accuracy", action="store_true", help="add the scatter of labels on held-out stars")
    parser.add_argument("--plot", type=Path, help="file for the curves")
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="records whose curves the plot shows too")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    parser.add_argument(
        "--processor-time", action="store_true", help="count the time of the processors, not the clock's"
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    clock = processor_time if options.processor_time else time.perf_counter
    world = read_world(options.home, choose_device(options.device))
    rows: list[dict[str, Any]] = []
    for run in options.run:
        preset, _, minutes = run.partition("=")
        trainer, curve = train_for(preset, 60 * float(minutes), world, clock)
        last = {"preset": preset, "minutes": float(minutes), "steps": trainer.step_number, **curve[-1]}
        rows.append({**last, **(accuracy(trainer, world) if options.accuracy else {}), "curve": curve})
    if options.plot:
        before = [row for record in options.earlier for row in json.loads(record.read_text())["figures"]]
        draw(before + rows, options.plot)
    if options.record:
        write_record(options.record, f"quality-{options.device}", rows)
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        print_table([{name: value for name, value in row.items() if name != "curve"} for row in rows])


def read_world(home: Path, device: torch.device) -> World:
    """Read the training set of a home."""
    vocabulary = load_vocabulary("leung_bovy")
    with connect(Home.open(home).warehouse, read_only=True) as con:
        train, validation, test = (
            read_tokens(con, f"(from marts.training_set where split = '{split}' order by source_id)", vocabulary)
            for split in ("train", "validation", "test")
        )
    return World(train, validation, test, vocabulary, RobustScaler.of(train), device)


def train_for(
    preset: str, seconds: float, world: World, clock: Callable[[], float] = time.perf_counter
) -> tuple[Trainer, list[dict[str, float]]]:
    """Train a preset for a time, looks at the validation stars not counted; return it with the curve of its looks."""
    steps = TRAINING_PRESETS["paper"].max_steps
    if preset != "paper":  # its one cosine must end with the time
        trial = make_trainer(preset, TRIAL_STEPS, world)
        trial.step()
        started = clock()
        for _ in range(TRIAL_STEPS - 1):
            trial.step()
        float(trial.step())
        steps = max(2, int(seconds * TRIAL_STEPS / (clock() - started)))
    trainer = make_trainer(preset, steps, world)
    tasks = validation_tasks(world.validation, world.scaler, world.vocabulary, world.device)
    curve: list[dict[str, float]] = []
    spent = 0.0
    while spent < seconds and trainer.step_number < steps:
        started = clock()
        float(trainer.step())
        spent += clock() - started
        is_last = spent >= seconds or trainer.step_number == steps
        if is_last or spent >= (len(curve) + 1) * seconds / LOOKS:
            trainer.swap_average()
            loss = trainer.validation_loss(tasks)
            if not is_last:
                trainer.swap_average()
            curve.append({"minutes_spent": round(spent / 60, 3), "validation_loss": round(loss, 4)})
    return trainer, curve


def processor_time() -> float:
    """Return seconds of work of this process, shared by its threads."""
    return time.process_time() / torch.get_num_threads()


def make_trainer(preset: str, steps: int, world: World) -> Trainer:
    """Return a preset ready to step."""
    torch.manual_seed(7)
    settings = replace(TRAINING_PRESETS[preset], max_steps=steps)
    rows = Rows(world.train, world.scaler, world.device, settings.sampler.hold)
    sampler = Sampler(rows, world.vocabulary, settings.sampler, settings.seed)
    network = StarNetwork(PRESETS[preset], len(world.vocabulary)).to(world.device)
    return Trainer(network, sampler, settings.optimiser, steps)


def accuracy(trainer: Trainer, world: World) -> dict[str, float]:
    """Return scatter and coverage of the first task on held-out stars, against the labels as they were measured."""
    model = FoundationModel(trainer.network, world.vocabulary, world.scaler, str(world.device))
    scores = answer(model, world.vocabulary.tasks[0], world.test, world.vocabulary).scores
    figures = {f"{name}_scatter": round(score.scatter, 4) for name, score in scores.items()}
    return figures | {f"{name}_coverage_68": round(score.coverage_68, 3) for name, score in scores.items()}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Plot the curves."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(7, 4.5), layout="constrained").add_subplot(
        xscale="log", xlabel="training time [min]", ylabel="validation negative log likelihood"
    )
    for row in rows:
        minutes, losses = zip(*(look.values() for look in row["curve"]), strict=True)
        axes.plot(minutes, losses, marker=".", label=f"{row['preset']}: {losses[-1]:.3f}")
    axes.axhline(rows[0]["validation_loss"], color="0.7", lw=0.8)
    axes.legend(frameon=False)
    axes.figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
