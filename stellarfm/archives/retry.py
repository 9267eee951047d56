"""Which errors of an archive are retried, and how often: a transient one is, a refusal is not."""

import errno
import http.client
import io
import re
import socket
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from stellarfm.addresses import public_text
from stellarfm.errors import StellarError

T = TypeVar("T")
_LONGEST_WAIT_S = 120.0
# a POST of an async job fails with "Service Unavailable" and no number: the phrase is all there is
_PHRASES = {status.phrase.lower(): status.value for status in HTTPStatus}
# client errors that pass: the request came too slowly, or there were too many
_BUSY = {408, 429}
# DataLink of Gaia tells a word that it does not know by HTTP 500, and would do so for ever
_UNKNOWN_WORD = re.compile(
    r"(unknown|invalid|unsupported) (retrieval|data|release)[ _]?(type|structure)?", re.IGNORECASE
)


class RefusedError(StellarError):
    """The archive understood and refused: asking again would not help."""


class TransientError(Exception):
    """The archive gave less than it has, or something that is no answer: asking again may help."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is retried, and how long it may take.

    Attributes
    ----------
    attempts
        Times that a request is made.
    wait_s
        First wait between two attempts; it doubles, at random.
    timeout_s
        Longest silence of a server.
    deadline_s
        Longest time that a job may take.
    """

    attempts: int = 6
    wait_s: float = 2.0
    timeout_s: float = 120.0
    deadline_s: float = 7200.0

    def call(self, archive: str, request: Callable[[], T]) -> T:
        """Make a request, again where it may help.

        Parameters
        ----------
        archive
            What the archive is called in messages.
        request
            Makes it once.

        Raises
        ------
        RefusedError
            If the archive refuses it.
        StellarError
            If it failed every time.
        """
        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            # at random, so that clients that failed together do not come back together
            wait=wait_random_exponential(multiplier=self.wait_s, max=_LONGEST_WAIT_S),
            retry=retry_if_exception(is_transient),
            reraise=True,
        )
        try:
            # astroquery prints what a server answers among a program's results
            with timeout(self.timeout_s), redirect_stdout(io.StringIO()):
                answer: T = retrying(request)
                return answer
        except Exception as error:
            if not isinstance(error, StellarError) and (refused := _refusal(archive, error)):
                raise refused from error
            if not is_transient(error):
                raise
            raise StellarError(
                f"{archive} failed {self.attempts} times, at last with: {describe(error)}; what was fetched is kept, "
                "run the same command again to go on"
            ) from error


def is_transient(error: BaseException) -> bool:
    """Whether the same request may go through later."""
    # what we say ourselves is about the request or the data and does not pass
    if isinstance(error, StellarError):
        return False
    status = status_of(error)
    if status is not None:
        return (status >= 500 and not _is_unknown_word(error)) or status in _BUSY
    # a body that was cut is an EOFError (gzip), zlib.error, BadZipFile or IncompleteRead, an HTTPException, by its kind
    passing = (OSError, http.client.HTTPException, EOFError, zipfile.BadZipFile, zlib.error, TransientError)
    return isinstance(error, passing) and not _is_local(error)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error of astroquery or requests stands for; it may be known by its name alone."""
    response = getattr(error, "response", None)
    if response is not None:
        return int(response.status_code)
    # astroquery raises HTTPErrors without a response, whose number stands in the text
    if type(error).__name__ != "HTTPError":
        return None
    text = str(error).strip()
    number = re.match(r"Error (\d{3})", text)
    if number:
        return int(number.group(1))
    # an HTTPError of which nothing is known counts as a fault of the server, thus as passing
    return _PHRASES.get(text.splitlines()[0].strip().lower(), 500) if text else 500


def describe(error: BaseException) -> str:
    """Return what went wrong in one line."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = public_text(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


@contextmanager
def timeout(seconds: float) -> Iterator[None]:
    """Give every new socket a time-out while the block runs: astroquery sets none."""
    # the default of the whole process: astroquery takes none as an argument. pyvo ignores it and has a session of its own
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _is_local(error: BaseException) -> bool:
    """Whether an error of the system is one of this machine's disk, which waiting does not mend."""
    return isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError) or getattr(
        error, "errno", None
    ) in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def _is_unknown_word(error: BaseException) -> bool:
    """Whether a fault of the server is a refusal of a word in the request, by what it says."""
    return _UNKNOWN_WORD.search(str(error)) is not None


def _refusal(archive: str, error: BaseException) -> RefusedError | None:
    status = status_of(error)
    if status is None or (status >= 500 and not _is_unknown_word(error)) or status in _BUSY:
        return None
    if status in (401, 403):
        return RefusedError(
            f"{archive} refuses the credentials ({describe(error)}); set GAIA_USER and GAIA_PASSWORD, or leave both out "
            "to ask without an account"
        )
    message = re.sub(r"^\w+: Error \d{3}:\s*", "", describe(error))
    return RefusedError(f"{archive} refuses the request: {message}")
