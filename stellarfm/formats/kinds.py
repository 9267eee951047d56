"""Which suffix is which format."""

from pathlib import Path
from typing import Literal

Kind = Literal["parquet", "text", "fits", "votable", "duckdb", ""]
"""A format; text is CSV, TSV and ECSV, "" none that is known."""

READABLE = (".parquet (a file, a folder or a pattern)", ".csv", ".csv.gz", ".tsv", ".ecsv", ".fits", ".vot",
            ".duckdb (file.duckdb#table)")  # fmt: skip
WRITABLE = (".parquet", ".csv", ".csv.gz", ".tsv", ".fits", ".vot", ".duckdb")

_KINDS: dict[str, Kind] = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "text", ".tsv": "text", ".ecsv": "text",
    ".fits": "fits", ".fit": "fits", ".fts": "fits", ".vot": "votable", ".votable": "votable", ".xml": "votable",
    ".duckdb": "duckdb", ".db": "duckdb", ".ddb": "duckdb",
}  # fmt: skip
_ZIPPED: tuple[Kind, ...] = ("text", "fits", "votable")
"""Formats that are read through gzip; of these only text is written so."""


def suffix_of(path: Path) -> str:
    """Return the suffix that tells the format, in lower case, without that of a compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if is_zipped(path):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def is_zipped(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its name."""
    return path.suffix.lower() == ".gz"


def kind_of(path: Path) -> Kind:
    """Return the format that a file is read in, by its suffix."""
    kind = _KINDS.get(suffix_of(path), "")
    return "" if is_zipped(path) and kind not in _ZIPPED else kind


def writable_kind(path: Path) -> Kind:
    """Return the format that a file is written in, by its suffix."""
    kind = kind_of(path)
    readable_only = suffix_of(path) == ".ecsv" or (is_zipped(path) and kind != "text")
    return "" if readable_only else kind
