"""The accepted snapshot: the statistics that later ones are compared with, kept as JSON in the home's checks."""

from datetime import UTC, datetime
from pathlib import Path

from stellarfm.checks.drift import DRIFT_SUFFIX, Statistics
from stellarfm.checks.report import CheckReport
from stellarfm.errors import StellarError
from stellarfm.integrity import read_record, write_record

ACCEPTED_FILE = "accepted.json"
_REMEDY = (
    "what later checks are compared with is lost; put back a copy, or remove the file: "
    "the next checks that pass are accepted then"
)


def read_accepted(folder: Path, where: str = "") -> dict[str, Statistics]:
    """Return the statistics of each table of the accepted snapshot; none if nothing was accepted yet.

    Parameters
    ----------
    folder
        Folder of the home's checks.
    where
        Condition that the stars were selected by: another selection of the sky is no drift, so each has a snapshot of its own.
    """
    path = folder / ACCEPTED_FILE
    if not path.is_file():
        return {}
    data = read_record(path, _REMEDY)
    return dict(data.get("selections", {}).get(where, {}) if where else data["tables"])


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
    # a drift alone may be accepted: to accept it is what a person decides when the change is meant
    broken = [f"{t.table}: {f.rule}" for t in report.tables for f in t.critical if not f.rule.endswith(DRIFT_SUFFIX)]
    if broken or (report.error and not any(table.critical for table in report.tables)):
        raise StellarError(
            f"the last checks failed for more than a drift ({broken[0] if broken else report.error}), "
            "so they cannot be accepted; mend the table and run `stellarfm prepare` again"
        )
    path, now = folder / ACCEPTED_FILE, datetime.now(UTC).isoformat(timespec="seconds")
    kept = read_record(path, _REMEDY) if path.is_file() else {"tables": {}}
    # another selection keeps its own snapshot, and a table that was not checked its last one
    tables = read_accepted(folder, report.where) | report.statistics
    if report.where:
        kept["selections"] = kept.get("selections", {}) | {report.where: tables}
    else:
        kept["tables"] = tables
    write_record(path, kept | {"origin": origin, "accepted_at": now})
