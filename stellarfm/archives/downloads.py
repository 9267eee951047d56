"""Large files: a download goes on where it stopped, and is believed only when its size and checksum are right."""

import hashlib
import re
from pathlib import Path

import requests

from stellarfm.addresses import public_url
from stellarfm.archives.credentials import account_of
from stellarfm.archives.retry import RetryPolicy, TransientError
from stellarfm.atomic import replace_file
from stellarfm.errors import StellarError
from stellarfm.progress import ProgressCallback, no_progress

_BLOCK = 1 << 20
# length of the hexadecimal digest tells its kind: SDSS publishes SHA-1, the bulk files of Gaia MD5
_CHECKSUMS = {40: "sha1", 32: "md5", 64: "sha256"}


def download(
    name: str,
    url: str,
    target: Path,
    retry: RetryPolicy,
    *,
    checksum: str = "",
    progress: ProgressCallback = no_progress,
) -> Path:
    """Bring a file, and return its path.

    Parameters
    ----------
    name
        What the archive is called in messages.
    url
        Where it lies.
    target
        Where it goes; while it is not complete it is called ``<target>.partial``.
    retry
        How often and how long the archive is asked.
    checksum
        MD5, SHA-1 or SHA-256 in hexadecimal, which its length tells; empty compares the size alone.
    progress
        Called with MB done, MB in all and the name of the file.

    Raises
    ------
    StellarError
        If the archive refuses or fails, or the content is not what the checksum says.
    """
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # the final name appears only after size and checksum, so that a file of that name can be believed
    partial = target.with_name(target.name + ".partial")
    retry.call(name, lambda: _go_on(url, partial, retry.timeout_s, progress))
    if checksum and (found := _digest(partial, checksum)) != checksum:
        # going on from wrong bytes could never mend them: the next run must begin anew
        partial.unlink()
        raise StellarError(
            f"{public_url(url)} has the checksum {found}, not {checksum}: it was damaged on its way or replaced; it was removed, "
            "run again to fetch it anew"
        )
    replace_file(partial, target)
    return target


def read_text(name: str, url: str, retry: RetryPolicy) -> str:
    """Return a small text file of an archive.

    Raises
    ------
    StellarError
        If the archive refuses or fails.
    """

    def get() -> str:
        answer = requests.get(url, timeout=retry.timeout_s, auth=account_of(url))
        answer.raise_for_status()
        return str(answer.text)

    return retry.call(name, get)


def checksums(text: str) -> dict[str, str]:
    """Read the lines of a checksum list, ``<hexadecimal>  <path>``, by the name of the file."""
    lines = re.findall(r"^([0-9a-fA-F]{32,64})\s+\*?(\S+)\s*$", text, re.MULTILINE)
    return {path.rsplit("/", 1)[-1]: digest.lower() for digest, path in lines}


def _go_on(url: str, partial: Path, timeout_s: float, progress: ProgressCallback) -> None:
    """Ask for what is not here yet, and add it; whether the file is still the same its tag tells."""
    tag = partial.with_name(partial.name + ".tag")
    here = partial.stat().st_size if partial.is_file() else 0
    # a length counted in compressed bytes could be compared with nothing on disk
    headers = {"Accept-Encoding": "identity"}
    if here and tag.is_file():
        # If-Range: where the file was replaced since, the server sends all of it (200) in place of the rest (206)
        headers |= {"Range": f"bytes={here}-", "If-Range": tag.read_text(encoding="utf-8")}
    with requests.get(url, headers=headers, stream=True, timeout=timeout_s, auth=account_of(url)) as answer:
        if answer.status_code == 416:  # nothing beyond what is here
            return tag.unlink(missing_ok=True)
        answer.raise_for_status()
        # a server that knows no ranges answers 200 with the whole file, which then replaces what is here
        goes_on = answer.status_code == 206
        here = here if goes_on else 0
        if "ETag" in answer.headers:
            tag.write_text(answer.headers["ETag"], encoding="utf-8")
        total = here + int(answer.headers.get("Content-Length", 0))
        with partial.open("ab" if goes_on else "wb") as stream:
            for block in answer.iter_content(_BLOCK):
                stream.write(block)
                here += len(block)
                progress(here >> 20, total >> 20, f"{public_url(url).rpartition('/')[-1]}, MB")
    # urllib3 before 2 takes a body that ends early for a whole one; the count of bytes tells with every version
    if total and here != total:
        raise TransientError(f"{here:,} of {total:,} bytes came")
    return tag.unlink(missing_ok=True)


def _digest(path: Path, checksum: str) -> str:
    if len(checksum) not in _CHECKSUMS:
        raise StellarError(f"the checksum {checksum!r} is neither MD5 nor SHA-1 nor SHA-256")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _CHECKSUMS[len(checksum)]).hexdigest()
