"""Reading the profiles: from the TOML files of this folder, or one of a person's own that may extend one of them."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stellarfm.errors import StellarError
from stellarfm.resources import resource_folder
from stellarfm.suggestions import near
from stellarfm.surveys.profile import (
    About,
    Astrometry,
    CrossmatchSide,
    Crosswalk,
    Identifier,
    NeighbourTables,
    ServiceTable,
    Survey,
    Table,
    Xp,
)


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
    try:
        return Survey(**_read(name))
    except ValidationError as error:
        raise StellarError(f"the survey file {_path_of(name)}: {_sentence(error)}") from error


def _read(name: str, extended_by: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the content of a profile, put over that of the one which it extends."""
    path = _path_of(name)
    if not path.is_file():
        raise StellarError(
            f"there is no survey {name!r}{near(name, survey_names())}; known are {', '.join(survey_names())}"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise StellarError(f"the survey file {path} is not valid TOML: {error}") from error
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str) or base in (*extended_by, name):
        raise StellarError(f"the survey file {path}: extends cannot be {base!r}; it is the name of another profile")
    return _put_over(_read(base, (*extended_by, name)), content)


def _path_of(name: str) -> Path:
    return Path(name) if name.endswith(".toml") else resource_folder("surveys") / f"{name}.toml"


def _put_over(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return nested mappings with what another says put over them; lists and numbers are replaced whole."""
    merged = dict(base)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _put_over(merged[key], value) if both else value
    return merged


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


def find_survey(name: str) -> tuple[str, Survey]:
    """Return a profile and its stem or path, by that or by the name of its release.

    Raises
    ------
    StellarError
        If there is no such profile.
    """
    of_release = {load_survey(stem).release: stem for stem in survey_names()}
    stem = of_release.get(name, name)
    return stem, load_survey(stem)


def find_release(survey: str, release: str) -> Survey:
    """Return the profile of a survey's release.

    Parameters
    ----------
    survey
        ``gaia``, ``twomass`` or ``apogee``.
    release
        The name that the release has for people, or the path of a profile of one's own (``.toml``).

    Raises
    ------
    StellarError
        If no profile is of that release, or the file is of another survey.
    """
    if release.endswith(".toml"):
        own = load_survey(release)
        if own.survey != survey:
            raise StellarError(f"the survey file {release} is of {own.survey}, not of {survey}")
        return own
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
    kinds = (
        Survey, Table, ServiceTable, About, Identifier, Xp, Astrometry, Crosswalk, CrossmatchSide, NeighbourTables,
    )  # fmt: skip
    for kind in kinds:
        known |= set(kind.model_fields)
    return near(str(where[-1]), sorted(known))
