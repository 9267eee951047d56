"""`stellarfm doctor --repair`: everything that is wrong with a home, mended where that can be done, and listed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from stellarfm.commands.printing import print_json, print_table, print_text
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.repair import Fault, find_faults


def repair_home(path: Path, *, as_json: bool) -> None:
    """Mend a home and list what was done.

    Raises
    ------
    StellarError
        If there is no home, a run is at work on it, or something can only be mended by a person.
    """
    if not path.is_dir():
        raise StellarError(f"there is no home {path} to repair; `stellarfm run` makes one, --home names another")
    home = Home.open(path)
    with home.lock(sweep=False):  # what lies half made is to be listed first
        faults = []
        for fault in find_faults(home):
            if fault.mend is not None:
                fault.mend()
            faults.append(fault)
        faults += _dead_runs(home)
    _tell(faults, path, as_json=as_json)
    left = [fault for fault in faults if fault.is_open]
    if left:
        raise StellarError(f"{len(left)} of {len(faults)} things remain, first {left[0].what}: {left[0].cure}")


def _tell(faults: list[Fault], path: Path, *, as_json: bool) -> None:
    if as_json:
        return print_json([{"what": f.what, "done": f.mend is not None, "cure": f.cure} for f in faults])
    if not faults:
        return print_text(f"nothing is wrong with {path}")
    return print_table(["what was wrong", "what was done"], [[f.what, f.cure] for f in faults])


def _dead_runs(home: Home) -> list[Fault]:
    """Mark flow runs that killed runs left running; Prefect is started only where there are any."""
    database = home.path / "prefect" / "prefect.db"
    if not database.is_file() or not _says_running(database):
        return []
    from flows.server import TemporaryServer

    server = TemporaryServer(database.parent)
    from flows.dead_runs import mark_dead_runs

    server.wait()
    number = mark_dead_runs(home)
    return [Fault(f"{number} flow runs say that they are running", "marked as crashed", int)] if number else []


def _says_running(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(database)) as con:
            return bool(con.execute("select 1 from flow_run where state_type in ('RUNNING', 'PENDING')").fetchone())
    except sqlite3.DatabaseError:
        return False  # a damaged one is begun anew by the next run
