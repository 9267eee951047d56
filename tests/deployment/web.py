"""Plain requests, so that tests see what is sent and not what a client makes of it."""

import gzip
import http.client
import io
import urllib.request
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from astropy.io.votable import parse
from astropy.table import Table

TIMEOUT_S = 30


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    url: str,
    fields: Mapping[str, Any] | None = None,
    method: str = "",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send a request and follow no redirect; fields make it a POST."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
    body = urlencode(fields) if fields is not None else None
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if fields is not None else {}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            method or ("POST" if fields is not None else "GET"), target, body, kind | dict(headers or {})
        )
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def query(tap_url: str, adql: str, table_format: str = "fits", **fields: str) -> Answer:
    """Ask a TAP service a question and wait for the answer."""
    given = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": table_format, "QUERY": adql}
    answer = ask(f"{tap_url}/sync", given | fields)
    unpacked = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    return Answer(answer.status, answer.headers, unpacked)


def table(answer: Answer) -> Table:
    """Return the table in an answer."""
    assert answer.status == 200, answer.body[:500]
    content = io.BytesIO(answer.body)
    if "fits" in answer.headers["content-type"]:
        read = Table.read(content, format="fits")
        read.convert_bytestring_to_unicode()
        return read
    return parse(content).get_first_table().to_table()


def load_data(data_url: str, ids: Iterable[int], table_format: str = "fits", **fields: str) -> Answer:
    """Ask DataLink for spectra."""
    given = {"ID": ",".join(map(str, ids)), "RELEASE": "Gaia DR3", "DATA_STRUCTURE": "RAW", "FORMAT": table_format}
    given |= {"RETRIEVAL_TYPE": "XP_CONTINUOUS", "VALID_DATA": "false", "USE_ZIP_ALWAYS": "true"}
    return ask(data_url, given | fields)


def members(answer: Answer) -> dict[str, bytes]:
    """Return the files of a zip."""
    assert answer.status == 200, answer.body[:500]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def fetch(url: str) -> bytes:
    """Return a whole file."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        content: bytes = answer.read()
    return content
