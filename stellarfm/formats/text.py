"""CSV, TSV and ECSV: what a text file looks like, and how DuckDB is told so.

Nothing is guessed from a sample: names come from the header, types from all rows (see `stellarfm.formats.column_types`).
"""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from stellarfm.errors import StellarError
from stellarfm.formats.ecsv import EcsvColumn, read_ecsv_header
from stellarfm.formats.kinds import is_zipped, suffix_of
from stellarfm.sql_paths import sql_path
from stellarfm.sql_text import literal

NULL_WORDS = ("", "null", "NULL")
"""What stands for NULL in every column, unless in quotes: nothing, and the word of the Gaia archive."""

_DELIMITERS = (",", "\t", ";", "|")
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class TextFile:
    """How a text file is written.

    Attributes
    ----------
    path
        The file.
    names
        Columns, as the header writes them.
    delimiter
        One letter.
    skip
        Lines before the first row; one of several in quotes counts once.
    has_comments
        Whether DuckDB is to find the comments before them by itself.
    encoding
        ``utf-8`` or ``utf-16``.
    described
        What an ECSV header says of columns, by name.
    """

    path: Path
    names: list[str]
    delimiter: str
    skip: int
    has_comments: bool
    encoding: str
    described: Mapping[str, EcsvColumn]

    def reader(self, types: Mapping[str, str]) -> str:
        """Return what stands after ``from``, with the type of each column by its name in the relation."""
        columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
        words = ", ".join(map(literal, NULL_WORDS))
        zipped = "gzip" if is_zipped(self.path) else "none"
        comment = ", comment = '#'" if self.has_comments else ""
        return (
            f"read_csv({sql_path(self.path)}, auto_detect = false, header = false, skip = {self.skip}, columns = {{{columns}}}, "
            f"delim = {literal(self.delimiter)}, quote = '\"', escape = '\"', nullstr = [{words}], allow_quoted_nulls = false, "
            f"encoding = {literal(self.encoding)}, compression = {literal(zipped)}, hive_partitioning = false{comment})"
        )


def look_at(path: Path) -> TextFile:
    """Read the head of a text file.

    Raises
    ------
    StellarError
        If it is empty, or not in UTF-8 or UTF-16.
    """
    with path.open("rb") as stream:
        encoding = _ENCODINGS.get(stream.read(2), "utf-8")
    # utf-8-sig: a mark at the start of the file belongs to no name
    called = "utf-8-sig" if encoding == "utf-8" else encoding
    opener = gzip.open if is_zipped(path) else open
    with opener(path, "rt", encoding=called, newline="") as text:
        try:
            return _look(path, text, encoding)
        except UnicodeDecodeError as error:
            raise not_utf8(path) from error


def not_utf8(path: Path, where: str = "") -> StellarError:
    """Return the error for a file in another encoding."""
    return StellarError(
        f"{path} is not in UTF-8{where}; convert it, e.g. with iconv --from-code latin1 --to-code utf-8, "
        "or save it as UTF-8"
    )


def _look(path: Path, text: TextIO, encoding: str) -> TextFile:
    comments: list[str] = []
    line = text.readline()
    while line.startswith("#") or (line and not line.strip()):
        comments.append(line.rstrip("\r\n"))
        line = text.readline()
    if not line and not comments:
        raise StellarError(f"{path} is empty: it has no names of columns")
    header = read_ecsv_header(comments, str(path))
    delimiter = header[0] if header else _delimiter(path, line or comments[-1])
    # a row may go on in the next line, within quotes
    first = next(csv.reader(chain([line], text), delimiter=delimiter), [])
    if header is None and comments and (names := _commented(comments[-1], first, delimiter)):
        return TextFile(path, names, delimiter, *_before(comments, 0), encoding, {})
    return TextFile(path, first, delimiter, *_before(comments, 1), encoding, header[1] if header else {})


def _before(comments: list[str], header: int) -> tuple[int, bool]:
    """Return how many lines stand before the rows, and whether DuckDB is to find the comments among them.

    It counts lines as CSV has them, and a quote in a comment, as 5" of a radius, would join it with all that follow. Where there
    is one it looks for comments, although it then takes # in a text without quotes for one as well.
    """
    is_odd = any(line.count('"') % 2 for line in comments)
    return (header, True) if is_odd else (len(comments) + header, False)


def _delimiter(path: Path, line: str) -> str:
    if suffix_of(path) == ".tsv":
        return "\t"
    return next((sign for sign in _DELIMITERS if sign in line), ",")


def _commented(comment: str, first: list[str], delimiter: str) -> list[str]:
    """Return the names that a comment right above the rows gives, as TOPCAT and others write them; none if it is no header."""
    names = [name.strip() for name in next(csv.reader([comment.lstrip("# ")], delimiter=delimiter), [])]
    is_header = (len(names) == len(first) > 1 or not first) and not any(map(_is_number, names))
    return names if is_header and (not first or any(map(_is_number, first))) else []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
