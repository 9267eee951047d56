"""Which column of an archive is most like one that has gone: by name, description, unit and UCD."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from stellarfm.surveys.described import DescribedColumn, family_of
from stellarfm.surveys.scales import factor_between, same_unit

# a description says most, as it is written for people; names of a survey are alike among themselves
_WEIGHTS = {"description": 0.55, "name": 0.25, "unit": 0.1, "ucd": 0.1}
_UNKNOWN = 0.5
"""Likeness where one of the two says nothing."""

LIKELY = 0.65
"""Likeness from which a candidate is worth a person's look."""

CERTAIN = 0.7
"""Likeness from which a candidate may be proposed."""

_SAME_WORDS, _SAME_NAME = 0.9, 0.85
"""Likeness of descriptions, and of names, from which they are the same but for the wording."""

_MARGIN = 0.05
"""By how much a candidate must be better than the next one, and better for this column than for another."""


@dataclass(frozen=True)
class Candidate:
    """A column of the archive that may be the one that is missing.

    Attributes
    ----------
    column
        The column.
    likeness
        0 to 1.
    is_certain
        Whether it may be proposed: like enough, more than any other, and more than for any other column.
    """

    column: DescribedColumn
    likeness: float
    is_certain: bool


@dataclass(frozen=True)
class _Score:
    """How like two columns are, and whether the words agree so well that one may be proposed."""

    likeness: float
    is_said: bool


def find_candidates(
    missing: Sequence[DescribedColumn], available: Sequence[DescribedColumn], never: Collection[tuple[str, str]] = ()
) -> Mapping[str, Candidate]:
    """Return the likeliest column of the archive for each that is missing, by our name; none where none is like it at all.

    Parameters
    ----------
    missing
        Our columns, N, with the type, unit, UCD and description that they should have.
    available
        Columns of the archive's table that no other column of ours is.
    never
        Pairs of our name and the archive's that are known not to be one.
    """
    scores = {
        (ours.name, there.name): _Score(likeness(ours, there), _is_said_of_both(ours, there))
        for ours in missing
        for there in available
        if (ours.name, there.name) not in never
    }
    found: dict[str, Candidate] = {}
    # what is certain is taken first: a column that is another one for sure is no candidate for the rest
    left, free = list(missing), list(available)
    while certain := [
        c for c in (_best(ours, left, free, scores) for ours in left) if c is not None and c[1].is_certain
    ]:
        found |= dict(certain)
        taken = {candidate.column.name for _, candidate in certain}
        left = [ours for ours in left if ours.name not in found]
        free = [there for there in free if there.name not in taken]
    return found | dict(filter(None, (_best(ours, left, free, scores) for ours in left)))


def _best(
    ours: DescribedColumn,
    missing: Sequence[DescribedColumn],
    available: Sequence[DescribedColumn],
    scores: Mapping[tuple[str, str], _Score],
) -> tuple[str, Candidate] | None:
    """Return the likeliest of the columns that are available, by our name; None where none is like it."""
    judged = {there.name: scores[ours.name, there.name] for there in available if (ours.name, there.name) in scores}
    ranked = sorted(judged, key=lambda name: (judged[name].is_said, judged[name].likeness), reverse=True)
    if not ranked or judged[ranked[0]].likeness < LIKELY:
        return None
    best, score = ranked[0], judged[ranked[0]]
    rivals = [judged[name] for name in ranked[1:]]
    rivals += [scores[o.name, best] for o in missing if o.name != ours.name and (o.name, best) in scores]
    is_alone = all(score.likeness - rival.likeness >= _MARGIN for rival in rivals if rival.is_said)
    column = next(there for there in available if there.name == best)
    return ours.name, Candidate(column, score.likeness, score.likeness >= CERTAIN and score.is_said and is_alone)


def likeness(ours: DescribedColumn, there: DescribedColumn) -> float:
    """Return how like a column of the archive is to one of ours: 0, where it cannot be it, to 1."""
    parts = _parts(ours, there)
    if parts is None:
        return 0.0
    # many services repeat the name in place of a description: then only the rest can tell, and nothing is certain
    if _words(there.description) in ([], _words(there.name)):
        known = 1 - _WEIGHTS["description"]
        return min(CERTAIN - _MARGIN, sum(_WEIGHTS[part] * parts[part] for part in ("name", "unit", "ucd")) / known)
    return sum(_WEIGHTS[part] * value for part, value in parts.items())


def _is_said_of_both(ours: DescribedColumn, there: DescribedColumn) -> bool:
    """Whether the words agree so well that a column may be proposed: the description, or the name and most of the rest."""
    parts = _parts(ours, there)
    if parts is None:
        return False
    by_name = parts["name"] >= _SAME_NAME and parts["description"] >= _UNKNOWN and parts["ucd"] in (1.0, _UNKNOWN)
    return parts["description"] > _SAME_WORDS or by_name


def _parts(ours: DescribedColumn, there: DescribedColumn) -> dict[str, float] | None:
    """Return the likeness of each part, None where the type or the unit is of another kind."""
    families = family_of(ours.kind), family_of(there.kind)
    description = _shared(ours.description, there.description)
    unit = _likeness_of_units(ours.unit, there.unit)
    # the very words of the description outweigh a unit: it is then the unit that has changed
    if (all(families) and families[0] != families[1]) or (unit == 0 and description < 1):
        return None
    return {
        "description": description,
        "name": max(SequenceMatcher(None, ours.name, there.name.lower()).ratio(), _shared(ours.name, there.name)),
        "unit": unit,
        "ucd": _shared(ours.ucd, there.ucd) if ours.ucd and there.ucd else _UNKNOWN,
    }


def _likeness_of_units(ours: str, theirs: str) -> float:
    if same_unit(ours, theirs):
        return 1.0
    if not theirs.strip():
        return _UNKNOWN
    # another scale may come with another name; another kind of quantity is another column
    return _UNKNOWN if factor_between(theirs, ours) is not None else 0.0


def _shared(first: str, second: str) -> float:
    """Return the share of words that two texts have in common (Dice); 1 for the same words in the same order."""
    ours, theirs = _words(first), _words(second)
    if not ours or not theirs:
        return 0.0
    if ours == theirs:
        return 1.0
    common = len(set(ours) & set(theirs))
    # not quite 1: the same words in another order may say something else
    return min(0.95, 2 * common / (len(set(ours)) + len(set(theirs))))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+", text.lower())
