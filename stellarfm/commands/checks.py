"""`stellarfm checks`: what the expectations found, the failing rows, and accepting a drift that is meant."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stellarfm.commands.cells import cell
from stellarfm.commands.options import DEFAULT_HOME, Home, Json
from stellarfm.commands.printing import print_fitting, print_json, print_table, print_text

checks_app = typer.Typer(no_args_is_help=True, help="The data checks: what they found, the failing rows, Data Docs.")

Most = Annotated[int, typer.Option("--limit", min=1, help="Largest number of rows to print of each table.")]

_SHOWN_ROWS = 50


@checks_app.command()
def show(home: Home = DEFAULT_HOME, as_json: Json = False) -> None:
    """Show what the last checks found in each table, and where the Data Docs lie.

    Example: stellarfm checks show
    """
    from stellarfm.checks.report import read_record, sentence
    from stellarfm.checks.validator import DOCS_INDEX

    folder = _folder(home)
    report, docs = read_record(folder), str(folder / DOCS_INDEX)
    if as_json:
        return print_json(_as_dict(report, docs))
    rows = [
        [r.table, f"{r.num_rows:,}", r.num_rules, len(r.not_judged), len(r.findings), f"{r.set_aside:,}"]
        for r in report.tables
    ]
    print_table(["table", "rows", "rules", "not judged", "failed", "set aside"], rows)
    for table in report.tables:
        for finding in table.findings:
            print_text(f" {sentence(table.table, finding)}", heading=f"\n{finding.severity}", soft_wrap=True)
    for table in report.tables:
        for rule, why in table.not_judged:
            print_text(f"\nnot judged {table.table}: {rule}: {why}", soft_wrap=True)
    if report.cuts:
        print_text()
        print_table(["step", "rows left"], [[cut, f"{left:,}"] for cut, left in report.cuts])
    print_text(
        f" {report.error}" if report.error else "\npassed", heading="\nstopped" if report.error else "", soft_wrap=True
    )
    return print_text(f"docs    {docs}", soft_wrap=True)


@checks_app.command()
def rows(
    table: Annotated[
        str | None, typer.Argument(help="Table as `checks show` names it; all of them if not given.")
    ] = None,
    home: Home = DEFAULT_HOME,
    limit: Most = _SHOWN_ROWS,
    as_json: Json = False,
) -> None:
    """Show the rows that the last checks set aside or stopped at, with the rules that they break.

    Example: stellarfm checks rows staging.apogee
    """
    from stellarfm.checks.failing import count_failing_rows, failing_rows, tables_with_rows

    folder = _folder(home)
    names = tables_with_rows(folder) if table is None else [table]
    found = {name: failing_rows(folder, name, None if as_json else limit) for name in names}
    if as_json:
        return print_json(
            {name: [dict(zip(c, row, strict=True)) for row in listed] for name, (c, listed) in found.items()}
        )
    if not any(listed for _, listed in found.values()):
        return print_text("no row breaks a rule" if table is None else f"no row of {table} breaks a rule")
    for name, (columns, listed) in found.items():
        print_text(f", {count_failing_rows(folder, name):,} rows", heading=f"\n{name}")
        print_fitting(*(_in_short(columns, listed) if table is None else _readable(columns, listed)))
    return None


@checks_app.command()
def accept(home: Home = DEFAULT_HOME, as_json: Json = False) -> None:
    """Accept what the last checks measured as what later ones are compared with, where a drift is meant.

    Example: stellarfm checks accept
    """
    from stellarfm.checks.accepted import ACCEPTED_FILE
    from stellarfm.checks.accepted import accept as accept_report
    from stellarfm.checks.report import read_record
    from stellarfm.home import Home as Folder

    opened = Folder.open(Folder.at(home).path)
    folder = _folder(home)
    with opened.lock():
        report = read_record(folder)
        accept_report(opened.checks, report, folder.name)
    if as_json:
        return print_json({"accepted": sorted(report.statistics), "file": str(opened.checks / ACCEPTED_FILE)})
    return print_text(
        f"{len(report.statistics)} tables are what later checks are compared with; run `stellarfm prepare` to go on"
    )


def _folder(home: Path) -> Path:
    """Return the folder of the last checks of a home."""
    from stellarfm.home import Home as Folder
    from stellarfm.stages.prepare import checks_of

    return checks_of(Folder(home.expanduser().absolute()))


def _as_dict(report: Any, docs: str) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "warnings": report.warnings, "quarantined_rows": report.quarantined_rows, "docs": docs}


def _in_short(columns: list[str], listed: list[tuple[Any, ...]]) -> tuple[list[str], list[list[str]]]:
    """Keep what names a row, and the reasons."""
    from stellarfm.checks.failing import IDENTIFIERS

    kept = [name for name in IDENTIFIERS if name in columns] + ["reasons"]
    return _readable(kept, [tuple(row[columns.index(name)] for name in kept) for row in listed])


def _readable(columns: list[str], listed: list[tuple[Any, ...]]) -> tuple[list[str], list[list[str]]]:
    """Write lists as how many they are; everything else stays whole."""
    return columns, [[_text(name, value) for name, value in zip(columns, row, strict=True)] for row in listed]


def _text(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value) if name == "reasons" else f"{len(value)} values"
    return cell(value)
