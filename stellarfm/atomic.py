"""Nothing half-written is ever visible: build beside the target, then one rename."""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

PARTIAL, STALE = ".partial", ".stale"
"""Endings of the hidden names of what is being made, and of what was moved out of the way."""


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends without an exception.

    A folder left by a killed process is cleared first; a `target` that is there is replaced.
    """
    partial = partial_of(target)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        publish_folder(partial, target)
    except BaseException:
        # what is half made would keep a full disk full, and is of no use
        shutil.rmtree(partial, ignore_errors=True)
        raise


def partial_of(target: Path) -> Path:
    """Return where a file or folder is made before it gets its name."""
    # beside the target, because a rename is one step on one file system only
    return target.with_name(f".{target.name}{PARTIAL}")


def publish_folder(partial: Path, target: Path) -> None:
    """Rename a complete folder to its final name, moving an older one of that name out of the way first."""
    sync_tree(partial)
    if not target.exists():
        partial.rename(target)
        sync(target.parent)
        return
    # a folder cannot be renamed onto one that is not empty: for a moment there is none of this name
    stale = target.with_name(f".{target.name}{STALE}")
    shutil.rmtree(stale, ignore_errors=True)
    target.rename(stale)
    partial.rename(target)
    sync(target.parent)
    shutil.rmtree(stale)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk: after a power cut a rename may outlive what it renamed."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def sync_tree(folder: Path) -> None:
    """Wait until everything in a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            sync(path)


@contextmanager
def fresh_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it becomes `target` when the block ends without an exception."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(target)
    _clear(partial)
    try:
        yield partial
        replace_file(partial, target)
    except BaseException:
        _clear(partial)
        raise


def _clear(partial: Path) -> None:
    """Remove a partial file with what DuckDB keeps beside it: a log of another file would be played into the next one."""
    for path in partial.parent.glob(f"{glob.escape(partial.name)}*"):
        remove(path)


def replace_file(partial: Path, target: Path) -> None:
    """Rename a complete file to its final name, in one step for readers and for a power cut."""
    sync(partial)
    partial.replace(target)
    sync(target.parent)


def point_link(link: Path, name: str) -> None:
    """Let a link point to a folder beside it, in one step: no reader ever finds none."""
    fresh = partial_of(link)
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name, target_is_directory=True)
    fresh.replace(link)
    sync(link.parent)


_MADE_IN = (
    "",
    "landing/*",
    "landing/*/*",
    "checks",
    "releases",
    "runs",
    "runs/*",
    "runs/*/*",
    "artifacts/models/*/artifacts/*",
)
"""Folders of a home in which something is made beside its final name."""


def find_partials(home: Path) -> list[Path]:
    """Return what a killed process left half made in a home, or had moved out of the way.

    Unfinished trainings are not among it: they are gone on with from their checkpoints.
    """
    folders = [found for pattern in _MADE_IN for found in (home.glob(pattern) if pattern else [home])]
    left = [path for folder in folders for end in (STALE, f"{PARTIAL}*") for path in folder.glob(f".*{end}")]
    return [path for path in left if path.parent != home / "runs"]


def sweep_partials(home: Path) -> None:
    """Clear what a killed process left half made in a home, and put back what it had moved out of the way.

    Parameters
    ----------
    home
        The folder; whoever calls this holds it, so that nothing in it is being made.
    """
    for path in find_partials(home):
        name = path.with_name(path.name[1 : -len(STALE)])
        if path.name.endswith(STALE) and not name.exists():
            path.rename(name)
        else:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def write_json(target: Path, data: Any) -> None:
    """Write JSON under its final name in one step."""
    with fresh_file(target) as path:
        path.write_text(json.dumps(data, indent=2, default=str) + "\n", encoding="utf-8")


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cached_file_hash(path: str | Path) -> str:
    """Return `file_hash` of a file, computed once a process for as long as size and time of the file stay the same."""
    found = Path(path).stat()
    return _hash_once(str(Path(path).absolute()), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hash_once(file: str, _size: int, _mtime_ns: int) -> str:
    return file_hash(Path(file))


def content_key(*parts: Any) -> str:
    """Return a 16-digit key for anything JSON can hold: equal parts, equal key."""
    # sorted, so that the order of keys in a mapping does not matter; 64 bits are plenty for the folders of a home
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
