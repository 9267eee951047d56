"""Damage is never used: what a file held when it was written is kept beside it and compared when it is read."""

import errno
import hashlib
import json
import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stellarfm.atomic import cached_file_hash, file_hash, write_json
from stellarfm.errors import StellarError

SEAL_FILE = "SHA256SUMS"
"""Hashes of the files of a folder, in the form that ``sha256sum --check`` reads."""

CHECKSUM = "record_sha256"
"""Key under which a record keeps the hash of everything else in it."""

BLOCK_BYTES = 1 << 22
"""A large file is hashed in blocks, so that some of them can be compared without reading the others."""

_WHOLE_BYTES = 1 << 26
_SAMPLED_BLOCKS = 16


class DamagedError(StellarError):
    """A file is not what was written; says what is lost and the way out.

    Parameters
    ----------
    path
        The file or folder.
    why
        How that is known.
    remedy
        What is lost and what to do, as half a sentence.
    """

    def __init__(self, path: Path, why: str, remedy: str) -> None:
        super().__init__(f"{path} is damaged ({why}); {remedy}")
        self.path, self.why = path, why


def write_record(target: Path, data: Mapping[str, Any]) -> None:
    """Write JSON with a hash of itself, in one step."""
    write_json(target, signed(data))


def signed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON keeps of a mapping, with the hash of that."""
    kept = json.loads(json.dumps(data, default=str))
    return {**kept, CHECKSUM: _digest(kept)}


def read_record(path: Path, remedy: str) -> dict[str, Any]:
    """Read what `write_record` wrote, or JSON from before records had a hash.

    Raises
    ------
    DamagedError
        If it is not JSON, or does not fit its hash.
    """
    try:
        return checked(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DamagedError(path, str(error), remedy) from error


def checked(data: Any) -> dict[str, Any]:
    """Return a signed mapping without its hash.

    Raises
    ------
    ValueError
        If it is no mapping, or does not fit its hash.
    """
    if not isinstance(data, dict):
        raise ValueError("it holds no mapping")
    kept = {key: value for key, value in data.items() if key != CHECKSUM}
    if CHECKSUM in data and data[CHECKSUM] != _digest(kept):
        raise ValueError("its content does not fit its hash")
    return kept


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def seal(folder: Path) -> str:
    """Write the hashes of all files of a folder into it, and return the hash of that list, which stands for all of them."""
    lines = [f"{file_hash(path)}  {path.relative_to(folder).as_posix()}" for path in _files(folder)]
    text = "\n".join(lines) + "\n"
    (folder / SEAL_FILE).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def check_seal(folder: Path, remedy: str) -> str:
    """Compare a sealed folder with its list, and return what `seal` returned.

    Raises
    ------
    DamagedError
        If a file is missing, was added or differs, or there is no list.
    """
    try:
        text = (folder / SEAL_FILE).read_bytes()
        lines = (line.split("  ", 1) for line in text.decode().removesuffix("\n").split("\n"))
        listed = {name: digest for digest, name in lines}
    except (OSError, ValueError) as error:
        raise DamagedError(folder / SEAL_FILE, f"the list of hashes cannot be read: {error}", remedy) from error
    found = {path.relative_to(folder).as_posix() for path in _files(folder)}
    for name in sorted(found ^ listed.keys()):
        raise DamagedError(folder / name, "missing" if name in listed else "not among the files written", remedy)
    for name, expected in listed.items():
        if cached_file_hash(folder / name) != expected:
            raise DamagedError(folder / name, "its sha256 is not the one written", remedy)
    return hashlib.sha256(text).hexdigest()


def seal_hash(folder: Path) -> str:
    """Return what `seal` returned, without comparing anything."""
    return file_hash(folder / SEAL_FILE)


def is_sealed(folder: Path) -> bool:
    """Whether a folder has a list of its hashes; those from before 0.2 have none."""
    return (folder / SEAL_FILE).is_file()


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != SEAL_FILE)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


@dataclass(frozen=True)
class FileSum:
    """What a file held when it was written.

    Attributes
    ----------
    size_bytes
        Its length.
    sha256
        Hash of the whole of it.
    blocks
        sha256 of each `BLOCK_BYTES` of it.
    """

    size_bytes: int
    sha256: str
    blocks: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path) -> "FileSum":
        """Read a file once and return its hashes."""
        whole, blocks = hashlib.sha256(), []
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                whole.update(block)
                blocks.append(hashlib.sha256(block).hexdigest())
        return cls(path.stat().st_size, whole.hexdigest(), tuple(blocks))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FileSum":
        """Return what JSON describes."""
        return cls(int(data["size_bytes"]), str(data["sha256"]), tuple(data["blocks"]))

    def difference(self, path: Path, *, whole: bool = False) -> str:
        """Return how a file differs from what was written, "" if it does not.

        Parameters
        ----------
        path
            The file.
        whole
            Read all of it; otherwise a file of more than 64 MiB is judged by its size, its first and last block and some
            between them that are drawn anew each time.
        """
        if not path.is_file():
            return "missing"
        size = path.stat().st_size
        if self.size_bytes != size:
            return f"{size:,} bytes in place of {self.size_bytes:,}"
        if whole or size <= _WHOLE_BYTES or not self.blocks:
            return "" if cached_file_hash(path) == self.sha256 else "its sha256 is not the one written"
        return self._sampled_difference(path)

    def _sampled_difference(self, path: Path) -> str:
        inner = range(1, len(self.blocks) - 1)
        chosen = [0, *random.sample(inner, min(_SAMPLED_BLOCKS, len(inner))), len(self.blocks) - 1]
        with path.open("rb") as stream:
            for place in chosen:
                stream.seek(place * BLOCK_BYTES)
                if hashlib.sha256(stream.read(BLOCK_BYTES)).hexdigest() != self.blocks[place]:
                    return f"the bytes from {place * BLOCK_BYTES:,} on are not those written"
        return ""


def sqlite_damage(file: Path) -> str:
    """Return what is wrong with a sqlite database, "" if nothing is; of a large one only its beginning is looked at."""
    look = "pragma quick_check(1)" if file.stat().st_size <= _WHOLE_BYTES else "select 'ok' from sqlite_master limit 1"
    try:
        with closing(sqlite3.connect(file)) as con:
            found = str((con.execute(look).fetchone() or ["it holds no table"])[0])
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)
    return "" if found == "ok" else found.replace("\n", " ")


def is_damage(error: Exception) -> bool:
    """Whether a library's error says that a database on disk is not what was written: DuckDB and sqlite have no class for it."""
    words = ("Corrupt database file", "Could not read enough bytes", "not a valid DuckDB database file")
    return any(word in str(error) for word in (*words, "disk image is malformed", "file is not a database"))


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, or one that it comes from, says that a disk is full: DuckDB and sqlite have only words for it."""
    words = ("No space left", "Disk quota exceeded", "database or disk is full", "out of disk space")
    found: BaseException | None = error
    while found is not None:
        if getattr(found, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(word in str(found) for word in words):
            return True
        found = found.__cause__ or found.__context__
    return False
