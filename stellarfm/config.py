"""The settings of a run: strict (an unknown key is an error), frozen, from TOML, environment and command line.

The order of precedence is command line, environment (``STELLARFM_TRAINING__PRESET=default``), TOML file, default.
"""

import json
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from stellarfm.addresses import public_url
from stellarfm.errors import StellarError
from stellarfm.suggestions import near

DEFAULT_FILE = Path("stellarfm.toml")
_PREFIX = "STELLARFM_"
# read by the command line itself: where everything lies is no setting of a run
_NOT_SETTINGS = {"STELLARFM_HOME"}

RENAMED = {
    "asking.attempts": "retry.attempts",
    "asking.wait_s": "retry.wait_s",
    "asking.timeout_s": "retry.timeout_s",
    "asking.deadline_s": "retry.deadline_s",
    "asking.rows_per_part": "archive.rows_per_part",
    "asking.spectra_per_part": "archive.spectra_per_part",
}
"""Settings by their names before version 0.2: they still count, with a sentence, and go with version 0.3."""


Url = Annotated[str, PlainSerializer(public_url, when_used="json")]
"""An address; wherever settings are written down it stands without account and keys."""
LocalPath = Annotated[Path, PlainSerializer(lambda path: path.name, return_type=str, when_used="json")]
"""A file of this machine; where settings are written down, its name alone."""
LocalName = Annotated[str, PlainSerializer(lambda name: Path(name).name, return_type=str, when_used="json")]
"""A name of what ships, or the path of a file, which is written down as `LocalPath` is."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Archive(_Section):
    """Where the observations come from."""

    name: Literal["simulated", "esa", "files", "leung-bovy-2024"] = "simulated"
    """Archive to read; only ``esa``, which stands for Gaia, 2MASS and APOGEE, needs a network."""
    path: LocalPath | None = None
    """What an archive of files reads: a mapping (TOML) for ``files``, the HDF5 file for ``leung-bovy-2024``."""
    num_stars: int = Field(40_000, ge=100, le=100_000_000)
    """Distinct stars of the simulated sky."""
    rows_per_part: int = Field(20_000, ge=1)
    """Most rows of one part of the landing, and of one answer of an archive."""
    spectra_per_part: int = Field(2000, ge=1, le=5000)
    """Most spectra of one request; ESA refuses more than 5000."""


class Retry(_Section):
    """How often a request to an archive is made, and how long it may take."""

    attempts: int = Field(6, ge=1)
    """Times that a request is made before the run gives up; a query that the archive refuses is made once."""
    wait_s: float = Field(2.0, ge=0)
    """First wait between two attempts; each later one is about twice as long, at random, up to two minutes."""
    timeout_s: float = Field(120.0, gt=0)
    """Longest silence of a server."""
    deadline_s: float = Field(7200.0, gt=0)
    """Longest time that a job of an archive may take."""


class Gaia(_Section):
    """Gaia: which stars, and from where."""

    tap_url: Url = ""
    """TAP service; that of the release's profile if empty. Mirrors, with ``xp = tap``: https://gaia.aip.de/tap and
    https://gaia.ari.uni-heidelberg.de/tap."""
    data_url: Url = ""
    """DataLink service, for spectra; that of the profile if empty."""
    bulk_url: Url = ""
    """Folder of the bulk files, for spectra; that of the profile if empty."""
    release: str = Field("Gaia DR3", pattern=r"^(Gaia E?DR\d+|.+\.toml)$")
    """Data release by the name that it has, or a profile of one's own (``.toml``); the profile says everything else."""
    where: str = ""
    """ADQL condition on ``gaia_source`` that selects the stars to publish for; the stars of APOGEE if empty."""
    max_rows: int = Field(5_000_000, ge=1)
    """Most stars that ``gaia.where`` may select: one that selects more is refused, with its size, until this is raised."""
    xp: Literal["datalink", "tap", "bulk", "none"] = "datalink"
    """Where XP spectra come from."""
    xp_structure: str = ""
    """DATA_STRUCTURE of DataLink; the profile's word for it if empty."""
    credentials_block: str = ""
    """Name of a Prefect Secret block with ``user`` and ``password``; flows take the environment's if empty."""


class TwoMass(_Section):
    """2MASS: how its sources are found."""

    by: Literal["neighbours", "position", "none"] = "neighbours"
    """By Gaia's table of best neighbours at ESA, or by position at IRSA."""
    irsa_url: Url = ""
    """TAP service of IRSA; that of the profile if empty."""
    radius_arcsec: float = Field(3.0, gt=0, le=60)
    """How far from a Gaia source, at the epoch 2000, IRSA looks."""


class Apogee(_Section):
    """APOGEE: where its table comes from."""

    source: Literal["file", "vizier", "none"] = "file"
    """The whole file of SDSS (4 GB), or the columns that are needed from VizieR III/286."""
    url: Url = ""
    """The file; that of the profile if empty."""
    checksums: str | None = None
    """Name of the list of SHA-1 beside the file, the profile's if not set; empty compares the size alone."""
    vizier_url: Url = ""
    """TAP service of VizieR; that of the profile if empty."""


class Extinction(_Section):
    """Reddening of each star."""

    map: str = ""
    """A 3-D map, e.g. ``dustmaps:bayestar`` or ``mwdust:Combined19``; the user has its data."""
    table: LocalPath | None = None
    """A table with ``source_id`` and ``ebv``, or ``logebv``; used where no map is named."""


class Warehouse(_Section):
    """How DuckDB may use this machine, and how stars are matched on the sky."""

    memory_limit: str = "2GB"
    """Memory DuckDB may take before it spills to disk."""
    threads: int = Field(2, ge=1)
    """Threads DuckDB may use."""


class Checks(_Section):
    """When data are too bad to go on."""

    max_quarantined_share: float = Field(0.02, ge=0, le=1)
    """Largest share of a table's rows that may be set aside; above it the run stops."""


class Training(_Section):
    """What is trained, on which stars, and for how long."""

    stars: Literal["apogee", "selection"] = "apogee"
    """Stars to learn from where ``gaia.where`` selects those to publish for: all of APOGEE's, or the same selection."""
    preset: Literal["small", "default", "paper"] = "small"
    """Network and its training settings."""
    vocabulary: LocalName = "leung_bovy"
    """Name of a vocabulary that ships with stellarfm, or path of a TOML file."""
    max_steps: int | None = Field(None, ge=1)
    """Optimiser steps; the preset's own number if not set."""
    checkpoint_every: int = Field(250, ge=1)
    """Steps between checkpoints; how often changes nothing but how much a killed training loses."""
    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``."""


class Gate(_Section):
    """What a model must show before it becomes champion."""

    open: bool = False
    """Let every model through that answers with numbers: to try things with few stars and few steps."""
    accept: Literal["better", "not worse"] = "better"
    """Whether a candidate must be better than the champion beyond chance, or may also be as good."""
    max_teff_scatter_ratio: float = Field(0.5, gt=0)
    """Largest Teff scatter on held-out stars, as a share of that of a cubic fit in BP-RP."""
    min_coverage_68: float = Field(0.6, ge=0, le=1)
    """Smallest share of held-out stars inside their 68 % interval."""
    max_coverage_68: float = Field(0.78, ge=0, le=1)
    """Largest share of held-out stars inside their 68 % interval: errors that are too large are wrong as well."""
    min_coverage_95: float = Field(0.88, ge=0, le=1)
    """Smallest share of held-out stars inside their 95 % interval."""
    max_coverage_95: float = Field(0.99, ge=0, le=1)
    """Largest share of held-out stars inside their 95 % interval."""
    max_moved_share: float = Field(0.05, ge=0, le=1)
    """Largest share of answers that may move by more than three of their errors when the champion changes."""
    max_slower: float = Field(1.5, gt=0)
    """Largest time of an answer, as a multiple of the champion's on the same machine."""
    wait_for_approval: bool = False
    """Whether a candidate that passes waits for `stellarfm model promote`, so that a person looks first."""


class Settings(BaseSettings):
    """Every setting of `stellarfm run`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__")

    seed: int = Field(7, ge=0, lt=2**31)
    """Seed of everything that is drawn at random."""
    archive: Archive = Archive()
    retry: Retry = Retry()
    gaia: Gaia = Gaia()
    twomass: TwoMass = TwoMass()
    apogee: Apogee = Apogee()
    extinction: Extinction = Extinction()
    warehouse: Warehouse = Warehouse()
    checks: Checks = Checks()
    training: Training = Training()
    gate: Gate = Gate()

    @property
    def learns_from_others(self) -> bool:
        """Whether the stars to learn from are others than those to publish for."""
        selected = self.archive.name == "esa" and bool(self.gaia.where.strip())
        # without APOGEE's table there are no stars of APOGEE to learn from
        return selected and self.training.stars == "apogee" and self.apogee.source != "none"

    def to_toml(self) -> str:
        """Return the resolved settings in the form of a settings file."""
        data = self.model_dump(mode="json", exclude_none=True)
        lines = [f"{key} = {json.dumps(value)}" for key, value in data.items() if not isinstance(value, dict)]
        for section, values in data.items():
            if isinstance(values, dict):
                lines += ["", f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        return "\n".join(lines) + "\n"


def load_settings(file: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Read the settings.

    Parameters
    ----------
    file
        TOML file; ``stellarfm.toml`` in the working directory if it is there and none is named.
    overrides
        ``section.key=value`` pairs from the command line.

    Raises
    ------
    StellarError
        If a file is not there or not TOML, a key is unknown or a value is not allowed.
    """
    # first: pydantic passes over variables that it does not know
    _refuse_unknown_environment()
    values: dict[str, Any] = {}
    environment = (EnvSettingsSource(Settings)(), *_read_renamed_environment())
    # from the weakest to the strongest, and merged key by key: one override must not clear its section
    for source in (_read_toml(file), *environment, *map(_read_override, overrides)):
        _merge(values, _with_present_names(source))
    try:
        # values that are given in the call win over the environment, which is among them already
        return Settings(**values)
    except ValidationError as error:
        raise StellarError(_sentence(error)) from error


def _with_present_names(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings under their names of today, and say which were renamed."""
    found = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for before, now in RENAMED.items():
        (old_section, old_key), (section, key) = before.split("."), now.split(".")
        if isinstance(found.get(old_section), dict) and old_key in found[old_section]:
            print(f"stellarfm: the setting {before} is called {now} now; please rename it", file=sys.stderr)
            # in one source the name of today wins over that of before
            found.setdefault(section, {}).setdefault(key, found[old_section].pop(old_key))
            if not found[old_section]:
                del found[old_section]
    return found


def setting_names() -> list[str]:
    """Return every setting as ``section.key``."""
    return [
        f"{name}.{key}" if isinstance(value, dict) else name
        for name, value in Settings.model_construct().model_dump().items()
        for key in (value if isinstance(value, dict) else [name])
    ]


def changed_settings(resolved: str) -> list[str]:
    """Return the settings of a run that differ from the defaults, as ``section.key=value``.

    Parameters
    ----------
    resolved
        All settings as JSON, as a release keeps them.
    """
    defaults = Settings.model_construct().model_dump(mode="json")
    changed = []
    for name, value in json.loads(resolved).items():
        # settings of another version may lack or have keys that are not known here
        before = defaults.get(name)
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        known = before if isinstance(before, dict) else {"": before}
        changed += [f"{name}{'.' if key else ''}{key}={one}" for key, one in pairs if known.get(key) != one]
    return changed


def _read_toml(file: Path | None) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    if file is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StellarError(f"the settings file {path} cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise StellarError(f"the settings file {path} is not valid TOML: {error}") from error


def _read_override(override: str) -> dict[str, Any]:
    """Return ``section.key=value`` as a nested mapping."""
    name, equals, value = override.partition("=")
    if not equals:
        raise StellarError(f"--set needs section.key=value, not {override!r}{_nearest_settings(name.strip())}")
    # text as it is: pydantic turns it into the type of the setting, as with the environment
    nested: Any = value.strip()
    for key in reversed(name.strip().split(".")):
        nested = {key: nested}
    return dict(nested)


def _refuse_unknown_environment() -> None:
    """Refuse STELLARFM_ variables that set nothing: a misspelt one would otherwise pass unnoticed."""
    for sentence in unknown_variables():
        raise StellarError(sentence)


def unknown_variables() -> list[str]:
    """Return a sentence for each variable of the environment that begins as ours do and sets nothing, with those near it."""
    known = {_variable(name) for name in setting_names()} | _NOT_SETTINGS
    earlier = {_variable(name) for name in RENAMED}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known | earlier)
    return [
        f"the environment variable {name} sets nothing{near(name, known) or '; STELLARFM_SECTION__KEY sets section.key'}"
        for name in unknown
    ]


def _read_renamed_environment() -> list[dict[str, Any]]:
    """Return the variables of the environment that set something under an earlier name."""
    return [
        _read_override(f"{name}={os.environ[variable]}")
        for name in RENAMED
        if (variable := _variable(name)) in os.environ
    ]


def _variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return _PREFIX + name.upper().replace(".", "__")


def _nearest_settings(name: str) -> str:
    """Return what a person may have meant by a name that is no setting: those near it, else what its section or all have."""
    section, _, key = name.partition(".")
    known = setting_names()
    inside = [one for one in known if one.startswith(f"{section}.")]
    if inside and key:  # by the key alone, as all of them share the section
        keys = [one.partition(".")[2] for one in inside]
        return near(key, keys) or f"; [{section}] has {', '.join(keys)}"
    # a key without its section is found by itself, and told with it
    alone = {one: one.rpartition(".")[2] for one in known if not key}
    by_key = [one for one, short in alone.items() if short == name] or [o for o, s in alone.items() if near(name, [s])]
    if close := f" (near it: {', '.join(by_key)})" if by_key else near(name, known):
        return close
    return f"; sections are {', '.join(dict.fromkeys(one.partition('.')[0] for one in known))}"


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong, in one sentence."""
    # one sentence that a person can act on; the next mistake is told by the next run
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden" and isinstance(first["input"], dict) and first["input"]:
        name = (
            f"{name}.{next(iter(first['input']))}"  # of an unknown section pydantic gives the name of the section alone
        )
    if first["type"] == "extra_forbidden":
        return f"unknown setting {name!r}{_nearest_settings(name)}"
    return f"the setting {name} cannot be {first.get('input')!r}: {first['msg'][0].lower()}{first['msg'][1:]}"
