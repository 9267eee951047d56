"""A saved TAP_SCHEMA of a release, and random changes of it whose right answer is known."""

import random
from dataclasses import dataclass, field, replace

from stellarfm.surveys.described import DescribedColumn, TapSchema
from stellarfm.surveys.profile import SERVICE, UNKNOWN, Survey

# what the archive has beside: alike in name, unit or words to columns of ours, and none of them
OTHERS = (
    ("random_index", "bigint", "", "meta.code", "Random index for use when selecting subsets"),
    ("phot_g_mean_flux", "double", "'electron'.s**-1", "phot.flux;em.opt", "G-band mean flux"),
    ("phot_g_mean_flux_error", "float", "'electron'.s**-1", "stat.error;phot.flux;em.opt", "Error on G-band mean flux"),
    ("parallax_over_error", "float", "", "stat.snr;pos.parallax.trig", "Parallax divided by its standard error"),
    ("pm", "float", "mas/yr", "pos.pm;pos.eq", "Total proper motion"),
    ("bp_g", "float", "mag", "phot.color;em.opt.B;em.opt", "BP-G colour"),
    ("g_rp", "float", "mag", "phot.color;em.opt;em.opt.R", "G-RP colour"),
    ("ecl_lon", "double", "deg", "pos.ecliptic.lon", "Ecliptic longitude"),
    ("ra_dec_corr", "float", "", "stat.correlation;pos.eq", "Correlation between right ascension and declination"),
    ("astrometric_gof_al", "float", "", "stat.fit.goodness", "Goodness of fit statistic of the model along-scan"),
    ("radial_velocity_error", "float", "km/s", "stat.error;spect.dopplerVeloc.opt", "Radial velocity error"),
    ("has_rvs", "boolean", "", "meta.code.status", "Flag indicating the availability of mean RVS spectrum"),
)  # fmt: skip
CHANGED_UNITS = {"mas": "arcsec", "deg": "rad", "mas/yr": "arcsec/yr", "km/s": "m/s", "mag": "Jy", "yr": "d"}
LOST = {"mag": "Jy"}
"""Units that no factor leads back from."""


@dataclass
class Draw:
    """A changed schema, and what was done to it.

    Attributes
    ----------
    schema
        As the archive has it now.
    table
        Its name for ``gaia_source``.
    renamed, removed, unit
        Our name of each renamed column with the new one; the column that is gone; the column in another unit.
    """

    schema: TapSchema
    table: str
    renamed: dict[str, str] = field(default_factory=dict)
    removed: str = ""
    unit: str = ""


def schema_of(survey: Survey) -> TapSchema:
    """The TAP_SCHEMA of an archive that has what a profile says, and more."""
    tables = {}
    for name, table in survey.tables.items():
        at = table.at.get(SERVICE)
        there = "xp_mean" if at is not None and at.name == UNKNOWN else survey.table_at(SERVICE, name)
        columns = [
            DescribedColumn(called, table.columns[ours].removesuffix("[]"), *_said(survey, name, ours))
            for ours, called in table.names_at(SERVICE).items()
        ]
        more = [DescribedColumn(*one) for one in OTHERS] if name == "gaia_source" else []
        tables[there if "." in there else f"{survey.schemas[SERVICE]}.{there}"] = (*columns, *more)
    return TapSchema("the archive", tables)


def _said(survey: Survey, table: str, column: str) -> tuple[str, str, str]:
    about = survey.tables[table].about_column(column)
    return about.unit, about.ucd, about.description


def shuffle(survey: Survey, seed: int) -> Draw:
    """Rename three columns and the table, change one unit, and remove one column, all drawn by the seed."""
    rng = random.Random(seed)
    sound = schema_of(survey)
    name, table = survey.table_at(SERVICE, "gaia_source"), survey.tables["gaia_source"]
    names = table.names_at(SERVICE)
    chosen = rng.sample(sorted(set(names) - {"source_id"}), 4)
    renamed = {column: _new_name(rng, names[column]) for column in chosen[:3]}
    removed = chosen[3]
    with_unit = [c for c in sorted(names) if table.about_column(c).unit in CHANGED_UNITS and c != removed]
    changed = rng.choice(with_unit)
    columns = []
    for ours, called in names.items():
        if ours == removed:
            continue
        column = next(one for one in sound.tables[name] if one.name == called)
        unit = CHANGED_UNITS[column.unit] if ours == changed else column.unit
        columns.append(replace(column, name=renamed.get(ours, called), unit=unit))
    there = f"{survey.schemas[SERVICE]}.{_new_name(rng, 'gaia_source')}"
    tables = {table: rows for table, rows in sound.tables.items() if table != name}
    others = tuple(one for one in sound.tables[name] if one.name not in names.values())
    rng.shuffle(columns)
    return Draw(TapSchema("the archive", tables | {there: (*columns, *others)}), there, renamed, removed, changed)


def _new_name(rng: random.Random, name: str) -> str:
    """A name that resembles the old one, or does not at all."""
    words = name.split("_")
    if rng.random() < 0.5 and len(words) > 1:
        return "_".join([*words[1:], words[0]])
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8))
