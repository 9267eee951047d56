"""The data dictionary has one source: the tags behind each column of the publishing SQL.

The tags follow the schema files of SDSS and WFAU: ``--/D`` description, ``--/U`` unit, ``--/C`` UCD, ``--/N`` meaning
of NULL; a column with ``--/R crosswalk`` is published where the release of Gaia has one. Those of the flags have ``--/B``,
the bit, and ``--/X bad``. A name in braces is filled in: a rule of ``sql/macros.sql``, or what the profile of a release says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stellarfm.catalog.origins import not_judged
from stellarfm.resources import read_sql
from stellarfm.rules import rule_value
from stellarfm.surveys.selection import Surveys, choose_surveys

_COLUMN_TAGS = {"D", "U", "C", "N", "R"}
_FLAG_TAGS = {"B", "D", "X"}


@dataclass(frozen=True)
class PublishedColumn:
    """What the dictionary says of one column.

    Attributes
    ----------
    table, name
        Where it is.
    description
        What it is, in a sentence.
    unit
        VOUnits string, "" if it has none.
    ucd
        Unified content descriptor (UCD1+).
    null_meaning
        What NULL means.
    """

    table: str
    name: str
    description: str
    unit: str
    ucd: str
    null_meaning: str


@dataclass(frozen=True)
class Flag:
    """One bit of ``stars.quality_flags``.

    Attributes
    ----------
    bit
        Its value.
    name, description
        What it is called, and what it means.
    is_bad
        Whether it makes the parameters doubtful.
    """

    bit: int
    name: str
    description: str
    is_bad: bool


def read_dictionary(table: str, surveys: Surveys | None = None) -> list[PublishedColumn]:
    """Return the columns of a published table, in order, from the tags of ``sql/catalog/<table>.sql``.

    Parameters
    ----------
    table
        Published table.
    surveys
        Releases that descriptions name; those of Gaia DR3 if not given.

    Raises
    ------
    ValueError
        If a tagged column lacks a tag, or its name cannot be told: a mistake in the SQL, never a user's.
    """
    columns = []
    left_out = columns_left_out(table, surveys)
    for name, found in _tagged(table, required={"D", "C", "N"}, known=_COLUMN_TAGS):
        if name in left_out:
            continue
        description = _filled(found["D"], surveys)
        columns.append(
            PublishedColumn(table, name, description, found.get("U", ""), found["C"], _filled(found["N"], surveys))
        )
    return columns


def columns_left_out(table: str, surveys: Surveys | None = None) -> list[str]:
    """Return the columns of a publishing query that these releases have nothing for, so that they are not published."""
    if (surveys or choose_surveys()).gaia.crosswalk is not None:
        return []
    return [name for name, tags in _tagged(table, required=set(), known=_COLUMN_TAGS) if tags.get("R") == "crosswalk"]


def read_flags(surveys: Surveys | None = None) -> list[Flag]:
    """Return the flags in the order of their columns in ``sql/catalog/raised_flags.sql``.

    Raises
    ------
    ValueError
        If a flag lacks a tag, or two share a bit.
    """
    tagged = _tagged("raised_flags", required={"B", "D"}, known=_FLAG_TAGS)
    chosen = surveys or choose_surveys()
    without = not_judged(chosen)
    flags = [
        Flag(int(t["B"]), name, _of_release(_filled(t["D"], chosen), name, without, chosen), t.get("X") == "bad")
        for name, t in tagged
    ]
    bits = [flag.bit for flag in flags]
    # flags are added up into one number: of two with one bit, or one with two, the sum could not be read again
    if len(set(bits)) < len(bits) or any(bit.bit_count() != 1 for bit in bits):
        raise ValueError(f"catalog/raised_flags.sql: each flag needs a bit of its own, not {bits}")
    return flags


def _of_release(description: str, name: str, without: Mapping[str, str], surveys: Surveys) -> str:
    """Return what a flag means, or that it is never raised as the release lacks its column."""
    if name not in without:
        return description
    return f"Not judged, {surveys.gaia.release} has no {without[name]}: {description}"


def _tagged(table: str, *, required: set[str], known: set[str]) -> list[tuple[str, dict[str, str]]]:
    """Return name and tags of each tagged column of a publishing query."""
    columns = []
    for line in read_sql(f"catalog/{table}").splitlines():
        code, mark, tags = line.partition("--/")
        if not mark or not code.strip() or code.lstrip().startswith("--"):
            continue
        # the last word before the comma is the name, with or without an expression and `as` before it
        match = re.search(r"(\w+)\s*,?\s*$", code)
        found = {tag: text.strip() for tag, text in re.findall(r"--/([A-Z])\s+(.*?)(?=\s*--/|$)", mark + tags)}
        missing, unknown = sorted(tag for tag in required if not found.get(tag)), sorted(found.keys() - known)
        if match is None or missing or unknown:
            raise ValueError(
                f"catalog/{table}.sql: {code.strip()!r} lacks the tags {missing} or has unknown ones {unknown}"
            )
        columns.append((match[1], found))
    return columns


def _filled(text: str, surveys: Surveys | None) -> str:
    """Fill in what stands in braces."""
    chosen = surveys or choose_surveys()
    of_releases = {
        "gaia_release": chosen.gaia.release,
        "gaia_epoch_year": str(chosen.gaia.epoch_year),
        "twomass_release": chosen.twomass.release,
        "apogee_release": chosen.apogee.release,
        "earlier_release": chosen.gaia.crosswalk.release if chosen.gaia.crosswalk is not None else "",
    }

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        return of_releases[name] if name in of_releases else f"{rule_value(name):g}"

    return re.sub(r"\{(\w+)\}", fill, text)
