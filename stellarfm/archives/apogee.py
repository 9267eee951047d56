"""APOGEE: the whole allStar file of SDSS, read column by column, or what is needed of it from VizieR."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stellarfm.addresses import public_url
from stellarfm.archives.downloads import checksums, download, read_text
from stellarfm.archives.retry import RefusedError, RetryPolicy
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.schema import TableSchema
from stellarfm.progress import ProgressCallback, console
from stellarfm.sql_text import identifier
from stellarfm.surveys.profile import Survey

TABLE = "apogee_allstar"
"""Table of the landing."""

SDSS = "the archive of SDSS"
"""What it is called in messages."""

VIZIER = "vizier"
"""Key of VizieR in a profile."""

_BYTES_AT_ONCE = 64 << 20


@dataclass(frozen=True)
class AllStarFile:
    """The allStar file of SDSS.

    Attributes
    ----------
    url
        Where it lies.
    checksums
        Name of the list of checksums beside it; "" compares the size alone.
    retry
        How often and how long SDSS is asked.
    """

    url: str
    checksums: str
    retry: RetryPolicy

    def fetch(self, folder: Path, progress: ProgressCallback) -> Path:
        """Bring the file and return where it lies.

        Parameters
        ----------
        folder
            Where it goes.
        progress
            Called with MB done and MB in all.

        Raises
        ------
        StellarError
            If SDSS refuses or fails, or the file is damaged.
        """
        path = folder / public_url(self.url).rpartition("/")[-1]
        # a file that is here was compared when it came
        expected = "" if path.is_file() or not self.checksums else self._checksum()
        return download(SDSS, self.url, path, self.retry, checksum=expected, progress=progress)

    def _checksum(self) -> str:
        """Return the checksum of the file in the list beside it; "" and a word to the user where there is none."""
        root, _, name = self.url.rpartition("/")
        address = f"{root}/{self.checksums}"
        try:
            found = checksums(read_text(SDSS, address, self.retry)).get(name, "")
        # the list is a help, not a need: its name could not be confirmed before the first real download
        except RefusedError:
            found = ""
        if not found:
            console.print(
                f"{public_url(address)} has no checksum of {name}: its size alone is compared", soft_wrap=True
            )
        return found


def read_allstar(path: Path, schema: TableSchema, rows_at_once: int | None = None) -> Iterator[pa.Table]:
    """Read the columns of the landing from an allStar file, block by block; the rest of it is never held.

    Parameters
    ----------
    path
        FITS file whose first extension is the table.
    schema
        The landing's table.
    rows_at_once
        Rows of a block; some 64 MB of the file if not given.

    Yields
    ------
    pyarrow.Table
        A block, columns and types as in the landing.

    Raises
    ------
    StellarError
        If it is no such file, cut short, or lacks a column.
    """
    kind, start, rows = _layout(path)
    wanted = [name for name in schema.columns if name in (kind.names or ())]
    missing = sorted(schema.needed - set(wanted))
    if missing:
        raise StellarError(f"{path} has no column {missing[0]}; it is not the allStar table of APOGEE")
    fields = schema.empty().schema
    size = rows_at_once or max(1, _BYTES_AT_ONCE // kind.itemsize)
    # the rows as they lie, block by block: only what is wanted of a block is ever turned into columns
    with path.open("rb") as stream:
        stream.seek(start)
        for first in range(0, rows, size):
            block = np.fromfile(stream, dtype=kind, count=min(size, rows - first))
            columns = {name: _plain(block[name]) for name in wanted}
            yield pa.table([columns.get(f.name, pa.nulls(len(block))).cast(f.type) for f in fields], fields)


def query_of_vizier(survey: Survey) -> str:
    """Return the query for what VizieR has of allStar, in VizieR's names."""
    # quoted: names such as [M/H] are no words of ADQL
    columns = ", ".join(identifier(name) for name in survey.tables[TABLE].names_at(VIZIER).values())
    return f"SELECT {columns} FROM {survey.table_at(VIZIER, TABLE)}"  # noqa: S608


def conform_vizier(answer: pa.Table, survey: Survey, schema: TableSchema) -> pa.Table:
    """Return an answer of VizieR as the landing has it, by identifier.

    Raises
    ------
    StellarError
        If a needed column is not there, or a value is not of the column's type.
    """
    names = survey.tables[TABLE].names_at(VIZIER)
    called = f"VizieR: {survey.table_at(VIZIER, TABLE)}"
    return conform(answer, schema, called, columns=names, order=identifier("APOGEE_ID"))


def _layout(path: Path) -> tuple[np.dtype[Any], int, int]:
    """Return the type of a row as it lies in the file, where the first begins, and how many there are."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=True, lazy_load_hdus=True) as file:
            table = file[1]
            header, columns = table.header, table.columns
            start, rows = int(table.fileinfo()["datLoc"]), int(header["NAXIS2"])
            # FITS is big-endian (FITS standard 4.0, section 5)
            kind = columns.dtype.newbyteorder(">")
    except (OSError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise StellarError(f"{path} is no FITS table ({error}); remove it and run again to fetch it anew") from error
    # np.fromfile returns fewer rows from a short file, without an error
    short = start + rows * kind.itemsize - path.stat().st_size
    if short > 0:
        raise StellarError(
            f"{path} is cut short: {short:,} bytes are missing; remove it and run again to fetch it anew"
        )
    return kind, start, rows


def _plain(values: Any) -> pa.Array:
    """Return a column of the file as Arrow has it: text without its filling, numbers in this machine's order."""
    if values.dtype.kind == "S":
        # FITS fills text with blanks; a byte that is not ASCII must not stop the reading
        return pa.array(np.char.rstrip(np.char.decode(np.ascontiguousarray(values), "ascii", "replace")))
    return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))
