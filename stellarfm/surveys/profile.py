"""The profile of a survey's release: its tables, columns, epoch, identifiers and services, strict.

Everything that is peculiar to one release stands in its file here, or in the SQL of ``sql/staging``; nothing else knows it.
A name that nobody knows yet is ``"?"`` in it.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stellarfm.errors import StellarError

UNKNOWN = "?"
"""What a profile says of a name that is not known before the archive has the release."""

CROSSWALK = "crosswalk"
"""Table of the landing that leads from the identifiers of an earlier release to those of this one."""

SERVICE = "tap"
"""Key of the service that a release comes from; others mirror it."""

_COLUMN_TYPES = Literal["bigint", "integer", "smallint", "double", "float", "float[]", "boolean", "varchar"]


class _Part(BaseModel):
    # forbid: a misspelt key would otherwise leave its default in place without a word
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceTable(_Part):
    """How a service of the survey, or another archive that mirrors it, calls a table and its columns."""

    name: str
    """Table in the service's own words, with its schema where that is not the release's."""
    renamed: Mapping[str, str] = {}
    """Our name of a column to theirs, where they differ."""
    absent: tuple[str, ...] = ()
    """Columns that the service does not have."""
    factor: Mapping[str, float] = {}
    """What the service's numbers are multiplied by to be in our unit, where its unit is another."""


class About(_Part):
    """What a column is, in the words of its data model: by this it is known again where its name has changed."""

    description: str
    unit: str = ""
    """VOUnits string, "" if it has none."""
    ucd: str = ""
    """Unified content descriptor (UCD1+), "" where the data model gives none."""


class Table(_Part):
    """A table of the landing that this survey fills."""

    description: str
    columns: Mapping[str, _COLUMN_TYPES]
    """DuckDB type of each column, in the order of the landing."""
    needed: tuple[str, ...]
    """Columns without which the table has no use; the others may be NULL throughout."""
    about: Mapping[str, About] = {}
    """What each column is."""
    has_other_ways: bool = False
    """Whether a TAP service may lack it, as something else than TAP leads to it."""
    at: Mapping[str, ServiceTable] = {}
    """Other words of a service, by its name; one that is not here has ours."""

    @model_validator(mode="after")
    def _refuse_unknown_columns(self) -> "Table":
        named = {"needed": self.needed, "about": tuple(self.about)}
        for service, table in self.at.items():
            named |= {f"at.{service}.renamed": tuple(table.renamed), f"at.{service}.absent": table.absent}
            named |= {f"at.{service}.factor": tuple(table.factor)}
        for key, columns in named.items():
            for column in columns:
                if column not in self.columns:
                    raise ValueError(f"{key} names the column {column!r}, which [columns] does not have")
        return self

    @model_validator(mode="after")
    def _refuse_two_columns_for_one(self) -> "Table":
        for service in self.at:
            names = self.names_at(service)
            ours: dict[str, str] = {}
            for here, there in names.items():
                if there in ours:
                    raise ValueError(f"at.{service} gives two columns for {there!r}: {ours[there]!r} and {here!r}")
                ours[there] = here
        return self

    def names_at(self, service: str) -> dict[str, str]:
        """Return the service's name of each column that it has, by ours; one whose name nobody knows is left out."""
        # a service that is not listed speaks the words of the release
        there = self.at.get(service, ServiceTable(name=""))
        names = {name: there.renamed.get(name, name) for name in self.columns if name not in there.absent}
        return {here: name for here, name in names.items() if name != UNKNOWN}

    def lacking_at(self, service: str) -> set[str]:
        """Return the columns that a service does not have, or whose name there nobody knows."""
        return set(self.columns) - set(self.names_at(service))

    def about_column(self, name: str) -> About:
        """Return what a column is; its own name in words where the profile says nothing."""
        return self.about.get(name, About(description=name.replace("_", " ")))

    def select_at(self, service: str, alias: str = "") -> str:
        """Return the columns of a query to a service, in our names.

        Parameters
        ----------
        service
            Key of ``at``, or any name for a service that has our words.
        alias
            What the query calls the table, "" if it stands alone.
        """
        dot = f"{alias}." if alias else ""
        factors = self.at[service].factor if service in self.at else {}
        asked = []
        for here, there in self.names_at(service).items():
            text = f"{dot}{there}" + (f" * {factors[here]!r}" if here in factors else "")
            asked.append(text if text == f"{dot}{here}" else f"{text} AS {here}")
        return ", ".join(asked)


class Identifier(_Part):
    """Where the HEALPix pixel of a source stands in its identifier."""

    column: str
    healpix_level: int = Field(ge=0, le=29)
    num_bits_below_healpix: int = Field(ge=0, le=60)

    def bits_below(self, level: int) -> int:
        """Return by how many bits an identifier is shifted to the right to give the pixel of a HEALPix level, nested."""
        # each level up is four children in one pixel, thus two bits
        return self.num_bits_below_healpix + 2 * (self.healpix_level - level)


class Xp(_Part):
    """XP continuous spectra of a release."""

    num_bp: int = Field(gt=0)
    num_rp: int = Field(gt=0)
    retrieval_type: str
    data_structure: str
    epoch_products: tuple[str, ...] = ()
    """Words of DataLink for spectra of single transits, which are no mean spectra and are refused."""
    max_stars_per_request: int = Field(gt=0)
    bulk_healpix_level: int

    @model_validator(mode="after")
    def _refuse_epoch_spectra(self) -> "Xp":
        if self.retrieval_type in self.epoch_products:
            raise ValueError(
                f"retrieval_type is {self.retrieval_type}, the spectra of single transits; a star is described by its mean "
                "spectrum: name the product of mean spectra"
            )
        return self

    @property
    def num_coefficients(self) -> int:
        """Coefficients of both bands together."""
        return self.num_bp + self.num_rp

    def num_of(self, band: str) -> int:
        """Return the number of coefficients of the band ``bp`` or ``rp``.

        Raises
        ------
        KeyError
            If it is another word.
        """
        return {"bp": self.num_bp, "rp": self.num_rp}[band]


class Astrometry(_Part):
    """Where the zero point of each parallax comes from."""

    zero_point_mart: str
    """Relation of ``sql/marts`` that gives it."""
    zero_point: str
    """What it is, in words with its source: it goes into the provenance of a catalogue."""


class Crosswalk(_Part):
    """The table ``crosswalk`` leads from the identifiers of an earlier release, which labels are known by, to those of this."""

    release: str
    """The earlier release."""


class CrossmatchSide(_Part):
    """How the survey's table takes part in a crossmatch."""

    relation: str
    identifier: str
    epoch: str
    """Column of years, or a number of years."""
    moves: bool = False
    position_error_arcsec: str
    """SQL expression over the relation: 1 sigma in each direction."""
    radius_arcsec: float | None = Field(None, gt=0)
    """Largest separation from a source of Gaia at the epoch of this survey."""


class NeighbourTables(_Part):
    """Tables in which the archive keeps its own match with another survey."""

    best_neighbour: str
    join: str
    key: str
    identifier: str


class Survey(_Part):
    """A release of a survey."""

    survey: Literal["gaia", "twomass", "apogee"]
    release: str
    """Name of the release, as its archive and its papers write it."""
    status: Literal["published", "draft"]
    citation: str
    epoch_year: float = Field(ge=1900, le=2100, strict=True)
    services: Mapping[str, str]
    schemas: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    identifier: Identifier | None = None
    xp: Xp | None = None
    astrometry: Astrometry | None = None
    crosswalk: Crosswalk | None = None
    crossmatch: CrossmatchSide
    neighbours: Mapping[str, NeighbourTables] = {}
    tables: Mapping[str, Table]

    @model_validator(mode="after")
    def _refuse_a_crosswalk_without_its_table(self) -> "Survey":
        if self.crosswalk is not None and CROSSWALK not in self.tables:
            raise ValueError(f"[crosswalk] leads from {self.crosswalk.release}, but there is no [tables.{CROSSWALK}]")
        return self

    def lacking(self, table: str) -> set[str]:
        """Return the columns that the release itself lacks: those that its own service does not have."""
        return self.tables[table].lacking_at(SERVICE) if SERVICE in self.services else set()

    def table_at(self, service: str, table: str) -> str:
        """Return the name of a table on a service, with its schema.

        Raises
        ------
        StellarError
            If nobody knows its name yet; says which key of the profile wants it, and how to look.
        """
        there = self.tables[table].at.get(service)
        name = there.name if there is not None else table
        if name == UNKNOWN:
            raise unknown_name(self, f"tables.{table}.at.{service}.name", self.tables[table].description)
        return f"{self.schemas[service]}.{name}" if service in self.schemas and "." not in name else name


def unknown_name(survey: Survey, key: str, what: str) -> StellarError:
    """Return what to say where a name is needed that the profile of a release leaves open."""
    return StellarError(
        f"the profile of {survey.release} does not know the name of what it needs here ({what}): fill in the key {key}; "
        "`stellarfm survey check` lists what the archive has and writes a profile with --write FILE.toml, which "
        "gaia.release = FILE.toml then selects"
    )
