"""A TAP service as its clients should see it: complete tables, or an error; jobs are taken up again where they are."""

import gzip
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import pyarrow as pa
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from stellarfm.archives.credentials import Credentials
from stellarfm.archives.retry import RefusedError, RetryPolicy, TransientError, status_of
from stellarfm.errors import StellarError
from stellarfm.formats.reading import read_columns
from stellarfm.landing.jobs import Jobs

T = TypeVar("T")

UPLOADED = "wanted"
"""Name of an uploaded table: ``tap_upload.wanted`` in a query."""

# phases of UWS 1.1 in which a job may still end; every other ends the wait
_RUNNING = {"PENDING", "QUEUED", "EXECUTING", "HELD", "SUSPENDED"}


@dataclass(frozen=True)
class TapQuery:
    """A query whose answer has a known number of rows.

    Attributes
    ----------
    text
        ADQL.
    rows
        How many rows the answer must have; None where any number may be right.
    most
        More rows than this are never asked for.
    upload
        A table that goes with the query, known as ``tap_upload.wanted``.
    """

    text: str
    rows: int | None
    most: int
    upload: pa.Table | None = None


class Tap:
    """A TAP service.

    Parameters
    ----------
    name
        What it is called in messages.
    url
        Its address.
    retry
        How often and how long it is asked.
    answer_format
        FORMAT of answers; FITS is parsed 35 times faster than VOTable, not every service has it.
    credentials
        Of an account, if there is one.
    """

    def __init__(
        self,
        name: str,
        url: str,
        retry: RetryPolicy,
        *,
        answer_format: str = "fits",
        credentials: Credentials | None = None,
    ) -> None:
        self.name, self.url, self.retry = name, url, retry
        self._format, self._credentials = answer_format, credentials

    def count(self, query: str) -> int:
        """Return the one number that a query gives.

        Raises
        ------
        StellarError
            If the archive refuses the query, with its own words, or fails.
        """
        return int(self._ask(lambda: _number(self._sync(query))))

    def probe(self, query: str) -> None:
        """Let the archive check a query for one row, whose errors it explains better than those of jobs.

        Raises
        ------
        StellarError
            If the archive refuses the query, with its own words, or fails.
        """
        self._ask(lambda: self._sync(query))

    def read(self, query: str, rows: int | None = None) -> pa.Table:
        """Return the small answer of a synchronous query, which says TOP itself.

        Parameters
        ----------
        query
            ADQL.
        rows
            How many rows the answer must have; None where any number may be right.

        Raises
        ------
        StellarError
            If the archive refuses the query, with its own words, or fails.
        """
        return self._ask(lambda: self._read(query, rows))

    def fetch(self, query: TapQuery, jobs: Jobs, part: str) -> pa.Table:
        """Return the answer of a job, which goes on where an earlier run left it.

        Parameters
        ----------
        query
            What to ask.
        jobs
            Keeps the job's address until the answer is here.
        part
            Name of the job.

        Returns
        -------
        pyarrow.Table
            Columns as the archive names them, as many rows as the query says.

        Raises
        ------
        StellarError
            If the archive fails every time, or takes longer than the deadline.
        """
        return self._ask(lambda: self._run(query, jobs, part))

    def _ask(self, request: Callable[[], T]) -> T:
        return self.retry.call(self.name, request)

    def _read(self, query: str, rows: int | None) -> pa.Table:
        from stellarfm.formats.arrow import from_astropy

        table = from_astropy(self._sync(query)).table()
        # CSV that was cut reads as fewer rows
        if rows is not None and len(table) != rows:
            raise TransientError(f"the answer has {len(table):,} rows where there are {rows:,}")
        return table

    def _sync(self, query: str) -> Any:
        try:
            # CSV is safe for one row alone: a body that was cut still reads as fewer rows. Without TOP astroquery adds TOP 2000
            return self._service.launch_job(query, output_format="csv").get_results()
        except (ValueError, IndexError, TypeError) as error:  # astroquery's words for an answer that is no table
            raise self._refusal(query) or TransientError(f"the answer cannot be read ({error})") from error

    def _refusal(self, query: str) -> RefusedError | None:
        """Return the archive's own words about a query, which astroquery loses where they come with status 200."""
        # a bare DaCHS is told by astroquery as "No table found" and no more; pyvo keeps the message
        import pyvo

        try:
            pyvo.dal.TAPService(self.url, session=_session(self.retry.timeout_s)).run_sync(query, maxrec=1)
        except pyvo.dal.DALQueryError as error:
            return RefusedError(f"{self.name} refuses the request: {' '.join(str(error).split())}")
        except pyvo.dal.DALAccessError:
            return None
        return None

    def _run(self, query: TapQuery, jobs: Jobs, part: str) -> pa.Table:
        """Start a job or find it again, wait for its end, and read the answer."""
        # a job survives a restart of the archive and a kill of ours under the same id
        job = self._find(query, jobs, part) or self._start(query, jobs, part)
        phase = self._wait(job)
        if phase != "COMPLETED":
            # a failed job would fail for ever: the retry must make a new one
            jobs.forget(part)
            raise TransientError(f"the job {job.jobid} ended in phase {phase}: {_reason(job)}")
        table = read_answer(_result(job))
        # neither a row limit nor a cut is told by astroquery: only the count shows that rows are missing
        if (query.rows is not None and len(table) != query.rows) or len(table) > query.most:
            jobs.forget(part)
            there = f"at most {query.most:,}" if query.rows is None else f"{query.rows:,}"
            raise TransientError(f"the job {job.jobid} gave {len(table):,} rows where there are {there}")
        return table

    def _find(self, query: TapQuery, jobs: Jobs, part: str) -> Any:
        """Return a job of an earlier run or attempt that the archive still knows."""
        job_id = jobs.find(part, self.url, query.text)
        if job_id is None:
            return None
        try:
            job = self._service.load_async_job(jobid=job_id, load_results=False)
        except OSError as error:
            # the archive has dropped the job; any other error says nothing of it, and is retried
            if status_of(error) not in (404, 410):
                raise
            job = None
        if job is None or job.get_phase(update=True).strip().upper() in {"ERROR", "ABORTED", "ARCHIVED", "UNKNOWN"}:
            jobs.forget(part)
            return None
        return job

    def _start(self, query: TapQuery, jobs: Jobs, part: str) -> Any:
        """Make a job, note its address, and only then let it run."""
        upload = None
        if query.upload is not None:
            from astropy.table import Table

            upload = Table({name: query.upload[name].to_numpy() for name in query.upload.column_names})
        # autorun=False is plain UWS: some servers ignore PHASE=RUN in the POST that creates the job, and it would hang for ever.
        # One row more than is wanted, so that an answer of too many shows, where MAXREC would cut it to the right number
        job = self._service.launch_job_async(
            query.text,
            output_format=self._format,
            background=True,
            autorun=False,
            upload_resource=upload,
            upload_table_name=None if upload is None else UPLOADED,
            maxrec=query.most + 1,
        )
        # before it runs: a kill from here on leaves a job that can be found, never one that runs for nobody
        jobs.keep(part, self.url, query.text, job.jobid)
        return job

    def _wait(self, job: Any) -> str:
        """Return the phase that a job ends in."""
        if job.get_phase(update=True).strip().upper() == "PENDING":
            # `start` of astroquery looks at the phase that it noted itself, exactly PENDING, and refuses any other
            job.set_phase("PENDING")
            job.start()
        polling = Retrying(
            # soon at first, for the sake of counts, and ever more rarely for large answers
            wait=wait_exponential(multiplier=0.05, max=10),
            stop=stop_after_delay(self.retry.deadline_s),
            retry=retry_if_result(_RUNNING.__contains__),
        )
        try:
            return str(polling(lambda: job.get_phase(update=True).strip().upper()))
        except RetryError as error:
            raise StellarError(
                f"{self.name} has not finished the job {job.jobid} within {self.retry.deadline_s:g} s "
                "(retry.deadline_s); it is kept: run the same command again to take it up"
            ) from error

    @cached_property
    def _service(self) -> Any:
        # not astroquery.gaia: importing that looks up ESA's status page, without a time-out
        from astroquery.utils.tap import TapPlus

        logging.getLogger("astroquery").setLevel(logging.ERROR)
        service = TapPlus(url=self.url.rstrip("/"), verbose=False)
        if self._credentials is not None:
            self._ask(lambda: self._credentials.log_in(service))  # type: ignore[union-attr]
        return service


def read_answer(content: bytes) -> pa.Table:
    """Read what an archive answered: FITS or VOTable, zipped or not.

    Raises
    ------
    TransientError
        If it is cut short, or no table.
    """
    # by the first bytes: astroquery and servers do not agree on who unzips, and its own reader fails on plain FITS
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    kind: Literal["fits", "votable", ""] = (
        "fits" if plain[:6] == b"SIMPLE" else "votable" if b"<VOTABLE" in plain[:2000] else ""
    )
    # an HTML page with status 200 is no refusal of the query: it may be a busy front end, and is retried
    if not kind:
        raise TransientError(f"the answer is no table, it begins with {plain[:60]!r}")
    with TemporaryDirectory(prefix="stellarfm-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "answer"
        path.write_bytes(plain)
        try:
            return read_columns(path, kind).table()
        except (OSError, ValueError, TypeError, IndexError, KeyError, StellarError, StopIteration) as error:
            raise TransientError(f"the answer cannot be read as {kind} ({error}); it may be cut short") from error


def _session(timeout_s: float) -> Any:
    """Return a session of requests that does not wait for ever."""
    from functools import partial

    import requests

    session = requests.Session()
    # requests has a time-out a request only, and pyvo passes none
    session.request = partial(session.request, timeout=timeout_s)  # type: ignore[method-assign]
    return session


def _result(job: Any) -> bytes:
    """Return the answer of a finished job as it comes."""
    # the bytes themselves: `get_results` would choose a parser by headers and keep a short file without an error
    response = job.connHandler.execute_tapget(f"async/{job.jobid}/results/result")
    if response.status in (302, 303):
        address = job.connHandler.find_header(response.getheaders(), "location")
        response = job.connHandler.execute_tapget("async" + address.rsplit("/async", 1)[-1])
    if response.status != 200:
        raise TransientError(f"the answer of the job {job.jobid} came with status {response.status}")
    content: bytes = response.read()
    return content


def _reason(job: Any) -> str:
    """Return what the archive says of a job that failed."""
    try:
        return " ".join(str(job.get_error() or "").split()) or "no reason given"
    except Exception as error:  # noqa: BLE001  astroquery raises what the archive says, of any kind
        return " ".join(str(error).split())


def _number(table: Any) -> int:
    if len(table) != 1:
        raise TransientError("the answer of a count has not one row")
    return int(table[0][0])
