"""The files that archives give away whole: allStar of the SDSS, and the XP spectra of the Gaia CDN by HEALPix part."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table

from archive_tables.descriptors import UNIT_OF

ALLSTAR_FOLDER = Path("sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1")
ALLSTAR_FILE = "allStar-dr17-synspec_rev1.fits"
ALLSTAR_CHECKSUMS = "dr17_apogee_spectro_aspcap_dr17_synspec_rev1.sha1sum"
NUM_UNUSED_COLUMNS = 40
"""The real file has 216 columns, of which a reader wants few."""

SPECTRA_FOLDER = Path("cdn/Gaia/gdr3/Spectroscopy/xp_continuous_mean_spectrum")
SPECTRA_CHECKSUMS = "_MD5SUM.txt"
NUM_SPECTRA_FILES = 5

SOURCE_ID_SHIFT = 43
"""source_id >> 43 is the HEALPix pixel of level 8 (nested)."""

NUM_PIXELS = 12 * 4**8

_ECSV_TYPES = {pa.int16(): "int16", pa.int64(): "int64", pa.float32(): "float32", pa.float64(): "float64"}


def write_allstar(allstar: pa.Table, folder: Path) -> None:
    """Write the table as HDU 1 of a FITS file, and beside it the lines ``SHA1  NAME``."""
    table = Table({name: allstar[name].to_numpy() for name in allstar.column_names})
    for name in table.colnames:
        if table[name].dtype == object:
            table[name] = table[name].astype("S")
    unused = np.random.default_rng(17).normal(size=(NUM_UNUSED_COLUMNS, len(table))).astype(np.float32)
    for number, values in enumerate(unused):
        table.add_column(values, name=f"UNUSED_{number:02d}", index=2 * number)
    target = folder / ALLSTAR_FOLDER
    target.mkdir(parents=True, exist_ok=True)
    table.write(target / ALLSTAR_FILE, overwrite=True)
    digest = hashlib.sha1((target / ALLSTAR_FILE).read_bytes(), usedforsecurity=False).hexdigest()
    (target / ALLSTAR_CHECKSUMS).write_text(f"{digest}  {ALLSTAR_FILE}\n", encoding="ascii")


def write_spectra(spectra: pa.Table, folder: Path) -> None:
    """Write the spectra in ECSV, a few ranges of pixels with about as many spectra each, and their MD5 sums."""
    target = folder / SPECTRA_FOLDER
    target.mkdir(parents=True, exist_ok=True)
    spectra = spectra.sort_by("source_id")
    pixels = spectra["source_id"].to_numpy() >> SOURCE_ID_SHIFT
    edges = np.unique([0, *np.quantile(pixels, np.arange(1, NUM_SPECTRA_FILES) / NUM_SPECTRA_FILES).astype(int)])
    sums = []
    for first, end in zip(edges, [*edges[1:], NUM_PIXELS], strict=True):
        name = f"XpContinuousMeanSpectrum_{first:06d}-{end - 1:06d}.csv.gz"
        inside = slice(*np.searchsorted(pixels, [first, end]))
        content = gzip.compress(_ecsv(spectra.slice(inside.start, inside.stop - inside.start)).encode(), 6, mtime=0)
        (target / name).write_bytes(content)
        sums.append(f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}  {name}\n")
    (target / SPECTRA_CHECKSUMS).write_text("".join(sums), encoding="ascii")


def _ecsv(spectra: pa.Table) -> str:
    """Return the text of a file: YAML header, names, then values; arrays in quotes, ``null`` where there is none."""
    header = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:"]
    header += [f"# - {_ecsv_column(field)}" for field in spectra.schema]
    header += ["# meta: {release: Gaia DR3}", ",".join(spectra.column_names)]
    columns = [_texts(spectra[name]) for name in spectra.column_names]
    return "\n".join([*header, *(",".join(row) for row in zip(*columns, strict=True)), ""])


def _ecsv_column(field: pa.Field) -> str:
    if pa.types.is_list(field.type):
        inner = _ECSV_TYPES[field.type.value_type]
        return f"{{name: {field.name}, datatype: string, subtype: '{inner}[null]'}}"
    unit = f", unit: {UNIT_OF[field.name]}" if field.name in UNIT_OF else ""
    return f"{{name: {field.name}, datatype: {_ECSV_TYPES[field.type]}{unit}}}"


def _texts(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_list(column.type):
        joined = pc.binary_join(column.cast(pa.list_(pa.string())), ",")
        column = pc.binary_join_element_wise('"[', joined, ']"', "")
    texts: list[str] = column.cast(pa.string()).fill_null("null").to_pylist()
    return texts
