"""The profile of a survey's release: its tables, columns, epoch, identifiers and services, read from TOML and strict.

Everything that is peculiar to one release stands in its file here, or in the SQL of ``sql/staging``; nothing else knows it.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stellarfm.errors import StellarError
from stellarfm.resources import resource_folder
from stellarfm.suggestions import near

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


class Table(_Part):
    """A table of the landing that this survey fills."""

    description: str
    columns: Mapping[str, _COLUMN_TYPES]
    """DuckDB type of each column, in the order of the landing."""
    needed: tuple[str, ...]
    """Columns without which the table has no use; the others may be NULL throughout."""
    at: Mapping[str, ServiceTable] = {}
    """Other words of a service, by its name; one that is not here has ours."""

    @model_validator(mode="after")
    def _refuse_unknown_columns(self) -> "Table":
        named = {"needed": self.needed}
        for service, table in self.at.items():
            named |= {f"at.{service}.renamed": tuple(table.renamed), f"at.{service}.absent": table.absent}
        for key, columns in named.items():
            for column in columns:
                if column not in self.columns:
                    raise ValueError(f"{key} names the column {column!r}, which [columns] does not have")
        return self

    def names_at(self, service: str) -> dict[str, str]:
        """Return the service's name of each column that it has, by ours."""
        # a service that is not listed speaks the words of the release
        there = self.at.get(service, ServiceTable(name=""))
        return {name: there.renamed.get(name, name) for name in self.columns if name not in there.absent}

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
        names = self.names_at(service).items()
        return ", ".join(f"{dot}{there}" + ("" if there == here else f" AS {here}") for here, there in names)


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
    max_stars_per_request: int = Field(gt=0)
    bulk_healpix_level: int

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
    crossmatch: CrossmatchSide
    neighbours: Mapping[str, NeighbourTables] = {}
    tables: Mapping[str, Table]

    def table_at(self, service: str, table: str) -> str:
        """Return the name of a table on a service, with its schema."""
        there = self.tables[table].at.get(service)
        name = there.name if there is not None else table
        return f"{self.schemas[service]}.{name}" if service in self.schemas and "." not in name else name


@cache
def load_survey(name: str) -> Survey:
    """Read the profile of a release.

    Parameters
    ----------
    name
        Stem of a file of this folder, such as ``gaia_dr3``, or the path of a TOML file.

    Raises
    ------
    StellarError
        If there is no such profile, or a key is missing, unknown or of the wrong kind; names file and key.
    """
    path = Path(name) if name.endswith(".toml") else resource_folder("surveys") / f"{name}.toml"
    if not path.is_file():
        raise StellarError(
            f"there is no survey {name!r}{near(name, survey_names())}; known are {', '.join(survey_names())}"
        )
    try:
        return Survey(**tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise StellarError(f"the survey file {path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise StellarError(f"the survey file {path}: {_sentence(error)}") from error


def num_coefficients_of(name: str) -> int:
    """Return the number of XP coefficients of both bands of a release, by the name of its profile.

    Raises
    ------
    StellarError
        If there is no such profile, or the release has no spectra.
    """
    xp = load_survey(name).xp
    if xp is None:
        raise StellarError(f"the profile {name} has no [xp]: the release has no spectra")
    return xp.num_coefficients


def survey_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    return sorted(path.stem for path in resource_folder("surveys").glob("*.toml"))


def find_release(survey: str, release: str) -> Survey:
    """Return the profile of a survey's release by the name that the release has for people.

    Raises
    ------
    StellarError
        If no profile is of that release.
    """
    # all are read: the name of a release stands in the file, and a broken one should be told
    profiles = [load_survey(name) for name in survey_names()]
    known = {profile.release: profile for profile in profiles if profile.survey == survey}
    if release not in known:
        raise StellarError(f"there is no profile of {release!r} in stellarfm/surveys; known are {', '.join(known)}")
    return known[release]


def _sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong with a profile, with its key."""
    # an unknown key comes first: what it should have been is then missing as well
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}{_near_key(first['loc'])}"
    if first["type"] == "missing":
        return f"the key {key!r} is missing"
    return f"{key or 'the file'}: {first['msg'].removeprefix('Value error, ')}"


def _near_key(where: tuple[int | str, ...]) -> str:
    """Return a remark on the keys that a misspelt one may stand for."""
    known: set[str] = set()
    for kind in (Survey, Table, ServiceTable, Identifier, Xp, Astrometry, CrossmatchSide, NeighbourTables):
        known |= set(kind.model_fields)
    return near(str(where[-1]), sorted(known))
