"""The two copies of a model, in its run folder and in the registry: each is compared with its hash, and mended from the other."""

import shutil
from pathlib import Path

from stellarfm.atomic import fresh_folder
from stellarfm.home import Home
from stellarfm.integrity import DamagedError
from stellarfm.progress import tell
from stellarfm.registry import MODEL_HASH, ModelVersion, Registry


def whole_folder(home: Home, version: ModelVersion, *, mend: bool = True) -> Path:
    """Return the folder of a version after comparing every file of it with what was registered.

    Parameters
    ----------
    home
        Where run folders lie.
    version
        The version.
    mend
        Replace a damaged folder by the copy in the run folder, where that is whole; it is said.

    Raises
    ------
    DamagedError
        If it is damaged and is not mended.
    """
    expected = version.tags.get(MODEL_HASH, "")
    try:
        _check(version.folder, expected)
    except DamagedError as error:
        copy = run_copy(home, version.run)
        if not _is_whole(copy, expected):
            raise
        if not mend:
            raise DamagedError(error.path, error.why, "`stellarfm doctor --repair` mends it from its run") from error
        _replace(version.folder, copy, error)
    return version.folder


def mend_run(home: Home, run: str) -> bool:
    """Whether the model in a run folder is whole, or was replaced by the registry's copy of it; both are said.

    Parameters
    ----------
    home
        Where run folders lie.
    run
        Key of the training run.
    """
    copy = run_copy(home, run)
    try:
        _check(copy, "")
    except DamagedError as error:
        for version in Registry(home).versions():
            if (
                version.run == run
                and version.tags.get(MODEL_HASH)
                and _is_whole(version.folder, version.tags[MODEL_HASH])
            ):
                _replace(copy, version.folder, error)
                return True
        tell(f"{error.path} is damaged ({error.why}): the model is made anew")
        return False
    return True


def mend_version(home: Home, version: ModelVersion, *, mend: bool = True) -> list[DamagedError]:
    """Look at both copies of a registered model, replace a damaged one by the other, and return what was wrong.

    Parameters
    ----------
    home
        Where run folders lie.
    version
        The version.
    mend
        Whether anything is replaced.
    """
    found, expected = [], version.tags.get(MODEL_HASH, "")
    for folder, other in ((version.folder, run_copy(home, version.run)), (run_copy(home, version.run), version.folder)):
        try:
            _check(folder, expected)
        except DamagedError as error:
            found.append(error)
            if mend and _is_whole(other, expected):
                _replace(folder, other, error)
    return found


def run_copy(home: Home, run: str) -> Path:
    """Return where the model of a run lies."""
    return home.runs / run / "model"


def _check(folder: Path, expected: str) -> None:
    from stellarfm.model.checkpoint import MODEL_REMEDY, check_model  # torch takes long to import

    found = check_model(folder)
    if expected and found != expected:
        raise DamagedError(folder, "it is not the model that was registered", MODEL_REMEDY)


def _is_whole(folder: Path, expected: str) -> bool:
    try:
        _check(folder, expected)
    except DamagedError:
        return False
    return True


def _replace(folder: Path, copy: Path, error: DamagedError) -> None:
    tell(f"{error.path} is damaged ({error.why}): replaced by the copy {copy}")
    with fresh_folder(folder) as partial:
        shutil.copytree(copy, partial, dirs_exist_ok=True)
