"""APOGEE DR17: the whole allStar file of SDSS, read column by column, or what is needed of it from VizieR."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stellarfm.archives.downloads import checksums, download, read_text
from stellarfm.archives.landed import as_landed
from stellarfm.archives.patience import Patience, RefusedError
from stellarfm.archives.schema import SCHEMAS
from stellarfm.archives.tap import Tap
from stellarfm.config import Apogee
from stellarfm.errors import StellarError
from stellarfm.progress import console

TABLE = "apogee_allstar"
RELEASE = "APOGEE DR17"
SDSS = "the archive of SDSS"
VIZIER_TABLE = '"III/286/catalog"'

VIZIER_COLUMNS = {
    "APOGEE_ID": "APOGEE", "TELESCOPE": "Tel", "FIELD": "Field", "RA": "RAJ2000", "DEC": "DEJ2000", "GLON": "GLON",
    "GLAT": "GLAT", "NVISITS": "Nvis", "VHELIO_AVG": "HRV", "VERR": "e_HRV", "SNR": "SNR", "STARFLAG": "SFlag",
    "ASPCAPFLAG": "AFlag", "J": "Jmag", "J_ERR": "e_Jmag", "H": "Hmag", "H_ERR": "e_Hmag", "K": "Ksmag",
    "K_ERR": "e_Ksmag", "TEFF": "Teff", "TEFF_ERR": "e_Teff", "LOGG": "logg", "LOGG_ERR": "e_logg", "M_H": "[M/H]",
    "M_H_ERR": "e_[M/H]", "GAIAEDR3_SOURCE_ID": "GaiaEDR3",
}  # fmt: skip
"""What VizieR III/286 calls the columns of allStar; EXTRATARG is not among them."""

_BYTES_AT_ONCE = 64 << 20


def fetch_file(
    settings: Apogee, folder: Path, patience: Patience, told: Callable[[int, int], None]
) -> tuple[Path, str]:
    """Bring the allStar file of SDSS and return where it lies, with its address.

    Parameters
    ----------
    settings
        Address of the file and of the list of checksums beside it.
    folder
        Where it goes.
    patience
        How often and how long SDSS is asked.
    told
        Called with bytes done and bytes in all.

    Raises
    ------
    StellarError
        If SDSS refuses or fails, or the file is damaged.
    """
    name = settings.url.rpartition("/")[-1]
    path = folder / name
    expected = "" if path.is_file() or not settings.checksums else _checksum(settings, patience)
    return download(SDSS, settings.url, path, patience, checksum=expected, told=told), settings.url


def _checksum(settings: Apogee, patience: Patience) -> str:
    """Return the checksum of the file in the list beside it; "" and a word to the user where there is none."""
    root, _, name = settings.url.rpartition("/")
    address = f"{root}/{settings.checksums}"
    try:
        found = checksums(read_text(SDSS, address, patience)).get(name, "")
    except RefusedError:
        found = ""
    if not found:
        console.print(f"{address} has no checksum of {name}: its size alone is compared", soft_wrap=True)
    return found


def read_allstar(path: Path, rows_at_once: int | None = None) -> Iterator[pa.Table]:
    """Read the columns of the landing from an allStar file, block by block; the rest of it is never held.

    Parameters
    ----------
    path
        FITS file whose first extension is the table.
    rows_at_once
        Rows of a block; some 64 MB of the file if not given.

    Raises
    ------
    StellarError
        If it is no such file, cut short, or lacks a column.
    """
    kind, start, rows = _layout(path)
    wanted = [name for name in SCHEMAS[TABLE].columns if name in (kind.names or ())]
    missing = sorted(SCHEMAS[TABLE].needed - set(wanted))
    if missing:
        raise StellarError(f"{path} has no column {missing[0]}; it is not the allStar table of APOGEE DR17")
    schema = SCHEMAS[TABLE].empty().schema
    size = rows_at_once or max(1, _BYTES_AT_ONCE // kind.itemsize)
    with path.open("rb") as stream:
        stream.seek(start)
        for first in range(0, rows, size):
            block = np.fromfile(stream, dtype=kind, count=min(size, rows - first))
            columns = {name: _plain(block[name]) for name in wanted}
            yield pa.table([columns.get(f.name, pa.nulls(len(block))).cast(f.type) for f in schema], schema)


def fetch_vizier(tap: Tap, parts: "Callable[[str], pa.Table]") -> pa.Table:
    """Return what is needed of allStar from VizieR, in the order of the identifiers.

    Parameters
    ----------
    tap
        VizieR's TAP service.
    parts
        Asks one query with as many rows as it has.
    """
    columns = ", ".join(f'"{name}"' for name in VIZIER_COLUMNS.values())
    answer = parts(f"SELECT {columns} FROM {VIZIER_TABLE}")  # noqa: S608
    return as_landed(answer, TABLE, f"{tap.name}: {VIZIER_TABLE}", columns=VIZIER_COLUMNS, order='"APOGEE_ID"')


def _layout(path: Path) -> tuple[np.dtype[Any], int, int]:
    """Return the type of a row as it lies in the file, where the first begins, and how many there are."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=True, lazy_load_hdus=True) as file:
            table = file[1]
            header, columns = table.header, table.columns
            start, rows = int(table.fileinfo()["datLoc"]), int(header["NAXIS2"])
            kind = columns.dtype.newbyteorder(">")
    except (OSError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise StellarError(f"{path} is no FITS table ({error}); remove it and run again to fetch it anew") from error
    short = start + rows * kind.itemsize - path.stat().st_size
    if short > 0:
        raise StellarError(
            f"{path} is cut short: {short:,} bytes are missing; remove it and run again to fetch it anew"
        )
    return kind, start, rows


def _plain(values: Any) -> pa.Array:
    """Return a column of the file as Arrow has it: text without its filling, numbers in this machine's order."""
    if values.dtype.kind == "S":
        return pa.array(np.char.rstrip(np.char.decode(np.ascontiguousarray(values), "ascii", "replace")))
    return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))
