"""The authors' own training file (Zenodo record 12738256) as an archive: HDF5 with tokens, read in chunks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from stellarfm.archives.source import Query
from stellarfm.atomic import cached_file_hash
from stellarfm.errors import StellarError
from stellarfm.landing.expected import Expected
from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection
from stellarfm.progress import ProgressCallback
from stellarfm.surveys.reading import num_coefficients_of

TABLE = "leung_bovy_2024"
RELEASE = "Leung & Bovy (2024) training file"

PART_ROWS = 50_000
"""Rows of one part: 70 MB in memory."""

NUM_COEFFICIENTS = num_coefficients_of("gaia_dr3")
"""The file was made from this release."""

# as the authors call them: logc19 is ln E(B-V) of the map Combined19, g_fakemag parallax [mas] 10^(0.2 G)
_SCALARS = (
    "bprp", "jh", "jk", "g_fakemag", "logc19", "parallax", "teff", "logg", "m_h",
)  # fmt: skip
DATASETS: dict[str, tuple[str, int, str]] = {
    "tmass_designation": ("2mass_designation", 1, "S"),
    "gaia_source_id": ("gaia_source_id", 1, "iu"),
    "xp_coeffs_gnorm": ("raw/xp_coeffs_gnorm", NUM_COEFFICIENTS, "f"),
    "xp_coeffs_gnorm_err": ("raw/xp_coeffs_gnorm_err", NUM_COEFFICIENTS, "f"),
    "xp_relevancy": ("raw/xp_relevancy", NUM_COEFFICIENTS, "biu"),
    "phot_g_mean_mag": ("raw/phot_g_mean_mag", 1, "f"),
    **{f"{name}{end}": (f"raw/{name}{end}", 1, "f") for name in _SCALARS for end in ("", "_err")},
}
"""Each column of the landing: its dataset, the numbers of a row, and the kinds of type that it may have."""


class LeungBovy:
    """The training file as a source.

    Parameters
    ----------
    path
        The HDF5 file.

    Raises
    ------
    StellarError
        If it is not there, not HDF5, or lacks a dataset, or one has another shape or type.
    """

    unit = "rows"
    selection = Selection()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._num_rows = _check(path)
        self.folder = f"leung-bovy-2024-{cached_file_hash(path)[:16]}"

    def plan(self) -> list[Query]:
        """Return the ranges of rows that would be read."""
        return [Query(TABLE, part, self._text(rows), len(rows)) for part, rows in self._parts()]

    def expect(self, landing: Landing) -> Expected:
        """Return the rows of the file, and how many have a Teff; one column is read, the others are not."""
        with h5py.File(self._path, "r") as file:
            labelled = int(np.isfinite(file[DATASETS["teff"][0]][:]).sum())
        later = dict.fromkeys(("xp_spectra", "twomass_sources", "apogee_stars"), "known when the file is read")
        notes = later | {
            "gaia_sources": "rows of the file",
            "labelled_stars": "rows with a Teff",
            "size_bytes": "of the file",
        }
        size = self._path.stat().st_size
        return Expected(self._num_rows, labelled_stars=labelled, requests=0, size_bytes=size, notes=notes)

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Read the ranges that are not there yet."""
        with h5py.File(self._path, "r") as file:
            for part, rows in self._parts():
                if not landing.has(TABLE, part):
                    landing.write(TABLE, part, _read(file, rows), self._text(rows), RELEASE)
                progress(rows.stop, self._num_rows, "")

    def _parts(self) -> Iterator[tuple[str, range]]:
        for number, first in enumerate(range(0, self._num_rows, PART_ROWS)):
            yield f"part-{number:05d}", range(first, min(first + PART_ROWS, self._num_rows))

    def _text(self, rows: range) -> str:
        return f"{self._path.name}, rows {rows.start} to {rows.stop - 1}"


def _check(path: Path) -> int:
    """Return the number of rows of a file that has the layout of the authors."""
    if not path.is_file():
        raise StellarError(f"there is no file {path}; name the training_set.h5 of Zenodo record 12738256")
    if not h5py.is_hdf5(path):
        raise StellarError(f"{path} is not an HDF5 file; name the training_set.h5 of Zenodo record 12738256")
    try:
        with h5py.File(path, "r") as file:
            return _check_datasets(path, file)
    except OSError as error:
        raise StellarError(f"{path} cannot be read ({error}); it may be cut short, fetch it again") from error


def _check_datasets(path: Path, file: Any) -> int:
    num_rows: int | None = None
    for name, width, kinds in DATASETS.values():
        found = file.get(name)
        if not isinstance(found, h5py.Dataset):
            raise StellarError(f"{path} has no dataset /{name}; it is not the training file of Leung & Bovy (2024)")
        # the first dataset says how many rows there are, and all others must agree
        num_rows = found.shape[0] if num_rows is None and found.shape else num_rows
        expected = [(num_rows, width)] if width > 1 else [(num_rows,), (num_rows, 1)]
        if found.shape not in expected:
            raise StellarError(
                f"the dataset /{name} of {path} has the shape {found.shape}, not {' or '.join(map(str, expected))}"
            )
        if found.dtype.kind not in kinds:
            raise StellarError(f"the dataset /{name} of {path} has the type {found.dtype}, which is of another kind")
    if not num_rows:
        raise StellarError(f"{path} has no rows; it is not the training file of Leung & Bovy (2024)")
    return num_rows


def _read(file: Any, rows: range) -> pa.Table:
    """Return a range of rows as the landing has them: values as they are, arrays as lists."""
    # the file has no key of its own: a row is named by its place
    columns: dict[str, Any] = {"row_in_file": pa.array(np.arange(rows.start, rows.stop, dtype=np.int64))}
    for column, (name, width, _) in DATASETS.items():
        values = file[name][rows.start : rows.stop]
        if column == "xp_relevancy":
            values = values.astype(bool)
        columns[column] = _lists(values) if width > 1 else _scalars(values.reshape(-1))
    return pa.table(columns)


def _scalars(values: Any) -> pa.Array:
    if values.dtype.kind == "S":
        return pa.array(np.char.strip(np.char.decode(values, "ascii", "replace")).tolist(), pa.string())
    if values.dtype.kind in "iu":
        return pa.array(values.astype(np.int64))
    return pa.array(values.astype(values.dtype.newbyteorder("=")))


def _lists(values: Any) -> pa.Array:
    # all rows have the same width, so that the flat array and its offsets are the list column: no Python object a row
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    items = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))).reshape(-1)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(items))
