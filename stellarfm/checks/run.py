"""Expectations against the tables of a DuckDB file: stop, set rows aside, or warn; Data Docs for people."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from stellarfm.checks.applicability import Sample, why_not_judged
from stellarfm.checks.docs import write_index
from stellarfm.checks.drift import Statistics, drift_rules, measure
from stellarfm.checks.lacking import lacking_columns
from stellarfm.checks.report import (
    CheckFailedError,
    CheckReport,
    FailedRule,
    TableReport,
    failing_file,
    quarantine_file,
    sentence,
    write_record,
)
from stellarfm.checks.rows import ROW_NUMBER, delete_bad_rows, find_bad_rows, names_rows, write_bad_rows
from stellarfm.checks.sampling import measure_columns, scaled_to_sample
from stellarfm.checks.suites import Rule, Suite, read_suite
from stellarfm.checks.validator import ATTACHED, RuleResult, Validator, attach, open_validator
from stellarfm.conditions import to_duckdb
from stellarfm.config import Checks
from stellarfm.landing.selection import Selection
from stellarfm.resources import read_sql, resource_folder
from stellarfm.rules import install_rules, rule_value
from stellarfm.surveys.selection import Surveys, choose_surveys

_CATALOG = "catalog."
"""Tables of a release lie in the schema ``main`` of its file; their suites are ``catalog.<name>``."""


_SELECTED = "staging.gaia_source"
"""The table whose rows a condition selects."""

_FAILING_ROWS = 10_000
"""Rows shown of a table that breaks rules which stop the run or warn: all of them may break one."""


def check_tables(
    database: Path,
    tables: Sequence[str],
    folder: Path,
    limits: Checks,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    surveys: Surveys | None = None,
    selection: Selection | None = None,
    accepted: Mapping[str, Statistics] | None = None,
    raise_drift: bool = True,
    not_given: Collection[str] = (),
    cuts: Sequence[tuple[str, int]] = (),
    memory_limit: str = "2GB",
    threads: int = 2,
) -> CheckReport:
    """Check tables of a DuckDB file against the suites of ``expectations/``.

    Rows that break row rules are deleted from the file and kept in ``quarantine/<schema>.<name>.parquet`` with a column
    ``reasons``, the names of the rules that they break.

    Parameters
    ----------
    database
        File that no connection holds open.
    tables
        Tables as ``schema.name``; each has the suite ``expectations/<schema>.<name>.json``.
    folder
        Gets ``docs/`` (Data Docs), ``quarantine/`` and ``checks.json``; a second call adds to what the first left.
    limits
        How much may be set aside.
    parameters
        For each table, values that its rules leave open, e.g. ``landing_rows``; rules whose value is not given
        are not judged.
    surveys
        The releases that the tables come from, whose epoch and numbers of coefficients rules ask for; those of Gaia DR3 if
        not given.
    selection
        What was asked of the archives; rules that do not hold for it are not judged. Everything was, if not given.
    accepted
        For each table, the statistics to compare its own with.
    raise_drift
        Whether a table that has drifted and is sound otherwise raises at once. Where more tables are made from it, wait:
        they drift with it, and a person should have to accept them once. The report's ``error`` says that it must stop.
    not_given
        Tables as ``schema.name`` that the selection does without; rules that need one of them are not judged.
    cuts
        Steps of the selection with the rows that they leave, to show beside what was found.
    memory_limit, threads
        What DuckDB may take.

    Raises
    ------
    CheckFailedError
        If a critical expectation fails, or more rows than allowed would be set aside. Docs, failing rows and record
        are written before, and no row is deleted.
    """
    chosen, asked = surveys or choose_surveys(), selection or Selection()
    known = {table: _survey_parameters(chosen) | dict((parameters or {}).get(table, {})) for table in tables}
    with open_validator(database, folder, memory_limit, threads) as validator:
        install_rules(validator.con, chosen)
        suites = [read_suite(table) for table in tables]
        # all before the first is judged, see `Validator`
        measured = {suite.table: _derive(validator, suite, asked) for suite in suites}
        reports = [
            _check_table(
                validator,
                suite,
                measured[suite.table],
                folder,
                known[suite.table],
                asked,
                lacking_columns(suite.table, chosen),
                (accepted or {}).get(suite.table, {}),
            )
            for suite in (suite.without(not_given) for suite in suites)
        ]
        # docs, record and index before the error is raised: who is stopped must be able to look
        validator.write_docs()
        # the first table in the order of the suites, for what is wrong in staging is the cause of what is wrong later
        objection = next(filter(None, (_objection(table, limits) for table in reports)), "")
        report = CheckReport(tuple(reports), objection, tuple(cuts), asked.where)
        write_record(folder, report)
        write_index(folder)
        if report.error and (raise_drift or not report.has_only_drifted or _too_many(reports, limits)):
            raise CheckFailedError(report.error, report)
        # last and only if the run goes on: what was stopped is left as it was found
        _delete(validator, database, [table.table for table in reports if table.set_aside])
    return report


def _survey_parameters(surveys: Surveys) -> dict[str, Any]:
    """Return what rules may ask of the releases, and of ``sql/macros.sql``."""
    xp = surveys.gaia.xp
    assert xp is not None, "every profile of Gaia has spectra"
    no_dust = rule_value("no_dust_logebv")
    return {
        "epoch_years": [surveys.gaia.epoch_year],
        "num_bp": xp.num_bp,
        "num_rp": xp.num_rp,
        "num_bp_set": [xp.num_bp],
        "num_rp_set": [xp.num_rp],
        # separations are rounded when they are made from chords
        "twomass_radius_arcsec": (surveys.twomass.crossmatch.radius_arcsec or 0) + 1e-6,
        "apogee_radius_arcsec": (surveys.apogee.crossmatch.radius_arcsec or 0) + 1e-6,
        "no_dust_logebv": no_dust,
        "least_logebv": no_dust - 1e-3,  # rounded to float32
    }


def check_catalog(
    catalog: Path, folder: Path, not_given: Collection[str] = (), surveys: Surveys | None = None
) -> CheckReport:
    """Check the published table of a release, read-only.

    Parameters
    ----------
    catalog
        DuckDB file with the table ``stars``.
    folder
        Gets Data Docs and record.
    not_given, surveys
        As in `check_tables`.

    Raises
    ------
    CheckFailedError
        If a critical expectation fails; no row of a release is set aside.
    """
    # a release is read-only: no row can be set aside, so that the first one stops it
    limits = Checks(max_quarantined_share=0)
    return check_tables(catalog, ("catalog.stars",), folder, limits, not_given=not_given, surveys=surveys)


def _derive(validator: Validator, suite: Suite, selection: Selection) -> Statistics:
    """Make the relation that is judged, and measure its watched columns."""
    view = _name(suite.table)
    validator.con.execute(f"create {_view(validator.con, view, suite.table, selection)}")
    return measure(validator.con, view, suite, f"{view}_drift") if suite.drift else {}


def _check_table(
    validator: Validator,
    suite: Suite,
    statistics: Statistics,
    folder: Path,
    parameters: Mapping[str, Any],
    selection: Selection,
    lacking: Mapping[str, str],
    accepted: Mapping[str, Mapping[str, float]],
) -> TableReport:
    """Judge one table, and write the rows that break its rules."""
    view = _name(suite.table)
    num_rows = validator.con.execute(f"select count(*) from {_relation(suite.table)}").fetchall()[0][0]  # noqa: S608
    # parameters, then whether the rule holds for this sample, and only then limits widened to its size
    known = [rule.resolved(parameters) for rule in suite.rules if rule.parameters() <= parameters.keys()]
    sample = Sample(validator.con, view, num_rows, measure_columns(validator.con, view, known), selection, lacking)
    reasons = {rule.name: why_not_judged(rule, sample) for rule in known}
    rules = [scaled_to_sample(rule, sample.columns, num_rows) for rule in known if not reasons[rule.name]]
    results = validator.validate(suite.table, view, rules)
    drifts = drift_rules(suite, statistics, accepted)
    if drifts:
        results += validator.validate(f"{suite.table} drift", f"{view}_drift", drifts)
    broken = [v for v in results if not v.success and names_rows(v.rule)]
    set_aside, by_rule = _set_aside(validator, suite.table, [v for v in broken if v.rule.severity == "row"], folder)
    _show_failing(validator, suite.table, [v.rule for v in broken if v.rule.severity != "row"], folder)
    findings = tuple(
        FailedRule(v.rule.name, v.rule.severity, v.rule.note, v.found, v.num_rows) for v in results if not v.success
    )
    not_judged = tuple((name, reason) for name, reason in reasons.items() if reason)
    return TableReport(suite.table, num_rows, len(results), findings, set_aside, by_rule, statistics, not_judged)


def _delete(validator: Validator, database: Path, tables: Sequence[str]) -> None:
    """Take the rows that break row rules out of their tables."""
    if not tables:
        return
    # it was attached read-only to be judged, and DuckDB cannot change that of an attached file
    validator.con.execute(f"detach {ATTACHED}")
    attach(validator.con, database, read_only=False)
    for table in tables:
        delete_bad_rows(validator.con, _relation(table), _bad_rows(table))
    validator.con.execute(f"detach {ATTACHED}")


def _set_aside(
    validator: Validator, table: str, broken: Sequence[RuleResult], folder: Path
) -> tuple[int, dict[str, int]]:
    """Write the rows that break row rules to quarantine, and count them: in all, and by rule."""
    if not broken:
        return 0, {}
    by_rule = find_bad_rows(validator.con, _name(table), [v.rule for v in broken], _bad_rows(table))
    # Great Expectations counts the rows and our SQL names them: two readings of one rule must agree before rows are removed
    judged = {v.rule.name: v.num_rows for v in broken}
    assert by_rule == judged, f"rows found by SQL and by Great Expectations differ in {table}: {by_rule}, {judged}"
    write_bad_rows(validator.con, _relation(table), _bad_rows(table), quarantine_file(folder, table))
    return validator.con.execute(f"select count(*) from {_bad_rows(table)}").fetchall()[0][0], by_rule  # noqa: S608


def _show_failing(validator: Validator, table: str, rules: Sequence[Rule], folder: Path) -> None:
    """Write a sample of the rows that break rules of other severities; they stay where they are."""
    if rules:
        target = f"failing_{_bad_rows(table)}"
        find_bad_rows(validator.con, _name(table), rules, target)
        write_bad_rows(validator.con, _relation(table), target, failing_file(folder, table), _FAILING_ROWS)


def _objection(report: TableReport, limits: Checks) -> str:
    """Return why a table must stop the run, "" if it need not."""
    if report.critical:
        first, more = report.critical[0], len(report.critical) - 1
        others = f", and {more} more critical rules fail" if more else ""
        return f"the check of {sentence(report.table, first)}{others}"
    share = report.set_aside / max(1, report.num_rows)
    if _too_many([report], limits):
        worst = max(report.set_aside_by_rule, key=lambda name: report.set_aside_by_rule[name])
        finding = next(f for f in report.findings if f.rule == worst)
        return (
            f"the check of {report.table} would set aside {report.set_aside:,} of {report.num_rows:,} rows "
            f"({100 * share:.3g} %), more than the {100 * limits.max_quarantined_share:g} % that "
            f"checks.max_quarantined_share allows; the rule broken most is {worst}: "
            f"{finding.found} ({finding.note.rstrip('.')})"
        )
    return ""


def _too_many(reports: Sequence[TableReport], limits: Checks) -> bool:
    """Whether more rows of a table would be set aside than is allowed."""
    return any(table.set_aside > limits.max_quarantined_share * max(1, table.num_rows) for table in reports)


def _view(con: Any, name: str, table: str, selection: Selection) -> str:
    """Return how the relation is made that is judged: a table where SQL derives it, for it is read once a rule."""
    if table == _SELECTED:
        # the condition is held against the rows that came, as a mirror may understand it otherwise
        columns = con.sql(f"from {_relation(table)} limit 0").columns
        # NULL where the condition is beyond us: neither kept nor broken
        condition = to_duckdb(selection.where, columns) or "null::boolean"
        return f"table {name} as select *, ({condition}) as is_as_selected from ({read_sql(f'checks/{table}')})"  # noqa: S608
    # a table, not a view: each expectation is a query of its own, and would derive the relation again
    if (resource_folder("sql") / "checks" / f"{table}.sql").is_file():
        return f"table {name} as {read_sql(f'checks/{table}')}"
    return f"view {name} as select rowid as {ROW_NUMBER}, * from {_relation(table)}"  # noqa: S608


def _relation(table: str) -> str:
    return f"{ATTACHED}.main.{table.removeprefix(_CATALOG)}" if table.startswith(_CATALOG) else f"{ATTACHED}.{table}"


def _name(table: str) -> str:
    """Return the name of the relation that is judged, in the scratch database."""
    return table.replace(".", "_")


def _bad_rows(table: str) -> str:
    return f"bad_rows_of_{_name(table)}"
