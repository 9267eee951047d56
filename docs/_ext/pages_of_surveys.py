"""The page of surveys: what the profile of each release says."""

from collections.abc import Iterator

import md_text as md

from stellarfm.resources import resource_folder
from stellarfm.surveys.profile import Survey, Table
from stellarfm.surveys.reading import load_survey, survey_names


def surveys_page() -> str:
    """Return every profile of ``stellarfm/surveys``."""
    return "\n".join(_profile(name, load_survey(name)) for name in survey_names())


def _profile(name: str, survey: Survey) -> str:
    parts = [
        f"{md.anchor('survey', name)}\n## {survey.release}\n",
        f"From `stellarfm/surveys/{name}.toml`.\n",
        md.table(["what", "value"], _facts(name, survey)),
        md.table(["service", "address"], [(md.code(key), md.code(url)) for key, url in survey.services.items()]),
    ]
    parts += [_table(survey, key, table) for key, table in survey.tables.items()]
    return "\n".join(parts)


def _facts(name: str, survey: Survey) -> Iterator[tuple[str, str]]:
    """Yield what a profile says about the release as a whole."""
    yield "Citation", survey.citation
    yield "Status", survey.status
    yield "Epoch of the positions", f"{survey.epoch_year:g}"
    if survey.identifier is not None:
        bits, level = survey.identifier.num_bits_below_healpix, survey.identifier.healpix_level
        yield "Identifier", f"`{survey.identifier.column}`; `>> {bits}` is the nested HEALPix pixel of level {level}"
    else:
        yield "Identifier", md.code(survey.crossmatch.identifier)
    if survey.xp is not None:
        yield "XP coefficients", f"{survey.xp.num_bp} of BP, {survey.xp.num_rp} of RP"
        yield "XP on DataLink", f"`{survey.xp.retrieval_type}`, `{survey.xp.data_structure}`"
    if survey.astrometry is not None:
        mart = md.code(f"sql/marts/{survey.astrometry.zero_point_mart}.sql")
        yield "Parallax zero point", f"{survey.astrometry.zero_point} ({mart})"
    if survey.crosswalk is not None:
        yield f"Identifiers of {survey.crosswalk.release}", "table `crosswalk`"
    yield from _crossmatch(name, survey)
    for other, tables in survey.neighbours.items():
        yield f"Best neighbours of {other}", f"`{tables.best_neighbour}`, `{tables.join}`"


def _crossmatch(name: str, survey: Survey) -> Iterator[tuple[str, str]]:
    side = survey.crossmatch
    if side.radius_arcsec is not None:
        yield "Radius of the match with Gaia", f"{side.radius_arcsec:g} arcsec"
        yield "Why", _comment_above(name, "[crossmatch]")
    yield (
        "Table that is matched",
        f"{md.code(side.relation)}, {'moved by its proper motions' if side.moves else 'as it lies'}",
    )
    yield "Epoch of a source", md.code(side.epoch)
    yield "Error of a position, arcsec", md.code(" ".join(side.position_error_arcsec.split()))


def _comment_above(name: str, heading: str) -> str:
    """Return the comment above a section of a profile."""
    lines = (resource_folder("surveys") / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    found: list[str] = []
    for line in reversed(lines[: lines.index(heading)]):
        if not line.startswith("#"):
            break
        found.insert(0, line.lstrip("# "))
    return " ".join(found)


def _table(survey: Survey, name: str, table: Table) -> str:
    services = [service for service in survey.services if service in table.at]
    services += [service for service in table.at if service not in services]
    elsewhere = [{**table.names_at(service)} for service in services]
    rows = [
        (
            md.code(column),
            kind,
            "yes" if column in table.needed else "",
            *(_there(names, column) for names in elsewhere),
        )
        for column, kind in table.columns.items()
    ]
    called = [f"at {service}: {md.code(table.at[service].name)}" for service in services]
    heading = f"### Table `{name}`\n\n{table.description}.\n"
    return f"{heading}\n{md.table(['column', 'type', 'needed', *called], rows)}"


def _there(names: dict[str, str], column: str) -> str:
    if column not in names:
        return "absent"
    return "" if names[column] == column else md.code(names[column])
