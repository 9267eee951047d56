"""`stellarfm doctor`: is this machine ready, and if not, what to do."""

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from stellarfm.addresses import public_url
from stellarfm.commands.options import DEFAULT_HOME, Home, Json
from stellarfm.commands.printing import print_json, print_table, print_text
from stellarfm.errors import StellarError

_PACKAGES = (
    "prefect", "torch", "duckdb", "great-expectations", "mlflow", "pandas", "numpy", "pyarrow", "astropy", "gaiaxpy",
    "fastapi", "sqlalchemy",
)  # fmt: skip
_LIMITS = {"fastapi": (0, 151), "sqlalchemy": (2, 1)}
"""First versions with which Prefect 3.8 does not work."""
_MIN_FREE_GB = 2


@dataclass(frozen=True)
class Inspection:
    """One thing that was looked at."""

    what: str
    value: str
    ok: bool
    advice: str = ""


def doctor(
    home: Home = DEFAULT_HOME,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Read every file of the home, mend what is damaged or left behind, and list what was done."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at versions, memory, disk, device and servers, without asking anything outside this machine.

    Example: stellarfm doctor --repair
    """
    if repair:
        from stellarfm.commands.repair import repair_home

        return repair_home(home, as_json=as_json)
    inspections = [*_packages(), *_machine(home), _prefect_server(), _mlflow_server()]
    if as_json:
        print_json([asdict(inspection) for inspection in inspections])
    else:
        rows = [["ok" if f.ok else "look", f.what, f.value, f.advice] for f in inspections]
        print_table(["", "what", "found", "what to do"], rows)
        print_text()
    wrong = [inspection for inspection in inspections if not inspection.ok]
    if wrong:
        raise StellarError(
            f"{len(wrong)} of {len(inspections)} things need a look, first {wrong[0].what}: {wrong[0].advice}"
        )
    if not as_json:
        print_text("everything is ready; `stellarfm run` makes a catalogue")
    return None


def _packages() -> list[Inspection]:
    from importlib.metadata import PackageNotFoundError, version

    python = ".".join(map(str, sys.version_info[:3]))
    inspections = [Inspection("python", python, sys.version_info >= (3, 11), "use Python 3.11 or later")]
    for name in _PACKAGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            inspections.append(
                Inspection(name, "missing", False, "install with the versions of deployment/constraints.txt")
            )
            continue
        limit = _LIMITS.get(name)
        ok = limit is None or tuple(map(int, found.split(".")[:2])) < limit
        advice = "" if ok else f"Prefect 3.8 needs {name} below {'.'.join(map(str, limit or ()))}"
        inspections.append(Inspection(name, found, ok, advice))
    return inspections


def _machine(home: Path) -> list[Inspection]:
    import psutil
    import torch

    existing = next(folder for folder in (home.absolute(), *home.absolute().parents) if folder.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    memory_gb = psutil.virtual_memory().available / 1e9
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return [
        Inspection("device", f"{device}, {os.cpu_count()} cores", True),
        Inspection(
            "memory", f"{memory_gb:.1f} GB available", memory_gb > _MIN_FREE_GB, "close something: a run needs 2 GB"
        ),
        Inspection(
            "disk",
            f"{free_gb:.1f} GB free at {existing}",
            free_gb > _MIN_FREE_GB,
            "choose another --home: a run needs 2 GB",
        ),
        Inspection("home", str(home), os.access(existing, os.W_OK), "choose a folder that you may write with --home"),
    ]


def _prefect_server() -> Inspection:
    address = os.environ.get("PREFECT_API_URL")
    return Inspection(
        "prefect server", public_url(address or "") or "a temporary one for each run (no PREFECT_API_URL)", True
    )


def _mlflow_server() -> Inspection:
    address = os.environ.get("MLFLOW_TRACKING_URI")
    return Inspection("mlflow store", public_url(address or "") or "sqlite in the home (no MLFLOW_TRACKING_URI)", True)
