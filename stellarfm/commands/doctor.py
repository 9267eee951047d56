"""`stellarfm doctor`: is this machine ready, and if not, what to do."""

import os
import shutil
import sys
from dataclasses import asdict, dataclass, replace
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
    """Look at versions, settings, memory, disk, device and dust map; of what lies outside, only named servers are asked.

    Example: stellarfm doctor --repair
    """
    if repair:
        from stellarfm.commands.repair import repair_home

        return repair_home(home, as_json=as_json)
    found = [*_packages(), *_settings(), *_machine(home), *_servers()]
    # a remedy is for what is wrong
    inspections = [replace(one, advice="") if one.ok else one for one in found]
    if as_json:
        print_json([asdict(inspection) for inspection in inspections])
    else:
        print_table(["", "what", "found"], [["ok" if one.ok else "look", one.what, one.value] for one in inspections])
        for one in inspections:
            if not one.ok:
                print_text(f": {one.advice}", heading=f"\n{one.what}", soft_wrap=True)
        print_text()
    wrong = [inspection for inspection in inspections if not inspection.ok]
    if wrong:
        need = "thing needs" if len(wrong) == 1 else "things need"
        raise StellarError(f"{len(wrong)} {need} a look: {', '.join(one.what for one in wrong)}")
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


def _settings() -> list[Inspection]:
    """Look at the variables and the settings file of this folder, and at the dust map that they name."""
    from stellarfm.config import load_settings, unknown_variables

    misspelt = [
        Inspection(sentence.split()[3], "sets nothing", False, f"{sentence}; correct its name or unset it")
        for sentence in unknown_variables()
    ]
    if misspelt:
        return misspelt
    try:
        settings = load_settings()
    except StellarError as error:
        return [Inspection("settings", "not valid", False, str(error))]
    return [Inspection("settings", "valid", True), _dust_map(settings.extinction.map)]


def _dust_map(name: str) -> Inspection:
    from stellarfm.dust.maps import DUSTMAPS, MAP_NAMES, find_map

    if not name:
        return Inspection("dust map", "none named; Bayestar's download is broken since August 2026", True)
    try:
        find_map(name)
    except StellarError as error:
        later = DUSTMAPS[name.partition(":")[2]].remedy if name in MAP_NAMES and name.startswith("dustmaps:") else ""
        return Inspection("dust map", name, False, str(error) if later in str(error) else f"{error}; its data: {later}")
    return Inspection("dust map", f"{name}, its data are here", True)


def _servers() -> list[Inspection]:
    """Ask the servers that the environment names for a sign of life."""
    from stellarfm.home import TRACKING_VARIABLE
    from stellarfm.servers import FLOWS_VARIABLE, named_server, refuse_silent_flows, refuse_silent_tracking

    looked_at = (
        ("prefect server", FLOWS_VARIABLE, refuse_silent_flows, "a temporary one for each run"),
        ("mlflow store", TRACKING_VARIABLE, refuse_silent_tracking, "sqlite in the home"),
    )
    inspections = []
    for what, variable, refuse, otherwise in looked_at:
        value, advice = public_url(named_server(variable)) or f"{otherwise} (no {variable})", ""
        try:
            refuse()
        except StellarError as error:
            advice = str(error)
        inspections.append(Inspection(what, value, not advice, advice))
    return inspections
