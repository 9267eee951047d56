"""What the soak programs share: one small product, made stage by stage in processes of its own that may be killed or starved.

The stages are run in forks of one process that has imported everything, so that a trial takes seconds.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stellarfm.config import Settings, load_settings
from stellarfm.errors import StellarError
from stellarfm.home import Home

SOURCE = Path(__file__).with_name("watch.c")
STAGES = ("ingest", "prepare", "train", "evaluate", "promote", "publish")
SIZE_MB = 200
SMALL = (
    "archive.num_stars=1000",
    "training.max_steps=12",
    "training.checkpoint_every=4",
    "gate.max_teff_scatter_ratio=1000",
    "gate.min_coverage_68=0",
    "warehouse.threads=1",
)


def preload() -> None:
    """Start this program again with the watch in front of the C library."""
    if "SOAK_WATCH" in os.environ:
        return
    library = Path(tempfile.mkdtemp(prefix="stellarfm-soak-")) / "watch.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    quiet = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "TQDM_DISABLE": "1"}
    os.environ |= {"LD_PRELOAD": str(library), "SOAK_WATCH": str(library), **quiet}
    main = sys.modules["__main__"].__spec__
    assert main is not None, "it is started with python -m"
    os.execv(sys.executable, [sys.executable, "-m", main.name, *sys.argv[1:]])


def settings() -> Settings:
    """Return the settings of the small product."""
    return load_settings(None, SMALL)


def run_stage(stage: str, home: Home) -> None:
    """Run one stage as the commands do."""
    from stellarfm.stages.evaluate import evaluate
    from stellarfm.stages.ingest import ingest
    from stellarfm.stages.prepare import prepare
    from stellarfm.stages.promote import promote
    from stellarfm.stages.publish import publish
    from stellarfm.stages.train import train

    chosen = settings()
    if stage == "ingest":
        ingest(chosen, home)
    elif stage == "prepare":
        prepare(chosen, home)
    elif stage == "publish":
        publish(chosen, home)
    else:
        run = train(chosen, home)
        if stage != "train":
            evaluation = evaluate(chosen, home, run)
            if stage == "promote":
                promote(chosen, home, run, evaluation)


def import_all() -> None:
    """Import what the stages import inside of functions, once for all forks."""
    import mlflow.pyfunc  # noqa: F401
    import torch

    import stellarfm.catalog.reader
    import stellarfm.cli
    import stellarfm.commands.run
    import stellarfm.interface
    import stellarfm.model.foundation
    import stellarfm.model.training
    import stellarfm.stages.promote
    import stellarfm.stages.publish  # noqa: F401

    torch.set_num_threads(1)


@dataclass(frozen=True)
class Ended:
    """How a fork ended: its exit status (negative: the signal) and what it said."""

    status: int
    said: str

    @property
    def sentence(self) -> str:
        """The last line that is no progress bar."""
        lines = [line for line in self.said.splitlines() if line.strip() and "━" not in line]
        return lines[-1] if lines else ""


def in_fork(
    work: Callable[[], Any], *, log: Path | None = None, home: Path, kill: int = 0, after: bool = False
) -> Ended:
    """Do work in a fork that is watched, and killed at the call of a number, and return how it ended."""
    said = tempfile.NamedTemporaryFile("r", prefix="stellarfm-soak-", suffix=".txt")  # noqa: SIM115  read after the fork
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            place = os.open(said.name, os.O_WRONLY)
            os.dup2(place, 1)
            os.dup2(place, 2)
            arm = ctypes.CDLL(None).soak_arm
            arm(str(home).encode(), str(log or "").encode(), ctypes.c_long(kill), int(after), ctypes.c_long(0))
            status = _sentence_of(work)
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(ended)
    with said:
        return Ended(status, said.read())


def _sentence_of(work: Callable[[], Any]) -> int:
    """Do work as the command line does: what goes wrong is one sentence."""
    from stellarfm.cli import sentence_of

    try:
        work()
    except StellarError as error:
        os.write(2, f"\nstellarfm: {error}\n".encode())
        return 1
    except Exception as error:  # noqa: BLE001  the same last door as that of the command line
        os.write(2, f"\nstellarfm: {sentence_of(error)}\n".encode())
        return 1
    return 0


class Place:
    """A home on a file system of its own that can be made small; whoever is not root gets a folder.

    Parameters
    ----------
    folder
        Where it is mounted, and copies of it are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.copies = folder / "home", folder / "copies"
        for made in (self.path, self.copies):
            made.mkdir(parents=True, exist_ok=True)
        self.is_mounted = os.geteuid() == 0
        if self.is_mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", str(self.path)], check=True)

    @property
    def home(self) -> Home:
        """The home itself."""
        return Home(self.path)

    def resize(self, size_bytes: int) -> None:
        """Give the file system another size."""
        subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(self.path)], check=True)

    def used_bytes(self) -> int:
        """Return what is taken."""
        return shutil.disk_usage(self.path).used

    def keep(self, name: str) -> None:
        """Copy the home."""
        shutil.rmtree(self.copies / name, ignore_errors=True)
        shutil.copytree(self.path, self.copies / name, symlinks=True)

    def restore(self, name: str) -> None:
        """Put a copy back in its place: MLflow knows its artifacts by their full path."""
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self.copies / name, self.path, symlinks=True, dirs_exist_ok=True)

    def close(self) -> None:
        """Take the file system away."""
        if self.is_mounted:
            subprocess.run(["umount", str(self.path)], check=True)


def make_reference(place: Place) -> tuple[dict[str, "State"], dict[str, list[str]]]:
    """Make the product unbroken; keep it before each stage, and return what is there after each and what each calls."""
    states, calls = {}, {}
    for stage in STAGES:
        place.keep(f"before-{stage}")
        log = place.copies / f"{stage}.calls"
        log.unlink(missing_ok=True)
        done = in_fork(lambda stage=stage: run_stage(stage, place.home), log=log, home=place.path)  # type: ignore[misc]
        if done.status:
            raise SystemExit(f"{stage} does not work unbroken: {done.said}")
        states[stage], calls[stage] = State.of(place.path), log.read_text().splitlines()
        place.keep(f"after-{stage}")
    return states, calls


@dataclass(frozen=True)
class State:
    """What counts in a home.

    Attributes
    ----------
    files
        Number of files of each kind, names that are drawn at random made equal.
    content
        Hashes of tables, weights, figures and catalogue, and who is champion.
    """

    files: Counter[str]
    content: dict[str, Any]

    @classmethod
    def of(cls, path: Path) -> "State":
        """Look at a home."""
        files = Counter(kind(str(file.relative_to(path))) for file in path.rglob("*") if not file.is_dir())
        return cls(files, _content(path))

    def difference(self, other: "State") -> str:
        """Return how another home differs, "" if it does not."""
        added, lost = other.files - self.files, self.files - other.files
        changed = {k for k in self.content.keys() | other.content.keys() if self.content.get(k) != other.content.get(k)}
        parts = [("left", list(added)), ("missing", list(lost)), ("changed", sorted(changed))]
        return "; ".join(f"{what}: {', '.join(names[:4])}" for what, names in parts if names)


def kind(name: str) -> str:
    """Return a path in the home without what differs from run to run or is one of many."""
    name = re.sub(r"/__none__/[^/]+/", "/__none__/*/", name)
    name = re.sub(r"\b(staging|marts|crossmatch)([./])\w+", r"\1\2TABLE", name)
    name = re.sub(r"(landing/[^/]+)/[a-z_]+/", r"\1/TABLE/", name)
    name = re.sub(r"\b(m-)?[0-9a-f]{32}\b", "*", name)
    name = re.sub(r"\b[0-9a-f]{16}\b", "KEY", name)
    name = re.sub(r"(r\d+|evaluation|trees)-[0-9a-f]{8}\b", r"\1-KEY", name)
    name = re.sub(r"/\.tmp\w{6}\b", "/.tmp*", name)  # of safetensors
    return re.sub(r"step-\d{9}", "step-N", name)


def _content(path: Path) -> dict[str, Any]:
    from stellarfm.atomic import file_hash

    content: dict[str, Any] = {}
    for pattern in ("landing/*/*/*.parquet", "runs/*/model/*", "runs/*/*/metrics.json"):
        content |= {f"{file.parent.name}/{file.name}": file_hash(file) for file in path.glob(pattern)}
    for file, key in (
        (path / "warehouse.json", "training_set_hash"),
        (path / "releases/latest/release.json", "content_hash"),
    ):
        with contextlib.suppress(OSError, ValueError):
            content[key] = json.loads(file.read_text()).get(key)
    log = path / "promotions.jsonl"
    content["promotions"] = len(log.read_text().splitlines()) if log.is_file() else 0
    return content
