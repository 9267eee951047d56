"""The accepted snapshot: the statistics that later ones are compared with, kept as JSON in the home's checks."""

import json
from datetime import UTC, datetime
from pathlib import Path

from stellarfm.atomic import write_json
from stellarfm.checks.drift import Statistics
from stellarfm.checks.report import CheckReport

ACCEPTED_FILE = "accepted.json"


def read_accepted(folder: Path) -> dict[str, Statistics]:
    """Return the statistics of each table of the accepted snapshot; none if nothing was accepted yet.

    Parameters
    ----------
    folder
        Folder of the home's checks.
    """
    path = folder / ACCEPTED_FILE
    if not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8"))["tables"])


def accept(folder: Path, report: CheckReport, snapshot: str) -> None:
    """Make a report the one that later ones are compared with; tables that it does not have stay as they were.

    Parameters
    ----------
    folder
        Folder of the home's checks.
    report
        What was found.
    snapshot
        Hash of the landing that it was found in.
    """
    tables = read_accepted(folder) | report.statistics
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / ACCEPTED_FILE, {"snapshot_hash": snapshot, "accepted_at": now, "tables": tables})
