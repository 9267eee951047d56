"""Files as SQL writes them, so that no letter of a path is a sign: the one place that knows what DuckDB makes of a path."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stellarfm.errors import StellarError
from stellarfm.sql_text import literal

GLOB_SIGNS = "*?["


def reader_path(path: str | Path) -> str:
    """Return a file for a reader of DuckDB, which takes patterns, so that it means this file alone."""
    text = str(path)
    if not any(sign in text for sign in GLOB_SIGNS):
        return text
    if "\\" in text:  # which has a meaning of its own in a pattern
        return _through_descriptor(text)
    return "".join(f"[{letter}]" if letter in GLOB_SIGNS else letter for letter in text)


def reader_paths(paths: Iterable[str | Path]) -> list[str]:
    """Return files for the parameter ``$files`` of a query."""
    return [reader_path(path) for path in paths]


def sql_path(path: str | Path) -> str:
    """Return a file for a reader of DuckDB as a SQL string."""
    return literal(reader_path(path))


def database_path(path: str | Path, *, read_only: bool = True) -> str:
    """Return a DuckDB file under a name that takes no part of it for an option.

    Raises
    ------
    StellarError
        If it is to be written below a folder whose name has a question mark: what DuckDB keeps beside it would go astray.
    """
    text = str(path)
    if not any(sign in text for sign in "?\\"):
        return text
    if "?" in text and not read_only:
        raise StellarError(
            f"DuckDB cannot write {text}, since there is a question mark in its name; choose another place"
        )
    if Path(path).exists():
        return _through_descriptor(text)
    return f"{_through_descriptor(str(Path(text).parent))}/{Path(text).name}"


def folder_path(path: str | Path) -> str:
    """Return a folder, which need not exist yet, for a setting of DuckDB."""
    text = str(path)
    if "\\" not in text:
        return text
    if Path(path).exists():
        return _through_descriptor(text)
    return f"{_through_descriptor(str(Path(text).parent))}/{Path(text).name}"


def _through_descriptor(path: str) -> str:
    # DuckDB has no way to quote these letters
    found = Path(path).stat()
    # a folder is the same however much comes into it
    return _descriptor(path, found.st_ino, 0 if Path(path).is_dir() else found.st_mtime_ns)


@lru_cache
def _descriptor(path: str, _inode: int, _mtime_ns: int) -> str:
    # once a file, so that it has one name; it stays open, since nobody knows when the reading ends
    return f"/proc/self/fd/{os.open(path, os.O_RDONLY)}"
