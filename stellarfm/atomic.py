"""Nothing half-written is ever visible: build beside the target, then one rename."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends without an exception.

    A folder left by a killed process is cleared first; a `target` that is there is replaced.
    """
    # beside the target, because a rename is one step on one file system only
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    publish_folder(partial, target)


def publish_folder(partial: Path, target: Path) -> None:
    """Rename a complete folder to its final name, moving an older one of that name out of the way first."""
    if target.exists():
        # a folder cannot be renamed onto one that is not empty: for a moment there is none of this name
        stale = target.with_name(f".{target.name}.stale")
        shutil.rmtree(stale, ignore_errors=True)
        target.rename(stale)
        partial.rename(target)
        shutil.rmtree(stale)
    else:
        partial.rename(target)


@contextmanager
def fresh_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; it becomes `target` when the block ends without an exception."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    yield partial
    partial.replace(target)


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
