"""What tests share: the real rows beside the checkout, and one small product made through the command line."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["tests.archives_fixture"]

_exit_status: list[int] = []

_SHARED = {
    "archives": ("tests/deployment/", "tests/stellarfm/archives/"),
    "product": ("tests/flows/test_product.py", "tests/stellarfm/test_cli.py", "tests/docs/"),
}
"""Tests that share a server or a product that takes long, and so stay on one core when ``-n`` spreads the others by file."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one core, and those of `_SHARED` too: xdist 3.8 loses its own groups with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPlace(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((group for group, places in _SHARED.items() if file.startswith(places)), file)

    return ByPlace(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    """Remember how the tests ended, for `_leave`."""
    _exit_status.append(int(exitstatus))


@atexit.register
def _leave() -> None:
    """End the process before Python takes DuckDB's binding down, which would print a page about what is still alive.

    Registered before anything that a test imports, this runs after all of it.
    """
    if _exit_status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status[-1])


REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

SMALL = {
    "archive.num_stars": 2000,
    "training.max_steps": 40,
    "gate.open": "true",
}
"""Settings of a product that is made in seconds; its model is far from good, so the gate is open."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real rows and reference figures beside the checkout; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real rows and reference figures is not here")
    return SHARED


@pytest.fixture(autouse=True)
def _forget_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put MLFLOW_TRACKING_URI back after each test: `mlflow.set_tracking_uri`, in a code block of the docs, writes it there."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


Command = Callable[..., "subprocess.CompletedProcess[str]"]


def small_settings() -> list[str]:
    """The settings above as options of a command."""
    return [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]


def environment(folder: Path, looked_up: Path | None = None) -> dict[str, str]:
    """A clean environment with its own home of Prefect; look-ups of names go into a file if one is given."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("STELLARFM_", "PREFECT_", "MLFLOW_"))
    }
    env |= {"HOME": str(folder), "COLUMNS": "120", "OMP_NUM_THREADS": "2"}
    if looked_up is not None:
        path = os.pathsep.join([str(REPOSITORY / "tests" / "watch"), env.get("PYTHONPATH", "")])
        env |= {"PYTHONPATH": path, "STELLARWATCH": str(looked_up)}
    return env


def start(arguments: Sequence[str], folder: Path, looked_up: Path | None = None) -> "subprocess.Popen[str]":
    """Start the command line in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "stellarfm", *arguments],
        cwd=folder,
        env=environment(folder, looked_up),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stellarfm(
    arguments: Sequence[str], folder: Path, looked_up: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a folder and return what it said."""
    process = start(arguments, folder, looked_up)
    out, err = process.communicate(timeout=280)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def succeed(arguments: Sequence[str], folder: Path) -> Any:
    """Run a command with ``--json`` and return what it printed."""
    done = stellarfm([*arguments, "--json"], folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Made:
    """A small product: the folder it was made in, the home, what the terminal showed and which names were looked up."""

    folder: Path
    home: Path
    terminal: str
    looked_up: tuple[str, ...]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One `stellarfm run` on a small sky in an empty folder."""
    folder = tmp_path_factory.mktemp("product")
    looked_up = folder / "looked-up.txt"
    done = stellarfm(["run", *small_settings()], folder, looked_up)
    assert done.returncode == 0, done.stderr
    names = looked_up.read_text().split() if looked_up.is_file() else []
    return Made(folder, folder / "stellarfm-home", done.stdout, tuple(sorted(set(names))))
