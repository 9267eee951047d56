"""`stellarfm survey`: what a survey's release is, and where an archive differs from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stellarfm.commands.options import Config, Json, Set
from stellarfm.commands.printing import print_facts, print_json, print_table, print_text

if TYPE_CHECKING:
    from stellarfm.stages.check_survey import Checked
    from stellarfm.surveys.profile import Table

survey_app = typer.Typer(
    no_args_is_help=True, help="The releases of surveys: what each is, and whether its archive agrees."
)

Name = Annotated[
    str, typer.Argument(help="A profile: its name (gaia_dr4), that of the release (Gaia DR4), or a TOML file.")
]


@survey_app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show what a release is: tables and columns, epoch, services, and what is not known yet.

    Example: stellarfm survey show gaia_dr4
    """
    from stellarfm.surveys.reading import find_survey

    stem, survey = find_survey(name)
    if as_json:
        return print_json({"profile": stem, **survey.model_dump(mode="json", exclude_none=True)})
    print_text(f"{survey.release} ({survey.status}), from the profile {stem}\n")
    print_facts({"epoch": survey.epoch_year, "citation": survey.citation, **survey.services})
    own = "tap" if "tap" in survey.services else next(iter(survey.services))
    for table_name, table in survey.tables.items():
        there = table.names_at(own)
        rows = [
            [column, there.get(column, "not known" if _is_unknown(table, own, column) else "absent"), kind,
             table.about_column(column).unit, "yes" if column in table.needed else ""]
            for column, kind in table.columns.items()
        ]  # fmt: skip
        print_text()
        print_table(["column", f"at {own}", "type", "unit", "needed"], rows, title=f"{table_name}: {table.description}")
    return None


@survey_app.command()
def check(
    name: Name,
    against: Annotated[
        Path | None, typer.Option("--against", help="A saved TAP_SCHEMA (VOTable), in place of the service.")
    ] = None,
    service: Annotated[
        str, typer.Option("--service", help="TAP service of the profile, e.g. ari; the release's own if not given.")
    ] = "",
    save: Annotated[Path | None, typer.Option("--save", help="VOTable to keep what the service says in.")] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="TOML file for a profile that fits, for you to accept.")
    ] = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Compare a profile with what an archive says of its tables, line by line; exit code 1 if an ingest may not begin.

    Example: stellarfm survey check gaia_dr4 --save schema.vot --write proposal.toml
    """
    from stellarfm.config import load_settings
    from stellarfm.stages.check_survey import check_survey

    checked = check_survey(name, load_settings(config, set_ or []), service, against, save)
    if write is not None:
        write.write_text(checked.proposal, encoding="utf-8")
    if as_json:
        print_json(checked.to_dict())
    else:
        _print(checked, write)
    _refuse(checked, write)


def _print(checked: "Checked", write: Path | None) -> None:
    print_text(f"{checked.survey.release} against {checked.against}\n", soft_wrap=True)
    listed = [(d, on) for d, on in zip(checked.differences, checked.rests_on, strict=True) if d.kind != "new"]
    for one, on in listed:
        mark = "stops" if one.blocks else "note "
        print_text(f"{mark}  {one.table}{'.' if one.column else ''}{one.column}  ", soft_wrap=True)
        print_text(f"       {one.text}")
        print_text(f"       rests on it: {on}")
    num_new = len(checked.differences) - len(listed)
    if num_new:
        print_text(f"{num_new} columns there are not in the profile (--json lists them)")
    if not listed:
        print_text("the archive has what the profile says")
    if write is not None:
        print_text(f"written: {write}", soft_wrap=True)


def _refuse(checked: "Checked", write: Path | None) -> None:
    """End with one sentence where the profile does not fit."""
    from stellarfm.errors import StellarError

    if checked.fits:
        return
    first = next(one for one in checked.differences if one.blocks)
    if checked.unsolved:
        worst = checked.unsolved[0]
        raise StellarError(
            f"{checked.survey.release} differs in {worst.table}: {worst.text}; what stands in its place only a person can say: "
            f"add it to a profile that extends {checked.name!r}"
        )
    way = f"read {write}, then set gaia.release to it" if write is not None else "--write FILE.toml proposes a profile"
    raise StellarError(f"{checked.survey.release} differs in {first.table}: {first.text}; {way}")


def _is_unknown(table: "Table", service: str, column: str) -> bool:
    return service in table.at and table.at[service].renamed.get(column) == "?"
