"""Large files over a line that breaks, from a server on loopback that does as it is told."""

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from stellarfm.archives.downloads import download
from stellarfm.archives.retry import RefusedError, RetryPolicy
from stellarfm.errors import StellarError

RETRY = RetryPolicy(attempts=3, wait_s=0.0, timeout_s=10.0)
CONTENT = np.random.default_rng(3).bytes(3_000_000)


class FileServer(ThreadingHTTPServer):
    """Gives one file; `cuts` are the bytes after which the next answers break off."""

    content, etag = CONTENT, '"first"'
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cuts: list[int] = []
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/allStar.fits"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        same = asked is not None and self.headers.get("If-Range") == server.etag
        start = int(re.findall(r"\d+", asked)[0]) if asked and same else 0
        status = server.status if server.status != 200 else 206 if start else 200
        body = server.content[start:] if status < 400 else b""
        self.send_response(416 if start and not body else status)
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bring(server: FileServer, target: Path, checksum: str = "") -> bytes:
    return download("the archive", server.url, target, RETRY, checksum=checksum).read_bytes()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_that_breaks_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1 << 20, 1 << 20]
    told: list[tuple[int, int]] = []
    path = download(
        "the archive", server.url, tmp_path / "file", RETRY, progress=lambda done, total, _: told.append((done, total))
    )
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-"]
    assert told[-1] == (len(CONTENT) >> 20, len(CONTENT) >> 20)  # in MB
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert left(tmp_path) == ["file"]


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1 << 20, 0, 0]
    with pytest.raises(StellarError, match=r"failed 3 times"):
        bring(server, tmp_path / "file")
    assert not (tmp_path / "file").exists()
    assert bring(server, tmp_path / "file") == CONTENT
    assert server.ranges[-1] == f"bytes={1 << 20}-"


def test_a_file_that_is_here_is_not_asked_for(server: FileServer, tmp_path: Path) -> None:
    bring(server, tmp_path / "file")
    bring(server, tmp_path / "file")
    assert len(server.ranges) == 1


def test_a_file_that_was_replaced_meanwhile_is_begun_anew(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [1 << 20, 0, 0]
    with pytest.raises(StellarError):
        bring(server, tmp_path / "file")
    server.content, server.etag = CONTENT[::-1], '"second"'
    assert bring(server, tmp_path / "file") == CONTENT[::-1]


def test_without_a_tag_nobody_knows_whether_it_is_the_same_file(server: FileServer, tmp_path: Path) -> None:
    server.etag, server.cuts = "", [1 << 20]
    assert bring(server, tmp_path / "file") == CONTENT
    assert server.ranges == [None, None]


def test_a_run_that_was_killed_after_the_last_byte_needs_no_more(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT)
    (tmp_path / "file.partial.tag").write_text(server.etag)
    assert bring(server, tmp_path / "file") == CONTENT
    assert left(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_a_checksum_is_known_by_its_length(server: FileServer, tmp_path: Path, kind: str) -> None:
    assert bring(server, tmp_path / "file", hashlib.new(kind, CONTENT).hexdigest()) == CONTENT
    with pytest.raises(StellarError, match=rf"has the checksum {hashlib.new(kind, CONTENT).hexdigest()}, not 0+:"):
        bring(server, tmp_path / "other", "0" * len(hashlib.new(kind).hexdigest()))
    assert left(tmp_path) == ["file"]  # a damaged file is not gone on with


def test_a_file_that_the_archive_refuses_is_asked_for_once(server: FileServer, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(RefusedError, match=r"the archive refuses the request: .*404"):
        bring(server, tmp_path / "file")
    assert len(server.ranges) == 1
