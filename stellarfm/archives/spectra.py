"""XP continuous mean spectra: by DataLink, by TAP of a mirror, or from the bulk files."""

import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from stellarfm.archives.by_ids import Ids
from stellarfm.archives.credentials import Credentials
from stellarfm.archives.downloads import checksums, download, read_text
from stellarfm.archives.gaia import query_of_ids
from stellarfm.archives.jobs import Jobs
from stellarfm.archives.landed import as_landed
from stellarfm.archives.patience import Patience, StumbledError
from stellarfm.archives.schema import SCHEMAS
from stellarfm.archives.tap import UPLOADED, Tap
from stellarfm.archives.xp_raw import read_raw
from stellarfm.config import Gaia
from stellarfm.database import open_database
from stellarfm.errors import StellarError

TABLE = "xp_continuous_mean_spectrum"
_BULK_LEVEL_BITS = 43
"""A bulk file holds whole HEALPix pixels of level 8: source_id >> 43 (Gaia DR3 data model)."""


class DataLink:
    """Spectra by DataLink.

    Parameters
    ----------
    settings
        Address of the service, release and name of the structure.
    patience
        How often and how long it is asked.
    credentials
        Of an account, if there is one.
    """

    name = "DataLink of the Gaia archive"

    def __init__(self, settings: Gaia, patience: Patience, credentials: Credentials | None = None) -> None:
        self._settings, self._patience, self._credentials = settings, patience, credentials

    def ask(self, ids: Ids) -> pa.Table:
        """Return the spectra that the archive gives for stars, at most 5000 at once.

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        return self._patience.ask(self.name, lambda: self._get(ids))

    def _get(self, ids: Ids) -> pa.Table:
        request = {
            "VALID_DATA": "false",
            "ID": ",".join(map(str, ids.tolist())),
            "RELEASE": self._settings.release,
            "DATA_STRUCTURE": self._settings.xp_structure,
            "FORMAT": "fits",
            "RETRIEVAL_TYPE": "XP_CONTINUOUS",
            "USE_ZIP_ALWAYS": "true",
        }
        with TemporaryDirectory(prefix="stellarfm-") as folder:
            answer = Path(folder) / "answer.zip"
            self._service.load_data(params_dict=request, output_file=str(answer))
            return read_zip(answer)

    @cached_property
    def _service(self) -> Any:
        from astroquery.utils.tap import TapPlus

        base, _, context = self._settings.data_url.rstrip("/").rpartition("/")
        service = TapPlus(
            url=base,
            server_context=context,
            tap_context="tap",
            data_context="data",
            datalink_context="datalink",
            upload_context="Upload",
            table_edit_context="TableTool",
            verbose=False,
        )
        credentials = self._credentials
        if credentials is not None:
            self._patience.ask(self.name, lambda: credentials.log_in(service))
        return service


def read_zip(path: Path) -> pa.Table:
    """Read the spectra in an answer of DataLink; nothing is unpacked to where a name in it points.

    Raises
    ------
    StellarError
        If a name climbs out of its folder.
    StumbledError
        If there is nothing to read, or it is cut short.
    """
    tables = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
                raise StellarError(
                    f"an answer of DataLink holds the file {name!r}, which climbs out of its folder; nothing was unpacked"
                )
            if name.lower().endswith(".fits"):
                content = archive.read(name)
                try:
                    tables.append(read_raw(content, "fits"))
                except StellarError as error:
                    raise StumbledError(str(error)) from error
    return pa.concat_tables(tables) if tables else SCHEMAS[TABLE].empty()


class MirrorSpectra:
    """Spectra by TAP, as AIP and ARI have them."""

    def __init__(self, tap: Tap, schema: str, jobs: Jobs) -> None:
        self._tap, self._schema, self._jobs = tap, schema, jobs

    def ask(self, ids: Ids, part: str) -> pa.Table:
        """Return the spectra that the mirror gives for stars."""
        columns = ", ".join(f"s.{name}" for name in SCHEMAS[TABLE].columns)
        text = (
            f"SELECT {columns} FROM {self._schema}.{TABLE} AS s "  # noqa: S608
            f"JOIN tap_upload.{UPLOADED} AS w ON s.source_id = w.source_id"
        )
        answer = self._tap.fetch(query_of_ids(text, ids), self._jobs, part)
        return as_landed(answer, TABLE, f"{self._tap.name}: {self._schema}.{TABLE}")


class BulkSpectra:
    """Spectra from the bulk files: each is brought once, and goes when its stars are read."""

    name = "the files of the Gaia archive"

    def __init__(self, url: str, folder: Path, patience: Patience) -> None:
        self._url, self._folder, self._patience = url.rstrip("/"), folder, patience

    def files(self, ids: Ids) -> Iterator[tuple[str, Ids]]:
        """Yield the files that hold any of the stars, and which."""
        pixels = ids >> _BULK_LEVEL_BITS
        for name in sorted(self._sums):
            numbers = name.removesuffix(".csv.gz").rsplit("_", 1)[-1].split("-")
            if len(numbers) == 2 and all(number.isdigit() for number in numbers):
                inside = ids[(pixels >= int(numbers[0])) & (pixels <= int(numbers[1]))]
                if len(inside):
                    yield name, inside

    def read(self, file: str, ids: Ids) -> pa.Table:
        """Return the spectra of stars from a file."""
        path = download(
            self.name, f"{self._url}/{file}", self._folder / file, self._patience, checksum=self._sums[file]
        )
        with open_database() as con:
            con.register("wanted", pa.table({"source_id": pa.array(np.asarray(ids), pa.int64())}))
            # all text: NULL and lists are as the archive writes them, and the casts know both
            found = con.sql(
                "select file.* from read_csv($file, comment = '#', delim = ',', quote = '\"', escape = '\"', header = true, "
                "all_varchar = true, strict_mode = false) as file "
                "semi join wanted on file.source_id::bigint = wanted.source_id",
                params={"file": str(path)},
            ).to_arrow_table()
        landed = as_landed(found, TABLE, f"{self.name}: {file}")
        path.unlink()
        return landed

    @cached_property
    def _sums(self) -> dict[str, str]:
        return checksums(read_text(self.name, f"{self._url}/_MD5SUM.txt", self._patience))
