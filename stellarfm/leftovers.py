"""What runs that ended early leave in a home, and its removal."""

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from stellarfm.atomic import PARTIAL
from stellarfm.home import Home
from stellarfm.progress import tell


@dataclass(frozen=True)
class Unfinished:
    """A training that was ended before its last step.

    Attributes
    ----------
    folder
        Its hidden folder in ``runs``.
    key
        Key of its training run.
    step
        Step of its newest checkpoint, 0 if it has none.
    """

    folder: Path
    key: str
    step: int


def unfinished_trainings(home: Home) -> Iterator[Unfinished]:
    """Find the trainings of a home that were ended early."""
    for folder in sorted(home.runs.glob(f".*{PARTIAL}")):
        steps = [int(checkpoint.name.partition("-")[2]) for checkpoint in folder.glob("checkpoints/step-*")]
        yield Unfinished(folder, folder.name[1 : -len(PARTIAL)], max(steps, default=0))


def forget_unfinished(home: Home, kept: str = "") -> list[Unfinished]:
    """Remove the trainings of other settings that were ended early, and say so; whoever calls this holds the home.

    Parameters
    ----------
    home
        The home.
    kept
        Key of a training to leave.
    """
    left = [found for found in unfinished_trainings(home) if found.key != kept]
    for found in left:
        steps = f"at step {found.step:,}" if found.step else "before its first checkpoint"
        tell(f"removed a training of other settings that was ended {steps}: runs/{found.key}")
        shutil.rmtree(found.folder)
    return left


def forget_checks(home: Home, current: Collection[str]) -> None:
    """Remove the checks of warehouses that are no more; those of releases and the last that failed stay.

    Parameters
    ----------
    home
        The home; whoever calls this holds it.
    current
        Names of the checks of the warehouses that there are.
    """
    releases = {path.name for path in home.releases.glob("r*-*")}
    for folder in home.checks.glob("*"):
        if folder.is_dir() and folder.name not in {*releases, *current, "failed"}:
            shutil.rmtree(folder)
