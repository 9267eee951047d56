"""What a release lacks: columns of a checked relation that rest on one, whose rules cannot be judged."""

from collections.abc import Mapping

from stellarfm.surveys.selection import Surveys
from stellarfm.warehouse.build import STAGING
from stellarfm.warehouse.lineage import read_lineage

_SOURCES = "gaia_source"


def lacking_columns(table: str, surveys: Surveys) -> Mapping[str, str]:
    """Return the columns of a checked relation that rest on what the release of Gaia lacks, with a sentence of why.

    Parameters
    ----------
    table
        Table with a suite, as ``schema.name``.
    surveys
        The releases.
    """
    lacking = surveys.gaia.lacking(_SOURCES)
    if not lacking:  # nothing to look for: reading the SQL takes most of a second
        return {}
    columns = read_lineage(surveys, STAGING).of_check(table)
    return {
        name: f"{surveys.gaia.release} has no {column}, or its name is not known"
        for name, origins in columns.items()
        for column in sorted(lacking)
        if (_SOURCES, column) in origins
    }
