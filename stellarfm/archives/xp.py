"""XP continuous mean spectra: by DataLink, by TAP of a mirror, or from the bulk files."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from stellarfm.archives.credentials import Credentials
from stellarfm.archives.downloads import checksums, download, read_text
from stellarfm.archives.gaia import SERVICE, upload_query
from stellarfm.archives.retry import RetryPolicy, TransientError
from stellarfm.archives.tap import UPLOADED, Tap
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.schema import TableSchema
from stellarfm.landing.xp_raw import TABLE as TABLE
from stellarfm.landing.xp_raw import read_raw
from stellarfm.limits import refuse_bomb
from stellarfm.sql_paths import reader_path
from stellarfm.surveys.profile import Survey


class DataLink:
    """Spectra by DataLink.

    Parameters
    ----------
    url
        Address of the service, with or without ``/data`` at its end.
    survey
        Profile of the release.
    retry
        How often and how long it is asked.
    data_structure
        DATA_STRUCTURE of DataLink; the profile's own if "".
    credentials
        Of an account, if there is one.
    """

    name = "DataLink of the Gaia archive"

    def __init__(
        self,
        url: str,
        survey: Survey,
        retry: RetryPolicy,
        data_structure: str = "",
        credentials: Credentials | None = None,
    ) -> None:
        assert survey.xp is not None, "the release has spectra"
        # the service is known by either address; TapPlus puts /data behind it by itself
        self.url = url.rstrip("/").removesuffix("/data")
        self.retrieval_type = survey.xp.retrieval_type
        self._survey, self._retry, self._credentials = survey, retry, credentials
        self._data_structure = data_structure or survey.xp.data_structure

    def ask(self, ids: Ids) -> pa.Table:
        """Return the spectra that the archive gives for stars; none are asked for if none are named.

        Parameters
        ----------
        ids
            Identifiers, shape (N,), at most 5000: the service refuses more.

        Returns
        -------
        pyarrow.Table
            One row a star, columns as in the landing; fewer stars than were asked for where the archive leaves some out.

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        if len(ids) == 0:  # the service refuses an empty list
            return _schema(self._survey).empty()
        return self._retry.call(self.name, lambda: self._get(ids))

    def probe(self, source_id: int) -> None:
        """Ask for the spectrum of one star, so that a word of the profile that the service does not know is told early.

        Raises
        ------
        StellarError
            If the service refuses, or what it gives is no mean spectrum with as many coefficients as the profile says.
        """
        replace(self._retry, attempts=2).call(self.name, lambda: self._get(np.array([source_id], np.int64)))

    def _get(self, ids: Ids) -> pa.Table:
        # the form that astroquery 0.4.11 posts; the release is always sent, lest the archive choose another by default
        request = {
            "VALID_DATA": "false",
            "ID": ",".join(map(str, ids.tolist())),
            "RELEASE": self._survey.release,
            "DATA_STRUCTURE": self._data_structure,
            "FORMAT": "fits",
            "RETRIEVAL_TYPE": self.retrieval_type,
            "USE_ZIP_ALWAYS": "true",
        }
        with TemporaryDirectory(prefix="stellarfm-") as folder:
            # TapPlus alone, to a file of ours: GaiaClass.load_data unpacks into the working directory and may leave it behind
            answer = Path(folder) / "answer.zip"
            self._service.load_data(params_dict=request, output_file=str(answer))
            return read_zip(answer, self._survey)

    @cached_property
    def _service(self) -> Any:
        from astroquery.utils.tap import TapPlus

        base, _, context = self.url.rpartition("/")
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
            self._retry.call(self.name, lambda: credentials.log_in(service))
        return service


def read_zip(path: Path, survey: Survey) -> pa.Table:
    """Read the spectra in an answer of DataLink; nothing is unpacked to where a name in it points.

    Parameters
    ----------
    path
        The zip file.
    survey
        Profile of the release.

    Raises
    ------
    StellarError
        If a name climbs out of its folder.
    TransientError
        If there is nothing to read, or it is cut short.
    """
    tables = []
    with zipfile.ZipFile(path) as archive:
        refuse_bomb(path, archive.infolist())
        for name in archive.namelist():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
                raise StellarError(
                    f"an answer of DataLink holds the file {name!r}, which climbs out of its folder; nothing was unpacked"
                )
            if name.lower().endswith(".fits"):
                content = archive.read(name)
                try:
                    tables.append(read_raw(content, "fits", survey))
                # damaged on its way: the request may be made again, where a file of one's own could not
                except StellarError as error:
                    raise TransientError(str(error)) from error
    return pa.concat_tables(tables) if tables else _schema(survey).empty()


class MirrorSpectra:
    """Spectra by TAP, as AIP and ARI have them."""

    def __init__(self, tap: Tap, survey: Survey, jobs: Jobs) -> None:
        self._tap, self._survey, self._jobs = tap, survey, jobs

    def ask(self, ids: Ids, part: str) -> pa.Table:
        """Return the spectra that the mirror gives for stars.

        Parameters
        ----------
        ids
            Identifiers, shape (N,).
        part
            Name of the job.

        Raises
        ------
        StellarError
            If the mirror refuses or fails, or its answer lacks a column.
        """
        table, there = self._survey.tables[TABLE], self._survey.table_at(SERVICE, TABLE)
        text = (
            f"SELECT {table.select_at(SERVICE, 's')} FROM {there} AS s "  # noqa: S608
            f"JOIN tap_upload.{UPLOADED} AS w ON s.{table.names_at(SERVICE)['source_id']} = w.source_id"
        )
        answer = self._tap.fetch(upload_query(text, ids), self._jobs, part)
        return conform(answer, _schema(self._survey), f"{self._tap.name}: {there}")


class BulkSpectra:
    """Spectra from the bulk files: each is brought once, and goes when its stars are read."""

    name = "the files of the Gaia archive"

    def __init__(self, url: str, folder: Path, retry: RetryPolicy, survey: Survey) -> None:
        assert survey.xp is not None and survey.identifier is not None, (
            "the release has spectra and HEALPix identifiers"
        )
        self._url, self._folder, self._retry, self._survey = url.rstrip("/"), folder, retry, survey
        # a file holds whole HEALPix pixels of this level
        self._bits_below_pixel = survey.identifier.bits_below(survey.xp.bulk_healpix_level)

    def files(self, ids: Ids) -> Iterator[tuple[str, Ids]]:
        """Yield the files that hold any of the stars, and which.

        Parameters
        ----------
        ids
            Identifiers, shape (N,).

        Yields
        ------
        file, inside
            Name of a file, and the identifiers that it holds, shape (M,).

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        # source_id >> 43 for Gaia DR3: files hold ranges of HEALPix level 8
        pixels = ids >> self._bits_below_pixel
        # the list of checksums is the only list of the files that there is
        for name in sorted(self._sums):
            # <name>_<first pixel>-<last pixel>.csv.gz
            numbers = name.removesuffix(".csv.gz").rsplit("_", 1)[-1].split("-")
            if len(numbers) == 2 and all(number.isdigit() for number in numbers):
                inside = ids[(pixels >= int(numbers[0])) & (pixels <= int(numbers[1]))]
                if len(inside):
                    yield name, inside

    def read(self, file: str, ids: Ids) -> pa.Table:
        """Return the spectra of stars from a file, which is removed once it is read.

        Parameters
        ----------
        file
            Name of a bulk file.
        ids
            Identifiers, shape (N,).

        Raises
        ------
        StellarError
            If the archive refuses or fails, or the file is damaged.
        """
        path = download(self.name, f"{self._url}/{file}", self._folder / file, self._retry, checksum=self._sums[file])
        with open_database() as con:
            # a semi join while the CSV is parsed: the spectra that are not wanted are never held
            con.register("wanted", pa.table({"source_id": pa.array(np.asarray(ids), pa.int64())}))
            # all text: NULL and lists are as the archive writes them, and the casts know both
            found = con.sql(
                "select file.* from read_csv($file, comment = '#', delim = ',', quote = '\"', escape = '\"', header = true, "
                "all_varchar = true, strict_mode = false, hive_partitioning = false) as file "
                "semi join wanted on file.source_id::bigint = wanted.source_id",
                params={"file": reader_path(path)},
            ).to_arrow_table()
        rows = conform(found, _schema(self._survey), f"{self.name}: {file}")
        path.unlink()
        return rows

    @cached_property
    def _sums(self) -> dict[str, str]:
        return checksums(read_text(self.name, f"{self._url}/_MD5SUM.txt", self._retry))


def _schema(survey: Survey) -> TableSchema:
    return TableSchema.of_table(survey.tables[TABLE])
