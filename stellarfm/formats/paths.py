"""A path is a path: what an address means."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stellarfm.errors import StellarError
from stellarfm.formats.kinds import READABLE, kind_of
from stellarfm.formats.layouts import hats_root, parquet_parts
from stellarfm.sql_paths import GLOB_SIGNS
from stellarfm.suggestions import near


@dataclass(frozen=True)
class Address:
    """What a person named as a table.

    Attributes
    ----------
    path
        A file, a folder, or a pattern.
    part
        Table or extension inside of the file, "" for the only one.
    files
        What is read: the file itself, or the Parquet files of the folder or pattern in the order of their names.
    root
        Folder below which names of folders may say something of the rows, None for a file or a pattern.
    """

    path: Path
    part: str
    files: tuple[Path, ...]
    root: Path | None = None

    @property
    def is_file(self) -> bool:
        """Whether one file was named, not a folder or a pattern."""
        return self.files == (self.path,)


def find(address: str | Path, folder: Path | None = None) -> Address:
    """Find the files of an address.

    A path that is there is that path, whatever its letters; only then the last ``#`` parts file and table, and ``*``,
    ``?`` and brackets are a pattern.

    Parameters
    ----------
    address
        A file, a folder of Parquet files, a pattern of files, or ``file#table``.
    folder
        What relative addresses are relative to; the working directory by default.

    Raises
    ------
    StellarError
        If there is no such file, or a folder has no Parquet files.
    """
    text = str(address)
    head, mark, part = text.rpartition("#")
    for name, table in ((text, ""), *([(head, part)] if mark and head else [])):
        path = Path(folder or "", name)
        if found := _found(path, table):
            return found
    beside = near(path.name, (one.name for one in path.parent.iterdir())) if path.parent.is_dir() else ""
    raise StellarError(f"there is no table {text}{beside}; name a file that is there ({', '.join(READABLE)})")


def _found(path: Path, part: str) -> Address | None:
    if path.is_file():
        return Address(path, part, (path,))
    if path.is_dir() and not part:
        root = hats_root(path)
        files = parquet_parts(root)
        if not files:
            raise StellarError(f"the folder {path} has no .parquet files; name a file, or a folder of Parquet files")
        return Address(path, part, files, root)
    if any(sign in str(path) for sign in GLOB_SIGNS):
        found = sorted(_matching(path))
        files = tuple(one for one in found if one.is_file())
        return Address(path, part, files) if files else None
    return None


def _matching(pattern: Path) -> Iterator[Path]:
    base = Path(pattern.anchor)
    # Path.glob takes relative patterns only
    return base.glob(str(pattern.relative_to(base)) if pattern.anchor else str(pattern))


def is_same_place(target: Path, address: Address) -> bool:
    """Whether a file that is to be written is one that is read, or would lie among the parts of a folder."""
    place = target.resolve()
    if any(place == file.resolve() for file in address.files):
        return True
    return address.root is not None and kind_of(target) == "parquet" and address.root.resolve() in place.parents
