"""Files of the archives that are fetched whole or in ranges."""

import re
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote

from archive_front.messages import Reply, Request

CHUNK_BYTES = 1 << 20
_TYPES = {".fits": "application/fits", ".gz": "application/x-gzip"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def serve_file(root: Path, request: Request) -> Reply:
    """Answer with a file below a folder, or the part of it that was asked for."""
    path = (root / unquote(request.path).lstrip("/")).resolve()
    if request.method not in ("GET", "HEAD") or not path.is_relative_to(root.resolve()) or not path.is_file():
        return Reply(404, b"no such file")
    stat = path.stat()
    etag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Last-Modified": formatdate(stat.st_mtime, usegmt=True)}
    kind = _TYPES.get(path.suffix, "text/plain")
    asked = request.headers.get("range", "")
    unchanged = request.headers.get("if-range", etag) in (etag, headers["Last-Modified"])
    if not asked or not unchanged:
        return Reply(200, _read(path, 0, stat.st_size), kind, headers, stat.st_size)
    first, end = _bounds(asked, stat.st_size)
    if first >= end:
        return Reply(416, headers=headers | {"Content-Range": f"bytes */{stat.st_size}"})
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{stat.st_size}"
    return Reply(206, _read(path, first, end), kind, headers, end - first)


def _bounds(asked: str, size: int) -> tuple[int, int]:
    """Return the first byte and the one after the last; an empty range if it cannot be satisfied."""
    found = _RANGE.match(asked.strip())
    if found is None or not any(found.groups()):
        return 0, 0
    first, last = found.groups()
    if not first:  # the last so many bytes
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size


def _read(path: Path, first: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while first < end:
            chunk = file.read(min(CHUNK_BYTES, end - first))
            if not chunk:
                return
            first += len(chunk)
            yield chunk
