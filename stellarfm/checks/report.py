"""What a check found: kept as JSON beside the Data Docs, told in Markdown and in sentences."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stellarfm.checks.drift import DRIFT_SUFFIX, Statistics
from stellarfm.errors import StellarError
from stellarfm.integrity import read_record as read_sealed
from stellarfm.integrity import write_record as write_sealed

RECORD_FILE = "checks.json"


class CheckFailedError(StellarError):
    """A table that must not be used.

    Attributes
    ----------
    report
        What was found in all tables.
    """

    def __init__(self, message: str, report: "CheckReport") -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class FailedRule:
    """A rule that a table does not keep.

    Attributes
    ----------
    rule, severity, note
        Of the rule.
    found
        What was found, in words.
    num_rows
        Rows that break it, where it judges rows.
    """

    rule: str
    severity: str
    note: str
    found: str
    num_rows: int | None


@dataclass(frozen=True)
class TableReport:
    """What was found in one table.

    Attributes
    ----------
    table
        ``schema.name``.
    num_rows
        Rows that were judged.
    num_rules
        Rules that were judged.
    findings
        Rules that failed.
    set_aside
        Rows that break row rules; they are in quarantine unless the run stopped.
    set_aside_by_rule
        The same by rule; a row may break several.
    statistics
        Of the columns that are watched for drift.
    not_judged
        Rules that do not hold for this sample, and why.
    """

    table: str
    num_rows: int
    num_rules: int
    findings: tuple[FailedRule, ...]
    set_aside: int
    set_aside_by_rule: dict[str, int]
    statistics: Statistics = field(default_factory=dict)
    not_judged: tuple[tuple[str, str], ...] = ()

    @property
    def critical(self) -> tuple[FailedRule, ...]:
        """Findings that stop the run."""
        return tuple(finding for finding in self.findings if finding.severity == "critical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Findings that are reported and let pass, as sentences."""
        return tuple(sentence(self.table, f) for f in self.findings if f.severity == "warning")


@dataclass(frozen=True)
class CheckReport:
    """What was found in some tables.

    Attributes
    ----------
    tables
        One report a table.
    error
        Why the run stopped, "" if it went on.
    cuts
        Each step of the selection in words, and the rows that it leaves; empty before the marts are made.
    where
        Condition that the stars were selected by: a drift is one from the accepted snapshot of the same selection.
    """

    tables: tuple[TableReport, ...]
    error: str = ""
    cuts: tuple[tuple[str, int], ...] = ()
    where: str = ""

    @property
    def has_only_drifted(self) -> bool:
        """Whether nothing but a drift from the accepted snapshot stops the run."""
        critical = [finding for table in self.tables for finding in table.critical]
        return bool(critical) and all(finding.rule.endswith(DRIFT_SUFFIX) for finding in critical)

    @property
    def quarantined_rows(self) -> dict[str, int]:
        """Rows set aside of each table."""
        return {report.table: report.set_aside for report in self.tables}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what was found and let pass."""
        return tuple(sentence for report in self.tables for sentence in report.warnings)

    @property
    def statistics(self) -> dict[str, Statistics]:
        """Statistics of the watched columns of each table."""
        return {report.table: report.statistics for report in self.tables if report.statistics}

    @property
    def summary(self) -> str:
        """Markdown for people: one line a table, what failed below."""
        lines = ["| table | rows | rules | not judged | failed | set aside |", "|---|--:|--:|--:|--:|--:|"]
        lines += [
            f"| {r.table} | {r.num_rows:,} | {r.num_rules} | {len(r.not_judged)} | {len(r.findings)} | {r.set_aside:,} |"
            for r in self.tables
        ]
        # every finding, and each rule that was left out with its reason: silence would look like success
        failed = [f"- **{f.severity}** {sentence(r.table, f)}" for r in self.tables for f in r.findings]
        failed += [f"- not judged {r.table}: {rule}: {why}" for r in self.tables for rule, why in r.not_judged]
        stopped = [f"**Stopped**: {self.error}", ""] if self.error else []
        cuts = ["", "| step | rows left |", "|---|--:|", *(f"| {cut} | {rows:,} |" for cut, rows in self.cuts)]
        return "\n".join([*stopped, *lines, "", *failed, *(cuts if self.cuts else [])]).rstrip() + "\n"

    def joined(self, other: "CheckReport") -> "CheckReport":
        """Return this report with the tables of another after its own."""
        return CheckReport(self.tables + other.tables, self.error or other.error, other.cuts or self.cuts, self.where)


def sentence(table: str, finding: FailedRule) -> str:
    """Return what a rule found, in one sentence without a full stop."""
    return f"{table}: {finding.rule}: {finding.found} ({finding.note.rstrip('.')})"


def write_record(folder: Path, report: CheckReport) -> None:
    """Keep a report in a folder of checks; tables that are there already stay."""
    if (folder / RECORD_FILE).is_file():
        judged = {table.table for table in report.tables}
        earlier = read_record(folder)
        # staging and marts are checked by two calls into one folder: the record holds both, the later judgement of a table
        before = tuple(table for table in earlier.tables if table.table not in judged)
        error, cuts = earlier.error or report.error, report.cuts or earlier.cuts
        report = CheckReport(before + report.tables, error, cuts, report.where)
    write_sealed(folder / RECORD_FILE, asdict(report))


def read_record(folder: Path) -> CheckReport:
    """Read the report of a folder of checks.

    Raises
    ------
    StellarError
        If the folder has none.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        raise StellarError(f"{folder} holds no checks; run `stellarfm prepare` first")
    data = read_sealed(
        path,
        "what was found in the tables is lost, the tables are not; remove warehouse.json and run again to check anew",
    )
    cuts = tuple((cut, rows) for cut, rows in data.get("cuts", ()))
    return CheckReport(tuple(_table(item) for item in data["tables"]), data["error"], cuts, data.get("where", ""))


def quarantine_file(folder: Path, table: str) -> Path:
    """Return where the rows of a table lie that break row rules."""
    return folder / "quarantine" / f"{table}.parquet"


def failing_file(folder: Path, table: str) -> Path:
    """Return where rows of a table lie that break other rules: a sample, and nothing was done to them."""
    return folder / "failing" / f"{table}.parquet"


def _table(item: Mapping[str, object]) -> TableReport:
    fields = dict(item)
    fields["not_judged"] = tuple((rule, why) for rule, why in fields.get("not_judged", ()))  # type: ignore[attr-defined]
    fields["findings"] = tuple(FailedRule(**finding) for finding in fields["findings"])  # type: ignore[attr-defined]
    return TableReport(**fields)  # type: ignore[arg-type]
