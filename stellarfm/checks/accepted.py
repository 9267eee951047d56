"""The accepted snapshot: the statistics that later ones are compared with, kept as JSON in the home's checks."""

import json
from datetime import UTC, datetime
from pathlib import Path

from stellarfm.atomic import write_json
from stellarfm.checks.drift import DRIFT_SUFFIX, Statistics
from stellarfm.checks.report import CheckReport
from stellarfm.errors import StellarError

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


def accept(folder: Path, report: CheckReport, origin: str) -> None:
    """Make a report the one that later ones are compared with; tables that it does not have stay as they were.

    Parameters
    ----------
    folder
        Folder of the home's checks.
    report
        What was found.
    origin
        Hash of the landing, or name of the checks, that it comes from.

    Raises
    ------
    StellarError
        If critical rules failed that are no drift: what is broken is no measure for what comes.
    """
    broken = [f"{t.table}: {f.rule}" for t in report.tables for f in t.critical if not f.rule.endswith(DRIFT_SUFFIX)]
    if broken or (report.error and not any(table.critical for table in report.tables)):
        raise StellarError(
            f"the last checks failed for more than a drift ({broken[0] if broken else report.error}), "
            "so they cannot be accepted; mend the table and run `stellarfm prepare` again"
        )
    tables = read_accepted(folder) | report.statistics
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / ACCEPTED_FILE, {"origin": origin, "accepted_at": now, "tables": tables})
