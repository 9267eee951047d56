"""Where an archive differs from the profile of a release: line by line, with what may stand in place of what is gone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from stellarfm.errors import StellarError
from stellarfm.surveys.alike import Candidate, find_candidates, likeness
from stellarfm.surveys.described import DescribedColumn, TapSchema, family_of, plain
from stellarfm.surveys.profile import UNKNOWN, Survey, Table
from stellarfm.surveys.scales import factor_between, is_readable, same_unit

# of a table that has another name most columns are the same
_SHARE_OF_COLUMNS = 0.5
_HARMLESS_TYPES = {("number", "integer"), ("logical", "integer"), ("logical", "text")}


@dataclass(frozen=True)
class Difference:
    """One line of what differs.

    Attributes
    ----------
    kind
        ``table``, ``missing``, ``renamed``, ``unknown``, ``type``, ``unit``, ``meaning``, ``new``, ``back`` or ``product``.
    table, column
        In our names; column is "" where it is the table itself.
    there
        The archive's name of the table or column, "" if it has none.
    text
        The difference in a sentence without its end.
    blocks
        Whether nothing may be fetched before a person has decided.
    candidate
        What may stand in its place, "" if nothing.
    is_certain
        Whether the candidate may be proposed.
    factor
        What the archive's numbers are to be multiplied by, None if nothing is known.
    """

    kind: str
    table: str
    column: str
    there: str
    text: str
    blocks: bool
    candidate: str = ""
    is_certain: bool = False
    factor: float | None = None


def compare(survey: Survey, service: str, schema: TapSchema, tables: Collection[str] | None = None) -> list[Difference]:
    """Return what differs between a profile and what a service says of itself.

    Parameters
    ----------
    survey, service
        Profile, and key of the service in it.
    schema
        What the service says.
    tables
        Tables of the landing that are wanted of it; all of the profile if not given.

    Raises
    ------
    StellarError
        If none of the tables is there, so that it is another archive, or does not have the release.
    """
    wanted = [name for name in survey.tables if tables is None or name in tables]
    named = {name: _name_at(survey, service, name) for name in wanted}
    _refuse_another_archive(survey, service, schema, list(named.values()))
    differences: list[Difference] = []
    for name in wanted:
        columns = schema.find(named[name]) if UNKNOWN not in named[name] else None
        if columns is None:
            gone, columns = _table_gone(survey, service, name, named[name], schema, set(named.values()))
            differences.append(gone)
        if columns is not None:
            differences += _columns(survey.tables[name], service, name, columns)
    return differences


def _name_at(survey: Survey, service: str, table: str) -> str:
    there = survey.tables[table].at.get(service)
    if there is not None and there.name == UNKNOWN:
        return UNKNOWN
    return survey.table_at(service, table)


def _refuse_another_archive(survey: Survey, service: str, schema: TapSchema, names: list[str]) -> None:
    mine = survey.schemas.get(service)
    known = any(schema.find(name) is not None for name in names) or (mine is not None and mine in schema.schemas)
    if not known:
        what = f"the schema {mine}" if mine else f"the table {names[0]}"
        has = ", ".join(schema.schemas or list(schema.tables)[:5]) or "nothing"
        raise StellarError(
            f"{schema.called} does not have {survey.release}: it has no {what.removeprefix('the ')}, only {has}"
        )


def _table_gone(
    survey: Survey, service: str, name: str, there: str, schema: TapSchema, named: set[str]
) -> tuple[Difference, tuple[DescribedColumn, ...] | None]:
    """Return what to say of a table that is not there, and the columns of the one that is most like it."""
    table = survey.tables[name]
    expected = {plain(column) for column in table.names_at(service).values()}
    taken = {plain(one) for one in named}
    shares = {
        other: len(expected & {plain(c.name) for c in columns}) / len(expected)
        for other, columns in schema.tables.items()
        if plain(other) not in taken and (survey.schemas.get(service) in (None, other.partition(".")[0]))
    }
    best = max(shares, key=lambda other: (shares[other], other), default="")
    is_like = bool(best) and shares[best] >= _SHARE_OF_COLUMNS
    # two tables that are as like leave the choice to a person
    certain = is_like and sum(share >= shares[best] - 0.1 for share in shares.values()) == 1
    unknown = there == UNKNOWN
    text = f"the name of the table {name} is not known" if unknown else f"the table {there} is missing"
    if is_like:
        text += f"; {best} has {shares[best]:.0%} of its columns"
    gone = Difference("unknown" if unknown else "table", name, "", "" if unknown else there, text,
                      blocks=not (unknown or table.has_other_ways), candidate=best if is_like else "",
                      is_certain=certain)  # fmt: skip
    return gone, schema.tables[best] if certain else None


def _columns(table: Table, service: str, name: str, columns: tuple[DescribedColumn, ...]) -> Iterator[Difference]:
    """Yield what differs in the columns of a table."""
    there = {plain(column.name): column for column in columns}
    names = table.names_at(service)
    ours = {column: _expected(table, column) for column in table.columns}
    mistaken = _mistaken(names, ours, there)
    gone = [column for column, called in names.items() if plain(called) not in there or column in mistaken]
    unknown = [c for c in table.columns if service in table.at and table.at[service].renamed.get(c) == UNKNOWN]
    used = {plain(called) for column, called in names.items() if column not in gone}
    free = [column for key, column in there.items() if key not in used]
    never = {(column, there[plain(names[column])].name) for column in mistaken}
    candidates = find_candidates([ours[column] for column in (*gone, *unknown)], free, never)
    blocks = not table.has_other_ways
    for column in gone:
        called = names[column]
        candidate = candidates.get(column)
        yield _gone(name, column, called, candidate, mistaken.get(column, ""), blocks=blocks)
        if candidate is not None and candidate.is_certain:
            yield from _changed(table, service, name, column, ours[column], candidate.column, blocks=blocks)
    for column in unknown:
        yield _unknown(name, column, ours[column], candidates.get(column))
    for column, called in names.items():
        if column not in gone:
            yield from _changed(table, service, name, column, ours[column], there[plain(called)], blocks=blocks)
    accepted = {plain(c.column.name) for c in candidates.values() if c.is_certain}
    absent = table.at[service].absent if service in table.at else ()
    for column in absent:
        if column.lower() in there and column.lower() not in used:
            text = f"{column} is there, though the profile says that it is absent"
            yield Difference("back", name, column, there[column.lower()].name, text, blocks=False)
    for one in free:
        if plain(one.name) not in accepted and plain(one.name) not in {c.lower() for c in absent}:
            yield Difference("new", name, "", one.name, f"{one.name} is not in the profile", blocks=False)


def _expected(table: Table, column: str) -> DescribedColumn:
    about = table.about_column(column)
    return DescribedColumn(column, table.columns[column], about.unit, about.ucd, about.description)


def _mistaken(
    names: dict[str, str], ours: dict[str, DescribedColumn], there: dict[str, DescribedColumn]
) -> dict[str, str]:
    """Return the columns under whose name the archive now has what another of ours is, and which."""
    found: dict[str, str] = {}
    for column, called in names.items():
        other = there.get(plain(called))
        if other is None or not other.description:
            continue
        # by the description, type, unit and UCD alone: the name is what may have changed hands
        own = likeness(ours[column], _nameless(other, ours[column]))
        for rival in ours.values():
            is_described = rival.name != column and rival.description == other.description != ours[column].description
            if is_described and likeness(rival, _nameless(other, rival)) > own:
                found[column] = rival.name
    return found


def _nameless(column: DescribedColumn, ours: DescribedColumn) -> DescribedColumn:
    return DescribedColumn(ours.name, column.kind, column.unit, column.ucd, column.description)


def _gone(
    table: str, column: str, called: str, candidate: Candidate | None, mistaken: str, *, blocks: bool
) -> Difference:
    what = f"{called} is missing" if not mistaken else f"{called} is what {mistaken} was, by its description"
    if candidate is None:
        return Difference("meaning" if mistaken else "missing", table, column, called, what, blocks=blocks)
    sure = "" if candidate.is_certain else ", too little alike to be proposed"
    text = f"{what}; likeliest is {candidate.column.name} ({candidate.likeness:.2f}{sure})"
    kind = "renamed" if candidate.is_certain else "meaning" if mistaken else "missing"
    return Difference(kind, table, column, called, text, blocks, candidate.column.name, candidate.is_certain)


def _unknown(table: str, column: str, ours: DescribedColumn, candidate: Candidate | None) -> Difference:
    text = f"the name of {column} is not known ({ours.description})"
    if candidate is None:
        return Difference("unknown", table, column, "", text, blocks=False)
    text += f"; likeliest is {candidate.column.name} ({candidate.likeness:.2f})"
    return Difference("unknown", table, column, "", text, False, candidate.column.name, candidate.is_certain)


def _changed(
    table: Table, service: str, name: str, column: str, ours: DescribedColumn, there: DescribedColumn, *, blocks: bool
) -> Iterator[Difference]:
    """Yield what has changed in a column that is there: its type, its unit."""
    families = family_of(ours.kind), family_of(there.kind)
    if all(families) and families[0] != families[1]:
        text = f"{there.name} has the type {there.kind}, not {ours.kind}"
        yield Difference("type", name, column, there.name, text, blocks and families not in _HARMLESS_TYPES)
    known = table.at[service].factor.get(column) if service in table.at else None
    if column in table.about:
        yield from _unit(name, column, ours, there, known, blocks=blocks)


def _unit(
    name: str, column: str, ours: DescribedColumn, there: DescribedColumn, known: float | None, *, blocks: bool
) -> Iterator[Difference]:
    if same_unit(ours.unit, there.unit):
        if known is not None:
            text = f"{there.name} is in {there.unit or 'no unit'}, and the profile multiplies it by {known:g}"
            yield Difference("unit", name, column, there.name, text, blocks)
        return
    if not there.unit.strip():
        text = f"{there.name} has no unit there, {ours.unit} here"
        yield Difference("unit", name, column, there.name, text, blocks=False)
        return
    factor = factor_between(there.unit, ours.unit)
    if known is not None and factor is not None and abs(known / factor - 1) < 1e-9:
        return  # a person has accepted it
    text = f"{there.name} is in {there.unit!r}, not in {ours.unit or 'no unit'}"
    if factor is None and not is_readable(there.unit):
        yield Difference("unit", name, column, there.name, f"{text}; nobody can read that unit", blocks=False)
        return
    text += "" if factor is None else f": a factor of {factor:g}"
    certain = factor is not None and family_of(ours.kind) == "number" and "[" not in ours.kind
    yield Difference("unit", name, column, there.name, text, blocks, "", certain, factor)
