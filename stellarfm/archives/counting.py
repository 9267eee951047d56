"""The counts of a selection at the archives of Gaia, 2MASS and APOGEE: nothing but numbers is asked of them."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
import requests

from stellarfm.addresses import public_url
from stellarfm.archives import apogee, twomass, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.credentials import account_of
from stellarfm.archives.crosswalk import lead_in_landing
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.gaia import GaiaSources
from stellarfm.archives.healpix import SkyPart, divide
from stellarfm.config import Settings
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.landing.expected import Expected, in_bytes, in_time, size_of, time_of
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.parts import Landing
from stellarfm.rules import install_rules
from stellarfm.sql_paths import reader_paths
from stellarfm.surveys.selection import Surveys

LATER = "known after APOGEE's table is here"
"""Why a number is not known that rests on APOGEE's identifiers."""

# the empty primary header and the first cards of the table's, NAXIS2 among them, lie in there
_HEAD_BYTES = 1 << 16
_TABLE_ROWS = re.compile(rb"XTENSION= 'BINTABLE'.*?NAXIS2  = +(\d+)", re.DOTALL)


def refuse_unfit(settings: Settings, gaia: GaiaSources) -> None:
    """Refuse a condition that selects nothing, or more than was agreed to.

    Raises
    ------
    StellarError
        If it does, or the archive refuses the condition.
    """
    where, most = settings.gaia.where.strip(), settings.gaia.max_rows
    if not where:
        return
    rows = gaia.count(SkyPart(gaia.identifier))
    if rows == 0:
        raise StellarError(f"no star fulfils gaia.where = {where!r}; widen it")
    if rows > most:
        with_spectra, with_2mass = settings.gaia.xp != "none", settings.twomass.by != "none"
        brought = {GAIA: rows, xp.TABLE: rows * with_spectra, twomass.TABLE: rows * with_2mass}
        calls = (
            rows // settings.archive.rows_per_part * (1 + 2 * with_2mass) + rows // settings.archive.spectra_per_part
        )
        seconds = time_of(brought, requests=calls, xp=settings.gaia.xp, twomass=settings.twomass.by)
        raise StellarError(
            f"gaia.where = {where!r} selects {rows:,} stars, more than gaia.max_rows = {most:,}: up to "
            f"{in_bytes(size_of(brought))} and {in_time(seconds)}".replace("about ", "")
            + f"; narrow it, or confirm with --set gaia.max_rows={rows}"
        )


def labelled_here(landing: Landing, surveys: Surveys) -> int:
    """Return how many stars of gaia_source in a landing have labels to learn from, by APOGEE's identifiers."""
    labelled = lead_in_landing(landing, good_ids(landing.files(apogee.TABLE)), surveys)
    files = [str(file) for file in landing.files(GAIA)]
    gaia = pq.read_table(files, columns=["source_id"], partitioning=None)["source_id"].to_numpy()
    return len(np.intersect1d(labelled, gaia))


def ids_of_apogee(files: list[Path]) -> Ids:
    """Return the Gaia identifiers in APOGEE's table, each once and in ascending order, shape (N,)."""
    # no partitions: pyarrow would take folders named key=value on the way for columns
    table = pq.read_table([str(file) for file in files], columns=["GAIAEDR3_SOURCE_ID"], partitioning=None)
    ids: Ids = np.unique(table.column(0).drop_null().to_numpy())
    # what is not positive is no identifier of Gaia
    return ids[ids > 0]


def good_ids(files: list[Path]) -> Ids:
    """Return the Gaia identifiers of APOGEE's stars that have labels to learn from, each once, by the macros' rule.

    Parameters
    ----------
    files
        Parquet parts of ``apogee_allstar``.

    Returns
    -------
    numpy.ndarray
        Identifiers, int64, shape (N,), ascending.
    """
    with open_database() as con:
        install_rules(con)
        found = con.execute(
            "select distinct GAIAEDR3_SOURCE_ID from read_parquet($files, hive_partitioning = false) "
            "where GAIAEDR3_SOURCE_ID > 0 "
            "and isfinite(TEFF) and has_good_labels(STARFLAG, ASPCAPFLAG) order by all",
            {"files": reader_paths(files)},
        ).fetchnumpy()
    ids: Ids = np.asarray(found["GAIAEDR3_SOURCE_ID"], np.int64)
    return ids


def holder_of_apogee(settings: Settings, clients: Clients, landing: Landing) -> Landing | None:
    """Return the landing of this home that has APOGEE's table whole, the given one first; None if none has it.

    4 GB that another selection brought need not come again, as long as they are of the same origin.
    """
    table, root = apogee.TABLE, landing.folder.parent
    at_vizier = clients.surveys.apogee.table_at(apogee.VIZIER, table)
    origin = at_vizier if settings.apogee.source == "vizier" else public_url(clients.allstar.url)
    for holder in (landing, *(Landing(root, folder.name) for folder in sorted(root.glob("esa-*")))):
        parts = [manifest for manifest in holder.manifests() if manifest.table == table]
        if holder.is_complete(table) and all(manifest.query == origin for manifest in parts):
            return holder
    return None


class Counting:
    """What a selection will bring.

    Parameters
    ----------
    settings
        Which stars, and what of them.
    clients
        The archives.
    landing
        What is here already; it is not changed.
    """

    def __init__(self, settings: Settings, clients: Clients, landing: Landing) -> None:
        self._settings, self._clients, self._landing = settings, clients, landing
        self._notes: dict[str, str] = {}
        self._download_bytes = 0

    def expect(self) -> Expected:
        """Count at the archives what they can count; what one cannot is None and says why.

        Raises
        ------
        StellarError
            If the archive of Gaia refuses the condition or fails, or `refuse_unfit` has something against it.
        """
        # the only counts that may stop a run; what follows is information and fails softly, see `_softly`
        refuse_unfit(self._settings, self._clients.gaia)
        files = self._files_of_apogee()
        stars = self._stars_of_apogee(files)
        gaia = self._gaia(files)
        spectra, twomass_rows = self._spectra(files, gaia), self._twomass(gaia)
        found = Expected(gaia, spectra, twomass_rows, stars, self._labelled(files))
        return self._with_effort(replace(found, is_learned_from=not self._settings.learns_from_others))

    def _gaia(self, files: list[Path]) -> int | None:
        if self._settings.gaia.where.strip():
            return self._note("gaia_sources", "counted", self._clients.gaia.count(self._sky))
        if not files:
            return self._note("gaia_sources", f"those of APOGEE: {LATER}", None)
        return self._note("gaia_sources", "the identifiers in APOGEE's table", len(ids_of_apogee(files)))

    def _spectra(self, files: list[Path], gaia: int | None) -> int | None:
        name, client = "xp_spectra", self._clients.gaia
        if self._settings.gaia.xp == "none":
            return self._note(name, "gaia.xp = none", 0)
        if gaia is None:
            return self._note(name, LATER, None)
        if self._settings.gaia.where.strip():
            return self._softly(name, "counted", lambda: client.count(self._sky, with_spectra=True))
        return self._softly(name, "counted", lambda: self._selected_of(ids_of_apogee(files), with_spectra=True))

    def _twomass(self, gaia: int | None) -> int | None:
        name, by = "twomass_sources", self._settings.twomass.by
        if by == "none":
            return self._note(name, "twomass.by = none", 0)
        if by == "neighbours" and self._settings.gaia.where.strip():
            return self._softly(name, "counted", lambda: self._clients.gaia.count_neighbours("twomass"))
        words = "by position" if by == "position" else "best neighbours"
        return self._note(name, f"{words}: about one a source", gaia)

    def _stars_of_apogee(self, files: list[Path]) -> int | None:
        name, source = "apogee_stars", self._settings.apogee.source
        if source == "none":
            return self._note(name, "apogee.source = none", 0)
        if files:
            return self._note(name, "its table is here", sum(pq.read_metadata(file).num_rows for file in files))
        if source == "vizier":
            there = self._clients.surveys.apogee.table_at(apogee.VIZIER, apogee.TABLE)
            text = f"SELECT COUNT(*) AS n FROM {there}"  # noqa: S608
            return self._softly(name, "counted", lambda: self._clients.vizier.count(text))
        return self._softly(name, "by the head of the file", self._rows_of_file)

    def _labelled(self, files: list[Path]) -> int | None:
        name, words = "labelled_stars", "by APOGEE's identifiers, before the cuts of the training set"
        if self._settings.apogee.source == "none":
            return self._note(name, "apogee.source = none", 0)
        if self._landing.is_complete(GAIA) and self._landing.is_complete(apogee.TABLE):
            return self._note(name, words, labelled_here(self._landing, self._clients.surveys))
        if not files:
            return self._note(name, LATER, None)
        ids = good_ids(files)
        if not self._settings.gaia.where.strip():
            return self._note(name, words, len(ids))
        return self._softly(name, words, lambda: self._selected_of(ids))

    def _selected_of(self, ids: Ids, *, with_spectra: bool = False) -> int:
        """Count the selected stars among some, as many at once as one upload may have."""
        size, total = self._settings.archive.rows_per_part, 0
        with TemporaryDirectory(prefix="stellarfm-") as folder:
            jobs = Jobs(Path(folder))
            for first in range(0, len(ids), size):
                batch = ids[first : first + size]
                total += self._clients.gaia.count_of_ids(batch, jobs, f"count-{first}", with_spectra=with_spectra)
        return total

    def _files_of_apogee(self) -> list[Path]:
        """Return APOGEE's table, of this landing or of another selection of the same home: it always comes whole."""
        if self._settings.apogee.source == "none":
            return []
        found = holder_of_apogee(self._settings, self._clients, self._landing)
        return found.files(apogee.TABLE) if found else []

    def _rows_of_file(self) -> int:
        """Return the number of rows of APOGEE's file, which its first 64 kB tell."""
        url, retry = self._clients.allstar.url, self._clients.retry
        once = replace(retry, attempts=1)  # it is one number of many
        head, self._download_bytes = once.call(apogee.SDSS, lambda: _head_of(url, retry.timeout_s))
        # NAXIS2 of the binary table is its number of rows (FITS standard)
        found = _TABLE_ROWS.search(head)
        if found is None:
            raise StellarError(f"{public_url(url)} does not begin as a FITS table does")
        return int(found[1])

    def _with_effort(self, found: Expected) -> Expected:
        """Add requests, size and time: the size of everything, the requests and the time of what is not here yet."""
        if found.gaia_sources is None:
            return replace(found, notes=self._notes | dict.fromkeys(("requests", "size_bytes", "time_s"), LATER))
        tables = (GAIA, xp.TABLE, twomass.TABLE, apogee.TABLE)
        rows = dict(
            zip(tables, (found.gaia_sources, found.xp_spectra, found.twomass_sources, found.apogee_stars), strict=True)
        )
        here = self._landing.rows()
        left = {table: max(0, (number or 0) - here.get(table, 0)) for table, number in rows.items()}
        calls = self._requests(found.gaia_sources, left)
        way = {"xp": self._settings.gaia.xp, "twomass": self._settings.twomass.by}
        brought = self._download_bytes if left[apogee.TABLE] else 0
        self._notes |= {
            "requests": "jobs, calls of DataLink and files that are not here yet",
            "size_bytes": "of the landing"
            + (f"; {in_bytes(brought)} more while APOGEE's file is read" if brought else ""),
            "time_s": "at the rates of a quick archive (stellarfm/landing/expected.py)",
        }
        if way["xp"] == "bulk":
            self._notes["time_s"] += "; without the whole files of spectra (gaia.xp = bulk)"
        seconds = time_of(left, requests=calls, download_bytes=brought, **way)
        return replace(found, requests=calls, size_bytes=size_of(rows), time_s=round(seconds, 1), notes=self._notes)

    def _requests(self, gaia: int, left: dict[str, int]) -> int:
        """Return how many jobs, calls and files are left; spectra and 2MASS are asked for part by part of gaia_source."""
        settings = self._settings
        if settings.gaia.where.strip():
            parts = [
                part.name for part, _ in divide(self._sky, self._clients.gaia.count, settings.archive.rows_per_part)
            ]
        else:
            parts = [f"ids-{number:05d}" for number in range(math.ceil(gaia / settings.archive.rows_per_part))]
        calls = sum(not self._landing.has(GAIA, part) for part in parts)
        if settings.twomass.by != "none":
            calls += 2 * sum(not self._landing.has(twomass.TABLE, part) for part in parts)  # a count and the rows
        if settings.gaia.xp in ("datalink", "tap") and left[xp.TABLE]:
            # spectra never cross a part of gaia_source: each part costs one request even where few stars have one
            calls += max(len(parts), math.ceil(left[xp.TABLE] / settings.archive.spectra_per_part))
        if left[apogee.TABLE]:
            calls += 2 if settings.apogee.source == "file" else 1  # the list of checksums and the file
        return calls

    @property
    def _sky(self) -> SkyPart:
        return SkyPart(self._clients.gaia.identifier)

    def _note(self, name: str, words: str, number: int | None) -> int | None:
        self._notes[name] = words
        return number

    def _softly(self, name: str, words: str, count: Callable[[], int]) -> int | None:
        """Count, or note why it cannot be counted: a number more is no reason to stop."""
        try:
            return self._note(name, words, count())
        except StellarError as error:
            return self._note(name, f"not counted: {error}", None)


def _head_of(url: str, timeout_s: float) -> tuple[bytes, int]:
    """Return the first bytes of a file, and how many bytes it has in all."""
    headers = {"Range": f"bytes=0-{_HEAD_BYTES - 1}", "Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=timeout_s, auth=account_of(url)) as answer:
        answer.raise_for_status()
        # a server that ignores Range sends the whole file with 200: Content-Length is then its size
        whole = answer.headers.get("Content-Range", "").rpartition("/")[2] or answer.headers.get("Content-Length", "0")
        return answer.raw.read(_HEAD_BYTES), int(whole) if whole.isdigit() else 0
