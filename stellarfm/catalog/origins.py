"""What a release of the catalogue says of the surveys' releases that it comes from, and of what those lack."""

from stellarfm.surveys.selection import Surveys
from stellarfm.warehouse.build import STAGING
from stellarfm.warehouse.lineage import Lineage, read_lineage

_SOURCES = "gaia_source"


def not_judged(surveys: Surveys) -> dict[str, str]:
    """Return the cuts and flags that the release of Gaia has no column for, and the column that it lacks.

    Parameters
    ----------
    surveys
        The releases.

    Returns
    -------
    dict
        Column of ``gaia_source`` by the name of the cut or flag; what rests on it follows from the SQL.
    """
    lacking = surveys.gaia.lacking(_SOURCES)
    if not lacking:  # nothing to look for: reading the SQL takes most of a second
        return {}
    lineage: Lineage = read_lineage(surveys, STAGING)
    rests = {column: lineage.rests_on(_SOURCES, column) for column in sorted(lacking)}
    return {name: column for column, on in rests.items() for name in (*on.cuts, *on.flags)}


def release_facts(surveys: Surveys) -> dict[str, str]:
    """Return what the provenance of a catalogue says of the releases: names, epoch, citations, and what was done without."""
    gaia = surveys.gaia
    without = [f"{name} ({gaia.release} has no {column})" for name, column in not_judged(surveys).items()]
    facts = {
        "gaia_release": gaia.release,
        "gaia_release_status": gaia.status,
        "gaia_epoch_year": str(gaia.epoch_year),
        "not_judged": ", ".join(without) or "nothing",
    }
    if gaia.astrometry is not None:
        facts["parallax_zero_point"] = gaia.astrometry.zero_point
    if gaia.crosswalk is not None:
        facts["labels_known_by"] = (
            f"identifiers of {gaia.crosswalk.release}, through {gaia.table_at('tap', 'crosswalk')}"
        )
    return facts | {f"{survey.survey}_citation": survey.citation for survey in surveys.all}
