"""Requests to DaCHS, whose answers are passed on as they come."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

HOST = "127.0.0.1:8080"
TIMEOUT_S = 600
CHUNK_BYTES = 1 << 16


@dataclass
class Answer:
    """What DaCHS answers; its body can be read once, in whole or as it comes."""

    status: int
    headers: dict[str, str]
    _connection: HTTPConnection
    _response: HTTPResponse
    _head: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "")

    def head(self, size: int = 4096) -> bytes:
        """Return the first bytes of the body and keep them."""
        self._head += self._response.read(max(size - len(self._head), 0))
        return self._head

    def read(self) -> bytes:
        """Return the body."""
        return b"".join(self.stream())

    def stream(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        try:
            yield self._head
            for _ in itertools.count():
                chunk = self._response.read(CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk
        finally:
            self._connection.close()


def ask(method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
    """Send a request to DaCHS."""
    connection = HTTPConnection(HOST, timeout=TIMEOUT_S)
    connection.request(method, path, body or None, {"Content-Type": content_type} if body else {})
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, connection, response)
