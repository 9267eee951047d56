"""Folders of Parquet files: which files are parts of the table, and what the names of their folders say."""

import re
from pathlib import Path
from urllib.parse import unquote

_KEY = re.compile(r"([^=/]+)=(.*)")
_PIXEL = re.compile(r"Norder=\d+")
_COLLECTION = "collection.properties"
_PRIMARY = "hats_primary_table_url"


def hats_root(folder: Path) -> Path:
    """Return the folder of a HATS catalogue's pixels, or the folder itself if it is none.

    A collection also holds margins and indices, and a catalogue a thumbnail: their rows are copies.
    """
    properties = folder / _COLLECTION
    if properties.is_file():
        found = dict(line.split("=", 1) for line in properties.read_text(encoding="utf-8").splitlines() if "=" in line)
        folder = folder / found.get(_PRIMARY, "").strip()
    for place in (folder / "dataset", folder):
        if _is_hats(place):
            return place
    return folder


def parquet_parts(folder: Path) -> tuple[Path, ...]:
    """Return the Parquet files below a folder in the order of their names, without the bookkeeping of who wrote it."""
    found = (file for file in folder.rglob("*.parquet") if file.is_file())
    if _is_hats(folder):
        found = (file for file in found if _PIXEL.fullmatch(file.relative_to(folder).parts[0]))
    # _metadata, _SUCCESS and the like, also as folders: Spark and others keep there what is no row of the table
    return tuple(
        sorted(f for f in found if not any(part.startswith(("_", ".")) for part in f.relative_to(folder).parts))
    )


def hive_columns(root: Path, files: tuple[Path, ...]) -> dict[str, list[str]]:
    """Return what the names ``key=value`` of the folders below a root say: by key, the value of each file.

    Only a layout where each file lies below the same keys is one; that of HATS says nothing that a row has not.
    """
    if _is_hats(root):
        return {}
    named = [[_KEY.fullmatch(part) for part in file.relative_to(root).parts[:-1]] for file in files]
    keys = [tuple(match[1] if match else "" for match in one) for one in named]
    if not keys or not keys[0] or "" in keys[0] or len(set(keys)) > 1:
        return {}
    return {key: [unquote(one[i][2]) for one in named if one[i]] for i, key in enumerate(keys[0])}  # type: ignore[index]


def _is_hats(folder: Path) -> bool:
    return folder.is_dir() and any(_PIXEL.fullmatch(one.name) for one in folder.iterdir())
