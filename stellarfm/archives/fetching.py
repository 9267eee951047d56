"""Filling a landing from Gaia, 2MASS and APOGEE: part by part, each checked before it is there, none fetched twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stellarfm.archives import apogee, spectra, twomass
from stellarfm.archives.by_ids import Ask, Ids, fetch_ids
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.gaia import query_of_ids
from stellarfm.archives.jobs import Jobs
from stellarfm.archives.landing import NOT_GIVEN, Landing
from stellarfm.archives.missing import Missing
from stellarfm.archives.schema import SCHEMAS
from stellarfm.archives.sky_parts import SkyPart, divide
from stellarfm.archives.tap import TapQuery
from stellarfm.errors import StellarError
from stellarfm.progress import Advance

if TYPE_CHECKING:
    from stellarfm.archives.esa import Esa

_NO_SPACE = {28, 122}
"""The system's errors for a full disk, and for a full quota."""


class Fetching:
    """One run that fills a landing.

    Parameters
    ----------
    esa
        The archives, and what is asked of them.
    landing
        Where the parts go.
    advance
        Told about rows done, rows in all as far as is known, and what is being fetched.
    """

    def __init__(self, esa: "Esa", landing: Landing, advance: Advance) -> None:
        self._esa, self._landing, self._advance = esa, landing, advance
        self._settings, self._patience = esa.settings, esa.patience
        self._done = self._total = 0
        self._to_ask = {table: Missing(landing.folder, table).to_ask() for table in (GAIA, spectra.TABLE)}

    def apogee(self) -> None:
        """Fetch APOGEE's table of stars."""
        source, table = self._settings.apogee.source, apogee.TABLE
        if source == "none":
            return self._not_given(table)
        if (self._landing.folder / table / "complete").is_file():
            return self._count(self._landing.rows().get(table, 0), table)
        if source == "vizier":
            self._apogee_of_vizier()
        else:
            self._apogee_of_file()
        return (self._landing.folder / table / "complete").touch()

    def gaia(self) -> None:
        """Fetch the rows of gaia_source: of a selection part by part of the sky, or of the stars of APOGEE."""
        if self._settings.gaia.where.strip():
            self._gaia_of_sky()
        else:
            self._gaia_of_apogee()
        self._ask_again(GAIA, self._gaia_rows)

    def spectra(self) -> None:
        """Fetch the spectra of the stars that have one."""
        table = spectra.TABLE
        if self._settings.gaia.xp == "none":
            return self._not_given(table)
        if self._settings.gaia.xp == "bulk":
            return self._spectra_of_bulk()
        size = self._settings.asking.spectra_per_part
        for part in self._parts(GAIA):
            ids = self._ids_with_spectra(part)
            self._total += len(ids)
            for number, first in enumerate(range(0, max(1, len(ids)), size)):
                self._by_ids(table, f"{part}-{number:03d}", ids[first : first + size], self._spectra_rows)
        return self._ask_again(table, self._spectra_rows)

    def twomass(self) -> None:
        """Fetch the sources of 2MASS; one that belongs to stars of several parts is kept in the first."""
        by, table = self._settings.twomass.by, twomass.TABLE
        if by == "none":
            return self._not_given(table)
        earlier: set[str] = set()
        for part in self._parts(GAIA):
            if not self._landing.has(table, part):
                started = time.monotonic()
                rows = self._twomass_rows(part)
                seen = np.isin(rows["designation"].to_numpy(zero_copy_only=False), sorted(earlier))
                release = twomass.RELEASE
                self._keep(table, part, rows.filter(pa.array(~seen)), f"2MASS of {GAIA} {part}", release, started)
            found = self._read(table, part, ["designation"])["designation"].to_pylist()
            earlier.update(found)
            self._total += len(found)
            self._count(len(found), table)
        return None

    def end(self) -> None:
        """Say that everything is here."""
        self._advance(self._done, self._done, "done")

    def _apogee_of_file(self) -> None:
        def told(done: int, total: int) -> None:
            self._advance(done >> 20, total >> 20, "allStar, MB")

        folder = self._landing.folder / "downloads"
        path, url = apogee.fetch_file(self._settings.apogee, folder, self._patience, told)
        for number, block in enumerate(apogee.read_allstar(path)):
            self._landing.write(apogee.TABLE, f"part-{number:05d}", block, url, apogee.RELEASE)
            self._total += len(block)
            self._count(len(block), apogee.TABLE)
        path.unlink()

    def _apogee_of_vizier(self) -> None:
        tap, started = self._esa.vizier, time.monotonic()
        rows = tap.count(f"SELECT COUNT(*) AS n FROM {apogee.VIZIER_TABLE}")  # noqa: S608
        part = "part-00000"
        answer = apogee.fetch_vizier(
            tap, lambda text: tap.fetch(TapQuery(text, rows, rows), self._jobs(apogee.TABLE), part)
        )
        self._keep(apogee.TABLE, part, answer, apogee.VIZIER_TABLE, apogee.RELEASE, started)
        self._total += rows
        self._count(rows, apogee.TABLE)

    def _gaia_of_sky(self) -> None:
        """Fetch a selection; parts of the sky that are here need not be counted."""
        gaia, release = self._esa.gaia, self._settings.gaia.release
        if (self._landing.folder / GAIA / "complete").is_file():
            return self._count(self._landing.rows().get(GAIA, 0), GAIA)
        known = {m.part: m.rows for m in self._landing.manifests() if m.table == GAIA}
        self._total += gaia.count(SkyPart())
        gaia.probe()
        for part, rows in divide(
            SkyPart(), lambda p: known.get(p.name) or gaia.count(p), self._settings.asking.rows_per_part
        ):
            if part.name not in known:
                started, text = time.monotonic(), gaia.query_of_part(part)
                answer = gaia.tap.fetch(TapQuery(text, rows, rows), self._jobs(GAIA), part.name)
                self._keep(GAIA, part.name, gaia.landed(answer), text, release, started)
            self._count(rows, GAIA)
        if not self._landing.has_table(GAIA):
            raise StellarError(f"no star fulfils gaia.where = {self._settings.gaia.where!r}; widen it")
        return (self._landing.folder / GAIA / "complete").touch()

    def _gaia_of_apogee(self) -> None:
        files = [str(file) for file in self._landing.files(apogee.TABLE)]
        ids = np.unique(pq.read_table(files, columns=["GAIAEDR3_SOURCE_ID"]).column(0).drop_null().to_numpy())
        ids = ids[ids > 0]
        if not len(ids):
            raise StellarError("no star of APOGEE has a Gaia source; select stars with gaia.where")
        size = self._settings.asking.rows_per_part
        self._total += len(ids)
        if not all(self._landing.has(GAIA, f"ids-{k:05d}") for k in range(-(-len(ids) // size))):
            self._esa.gaia.probe()
        for number, first in enumerate(range(0, len(ids), size)):
            self._by_ids(GAIA, f"ids-{number:05d}", ids[first : first + size], self._gaia_rows)

    def _gaia_rows(self, ids: Ids, part: str) -> pa.Table:
        gaia = self._esa.gaia
        return gaia.landed(gaia.tap.fetch(query_of_ids(gaia.query_of_ids(), ids), self._jobs(GAIA), part))

    def _spectra_rows(self, ids: Ids, part: str) -> pa.Table:
        if self._settings.gaia.xp == "tap":
            jobs = self._jobs(spectra.TABLE)
            return spectra.MirrorSpectra(self._esa.gaia.tap, self._esa.gaia.schema, jobs).ask(ids, part)
        return self._esa.data_link.ask(ids)

    def _spectra_of_bulk(self) -> None:
        table = spectra.TABLE
        ids = np.concatenate([self._ids_with_spectra(part) for part in self._parts(GAIA)])
        folder = self._landing.folder / "downloads"
        bulk, found = spectra.BulkSpectra(self._settings.gaia.bulk_url, folder, self._patience), [np.empty(0, np.int64)]
        self._total += len(ids)
        for file, inside in bulk.files(ids):
            part, started = file.removesuffix(".csv.gz"), time.monotonic()
            if not self._landing.has(table, part):
                rows = bulk.read(file, inside).sort_by("source_id")
                self._keep(
                    table, part, rows, f"{self._settings.gaia.bulk_url}/{file}", self._settings.gaia.release, started
                )
            found.append(self._read(table, part, ["source_id"])["source_id"].to_numpy())
            self._count(len(found[-1]), table)
        if not self._landing.has_table(table):
            self._not_given(table)
        Missing(self._landing.folder, table).note(np.setdiff1d(ids, np.concatenate(found)), ids)

    def _twomass_rows(self, part: str) -> pa.Table:
        jobs = self._jobs(twomass.TABLE)
        if self._settings.twomass.by == "position":
            gaia = self._read(GAIA, part, ["ref_epoch", "ra", "dec", "pmra", "pmdec"])
            return self._esa.positions(jobs).ask(*twomass.positions_in_2000(gaia), part)
        return self._esa.neighbours(jobs).ask(self._read(GAIA, part, ["source_id"])["source_id"].to_numpy(), part)

    def _by_ids(self, table: str, part: str, ids: Ids, ask: Ask) -> None:
        """Fetch the rows of stars as one part, and note who did not come."""
        if not self._landing.has(table, part):
            started = time.monotonic()
            rows, lost = fetch_ids(ids, lambda wanted, time_of_asking: ask(wanted, part + time_of_asking))
            Missing(self._landing.folder, table).note(lost, ids)
            text = f"{len(ids):,} source_id from {ids[0]} to {ids[-1]}" if len(ids) else "no star"
            self._keep(table, part, rows, text, self._settings.gaia.release, started)
        self._count(len(ids), table)

    def _ask_again(self, table: str, ask: Ask) -> None:
        """Ask once more for the stars that did not come in earlier runs; what comes now is a part of its own."""
        missing = Missing(self._landing.folder, table)
        ids = self._to_ask[table]
        if not len(ids):
            return
        part = f"again-{len(list((self._landing.folder / table).glob('again-*.json'))):05d}"
        started = time.monotonic()
        rows, lost = fetch_ids(ids, lambda wanted, time_of_asking: ask(wanted, part + time_of_asking))
        if len(rows):
            self._keep(table, part, rows, f"{len(ids):,} missing source_id", self._settings.gaia.release, started)
        missing.note(lost, ids)

    def _keep(self, table: str, part: str, rows: pa.Table, text: str, release: str, started: float) -> None:
        """Write a part; the jobs that made it are over."""
        jobs = self._jobs(table)
        seconds = time.monotonic() - started
        self._landing.write(table, part, rows, text, release, job_id=jobs.names(part), seconds=seconds)
        jobs.forget_part(part)

    def _not_given(self, table: str) -> None:
        self._landing.write(table, NOT_GIVEN, SCHEMAS[table].empty(), f"{table} is not asked for: no rows", "")

    def _parts(self, table: str) -> list[str]:
        return [m.part for m in self._landing.manifests() if m.table == table]

    def _ids_with_spectra(self, part: str) -> Ids:
        rows = self._read(GAIA, part, ["source_id", "has_xp_continuous"])
        ids: Ids = rows.filter(rows["has_xp_continuous"])["source_id"].to_numpy()
        return ids

    def _read(self, table: str, part: str, columns: list[str]) -> pa.Table:
        return pq.read_table(self._landing.folder / table / f"{part}.parquet", columns=columns)

    def _jobs(self, table: str) -> Jobs:
        return Jobs(self._landing.folder / "jobs" / table)

    def _count(self, rows: int, remark: str) -> None:
        self._done += rows
        self._total = max(self._total, self._done)
        self._advance(self._done, self._total, remark)


@contextmanager
def told_of_full_disk(landing: Landing) -> Iterator[None]:
    """Say in one sentence that the disk is full; what is complete stays."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise StellarError(
            f"there is no space left for the landing {landing.folder}; make room and run again, the parts that are "
            "complete stay"
        ) from error
