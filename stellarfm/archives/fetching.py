"""Filling a landing from Gaia, 2MASS and APOGEE: part by part, each checked before it is there, none fetched twice."""

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from stellarfm.addresses import public_url
from stellarfm.archives import apogee, twomass, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.counting import holder_of_apogee, ids_of_apogee
from stellarfm.archives.crosswalk import Crosswalk, lead, pairs_of
from stellarfm.archives.gaia import TABLE as GAIA
from stellarfm.archives.gaia import upload_query
from stellarfm.archives.healpix import SkyPart, divide
from stellarfm.archives.id_batches import RequestRows, fetch_ids
from stellarfm.archives.tap import TapQuery
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.parts import Landing
from stellarfm.progress import ProgressCallback, console
from stellarfm.surveys.profile import CROSSWALK


class Fetching:
    """One run that fills a landing.

    Parameters
    ----------
    settings
        Which stars, and what of them.
    clients
        The archives.
    landing
        Where the parts go.
    progress
        Told about rows done, rows in all as far as is known, and what is being fetched.
    """

    def __init__(self, settings: Settings, clients: Clients, landing: Landing, progress: ProgressCallback) -> None:
        self._settings, self._clients, self._landing, self._progress = settings, clients, landing, progress
        self._releases = {table: survey.release for survey in clients.surveys.all for table in survey.tables}
        self._done = self._total = 0
        # read now: what this run loses itself is asked for once more within it, not by `_ask_again` as well
        self._to_ask = {table: landing.missing(table).to_ask() for table in (GAIA, xp.TABLE)}

    def apogee(self) -> None:
        """Fetch APOGEE's table of stars."""
        source, table = self._settings.apogee.source, apogee.TABLE
        if source == "none":
            return self._not_given(table)
        if self._landing.is_complete(table):
            return self._count(self._landing.rows().get(table, 0), table)
        if holder := holder_of_apogee(self._settings, self._clients, self._landing):
            self._landing.take_over(holder, table)
            return self._count(self._landing.rows().get(table, 0), table)
        if source == "vizier":
            self._apogee_of_vizier()
        else:
            self._apogee_of_file()
        return self._landing.mark_complete(table)

    def gaia(self) -> None:
        """Fetch the rows of gaia_source: of a selection part by part of the sky, or of the stars of APOGEE."""
        if self._settings.gaia.where.strip():
            self._gaia_of_sky()
        else:
            self._gaia_of_apogee()
        self._ask_again(GAIA, self._gaia_rows)

    def crosswalk(self) -> None:
        """Fetch what the sources were in the earlier release, where the release at hand has other identifiers."""
        if self._clients.surveys.gaia.crosswalk is None:
            return
        for part in self._landing.parts(GAIA):
            ids = self._landing.read(GAIA, part, ["source_id"])["source_id"].to_numpy()
            self._pairs(part, ids, Crosswalk(self._clients.gaia.tap, self._clients.surveys).of_later)

    def spectra(self) -> None:
        """Fetch the spectra of the stars that have one."""
        table = xp.TABLE
        if self._settings.gaia.xp == "none":
            return self._not_given(table)
        if self._settings.gaia.xp == "bulk":
            return self._spectra_of_bulk()
        size = self._settings.archive.spectra_per_part
        for part in self._landing.parts(GAIA):
            ids = self._ids_with_spectra(part)
            self._total += len(ids)
            # at least one part, without rows, where no star has a spectrum: else every run would look again
            for number, first in enumerate(range(0, max(1, len(ids)), size)):
                self._by_ids(table, f"{part}-{number:03d}", ids[first : first + size], self._spectra_rows)
        return self._ask_again(table, self._spectra_rows)

    def twomass(self) -> None:
        """Fetch the sources of 2MASS; one that belongs to stars of several parts is kept in the first."""
        by, table = self._settings.twomass.by, twomass.TABLE
        if by == "none":
            return self._not_given(table)
        earlier: set[str] = set()
        for part in self._landing.parts(GAIA):
            if not self._landing.has(table, part):
                started = time.monotonic()
                rows = self._twomass_rows(part)
                # a 2MASS source near stars of two parts must be one row of the table, which is keyed by designation
                seen = np.isin(rows["designation"].to_numpy(zero_copy_only=False), sorted(earlier))
                self._keep(table, part, rows.filter(pa.array(~seen)), f"2MASS of {GAIA} {part}", started)
            # read back rather than kept from above: a part of an earlier run counts as well
            found = self._landing.read(table, part, ["designation"])["designation"].to_pylist()
            earlier.update(found)
            self._total += len(found)
            self._count(len(found), table)
        return None

    def end(self) -> None:
        """Say that everything is here."""
        self._progress(self._done, self._done, "done")

    def _apogee_of_file(self) -> None:
        table, allstar = apogee.TABLE, self._clients.allstar
        path = allstar.fetch(self._landing.downloads, self._progress)
        for number, block in enumerate(apogee.read_allstar(path, self._clients.schemas[table])):
            self._landing.write(table, f"part-{number:05d}", block, public_url(allstar.url), self._releases[table])
            self._total += len(block)
            self._count(len(block), apogee.TABLE)
        # its rows are in the landing now, and 4 GB need not lie on the disk twice
        path.unlink()

    def _apogee_of_vizier(self) -> None:
        tap, survey, started = self._clients.vizier, self._clients.surveys.apogee, time.monotonic()
        there, part = survey.table_at(apogee.VIZIER, apogee.TABLE), "part-00000"
        # a row limit of the server cuts an answer without a word: only a count beforehand tells
        rows = tap.count(f"SELECT COUNT(*) AS n FROM {there}")  # noqa: S608
        query = TapQuery(apogee.query_of_vizier(survey), rows, rows)
        answer = tap.fetch(query, self._landing.jobs(apogee.TABLE), part)
        stars = apogee.conform_vizier(answer, survey, self._clients.schemas[apogee.TABLE])
        self._keep(apogee.TABLE, part, stars, there, started)
        self._total += rows
        self._count(rows, apogee.TABLE)

    def _gaia_of_sky(self) -> None:
        """Fetch a selection; parts of the sky that are here need not be counted."""
        gaia = self._clients.gaia
        if self._landing.is_complete(GAIA):
            return self._count(self._landing.rows().get(GAIA, 0), GAIA)
        # a part that is here has its number in its manifest; going on after a kill asks for few counts
        known = {m.part: m.rows for m in self._landing.manifests() if m.table == GAIA}
        whole = SkyPart(gaia.identifier)
        self._total += gaia.count(whole)
        # one row first: the error of a job is an HTTP 500 without words, that of a small query says what is wrong
        gaia.probe()
        for part, rows in divide(
            whole, lambda p: known.get(p.name) or gaia.count(p), self._settings.archive.rows_per_part
        ):
            if part.name not in known:
                started, text = time.monotonic(), gaia.query_of_part(part)
                answer = gaia.tap.fetch(TapQuery(text, rows, rows), self._landing.jobs(GAIA), part.name)
                self._keep(GAIA, part.name, gaia.conform(answer), text, started)
            self._count(rows, GAIA)
        return self._landing.mark_complete(GAIA)

    def _gaia_of_apogee(self) -> None:
        ids = self._led(ids_of_apogee(self._landing.files(apogee.TABLE)))
        if not len(ids):
            raise StellarError("no star of APOGEE has a Gaia source; select stars with gaia.where")
        size = self._settings.archive.rows_per_part
        self._total += len(ids)
        if not all(self._landing.has(GAIA, f"ids-{k:05d}") for k in range(-(-len(ids) // size))):
            self._clients.gaia.probe()
        for number, first in enumerate(range(0, len(ids), size)):
            self._by_ids(GAIA, f"ids-{number:05d}", ids[first : first + size], self._gaia_rows)
        self._landing.mark_complete(GAIA)

    def _led(self, ids: Ids) -> Ids:
        """Return the sources that identifiers of APOGEE's table stand for: themselves, or those that a crosswalk leads to."""
        crosswalk = self._clients.surveys.gaia.crosswalk
        if crosswalk is None:
            return ids
        size, client = self._settings.archive.rows_per_part, Crosswalk(self._clients.gaia.tap, self._clients.surveys)
        for number, first in enumerate(range(0, len(ids), size)):
            self._pairs(f"earlier-{number:05d}", ids[first : first + size], client.of_earlier)
        led = lead(pairs_of(self._landing, self._clients.surveys), ids, self._clients.surveys)
        console.print(
            f"of {len(ids):,} sources of {crosswalk.release} {led.to_one:,} are one source now, {led.chosen:,} have several near "
            f"of which one was chosen, and {led.nowhere:,} have none",
            soft_wrap=True,
        )
        return led.ids

    def _pairs(self, part: str, ids: Ids, ask: Callable[[Ids, Jobs, str], pa.Table]) -> None:
        if self._landing.has(CROSSWALK, part):
            return
        started = time.monotonic()
        rows = ask(ids, self._landing.jobs(CROSSWALK), part)
        self._keep(CROSSWALK, part, rows, f"neighbours of {len(ids):,} sources", started)

    def _gaia_rows(self, ids: Ids, part: str) -> pa.Table:
        gaia = self._clients.gaia
        return gaia.conform(gaia.tap.fetch(upload_query(gaia.query_of_ids(), ids), self._landing.jobs(GAIA), part))

    def _spectra_rows(self, ids: Ids, part: str) -> pa.Table:
        if self._settings.gaia.xp == "tap":
            return self._clients.mirror(self._landing.jobs(xp.TABLE)).ask(ids, part)
        return self._clients.data_link.ask(ids)

    def _spectra_of_bulk(self) -> None:
        table = xp.TABLE
        ids = np.concatenate([self._ids_with_spectra(part) for part in self._landing.parts(GAIA)])
        bulk, found = self._clients.bulk(self._landing), [np.empty(0, np.int64)]
        self._total += len(ids)
        for file, inside in bulk.files(ids):
            part, started = file.removesuffix(".csv.gz"), time.monotonic()
            if not self._landing.has(table, part):
                rows = bulk.read(file, inside).sort_by("source_id")
                self._keep(table, part, rows, f"{public_url(self._clients.bulk_url)}/{file}", started)
            found.append(self._landing.read(table, part, ["source_id"])["source_id"].to_numpy())
            self._count(len(found[-1]), table)
        # no file held any of the stars: the table must exist all the same, for the warehouse reads it
        if not self._landing.has_table(table):
            self._not_given(table)
        self._landing.missing(table).note(np.setdiff1d(ids, np.concatenate(found)), ids)

    def _twomass_rows(self, part: str) -> pa.Table:
        jobs = self._landing.jobs(twomass.TABLE)
        if self._settings.twomass.by == "position":
            gaia = self._landing.read(GAIA, part, ["ref_epoch", "ra", "dec", "pmra", "pmdec"])
            places = twomass.positions_at(gaia, self._clients.surveys.twomass.epoch_year)
            return self._clients.positions(jobs).ask(*places, part)
        ids = self._landing.read(GAIA, part, ["source_id"])["source_id"].to_numpy()
        rows, lost = self._clients.neighbours(jobs).ask(ids, part)
        # before the part is kept, as in `_by_ids`
        self._landing.missing(twomass.TABLE).note(lost, ids)
        return rows

    def _by_ids(self, table: str, part: str, ids: Ids, request: RequestRows) -> None:
        """Fetch the rows of stars as one part, and note who did not come."""
        if not self._landing.has(table, part):
            started = time.monotonic()
            rows, lost = fetch_ids(ids, lambda wanted, suffix: request(wanted, part + suffix))
            # before the part is kept: a kill between the two asks again, the other order would forget who is missing
            self._landing.missing(table).note(lost, ids)
            text = f"{len(ids):,} source_id from {ids[0]} to {ids[-1]}" if len(ids) else "no star"
            self._keep(table, part, rows, text, started)
        self._count(len(ids), table)

    def _ask_again(self, table: str, request: RequestRows) -> None:
        """Ask once more for the stars that did not come in earlier runs; what comes now is a part of its own."""
        missing = self._landing.missing(table)
        ids = self._to_ask[table]
        if not len(ids):
            return
        # a part is never rewritten, so that late comers make one of their own
        part = f"again-{sum(name.startswith('again-') for name in self._landing.parts(table)):05d}"
        started = time.monotonic()
        rows, lost = fetch_ids(ids, lambda wanted, suffix: request(wanted, part + suffix))
        if len(rows):
            self._keep(table, part, rows, f"{len(ids):,} missing source_id", started)
        missing.note(lost, ids)

    def _keep(self, table: str, part: str, rows: pa.Table, text: str, started: float) -> None:
        """Write a part; the jobs that made it are over."""
        jobs = self._landing.jobs(table)
        seconds = time.monotonic() - started
        release = self._releases[table]
        self._landing.write(table, part, rows, text, release, job_id=jobs.names(part), seconds=seconds)
        # only now: until the part is on disk, the job is what a later run can take up
        jobs.forget_part(part)

    def _not_given(self, table: str) -> None:
        self._landing.write_not_given(table, self._clients.schemas[table].empty(), f"{table} is not asked for: no rows")

    def _ids_with_spectra(self, part: str) -> Ids:
        rows = self._landing.read(GAIA, part, ["source_id", "has_xp_continuous"])
        # where nobody knows the release's flag, the archive is asked for all, and gives those that have one
        if "has_xp_continuous" not in self._clients.surveys.gaia.lacking(GAIA):
            rows = rows.filter(rows["has_xp_continuous"])
        ids: Ids = rows["source_id"].to_numpy()
        return ids

    def _count(self, rows: int, remark: str) -> None:
        self._done += rows
        self._total = max(self._total, self._done)
        self._progress(self._done, self._total, remark)
