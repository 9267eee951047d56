"""The server: routes requests to the archives, and makes answers go wrong on their way."""

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl

from archive_front.datalink import load_data
from archive_front.faults import Fault, Faults
from archive_front.files import serve_file
from archive_front.journal import Journal
from archive_front.login import login, logout
from archive_front.messages import Reply, Request
from archive_front.tap import ESA, IRSA, Tap

MAINTENANCE = b"<html><head><title>Archive</title></head><body>The archive is down for maintenance.</body></html>"
IDLE_S = 120
_BODY_FAULTS = ("truncate", "cut", "kill")

Route = tuple[str, Callable[[Request], Reply]]


@dataclass
class Archives:
    """What the threads of the server share."""

    files: Path
    version: str
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    refuse_s: float = 0

    def __post_init__(self) -> None:
        serve = lambda request: serve_file(self.files, request)  # noqa: E731 - one line, used twice
        self.routes: list[Route] = [
            ("/tap-server/login", login),
            ("/data-server/login", login),
            ("/tap-server/logout", logout),
            ("/data-server/logout", logout),
            ("/data-server/data", load_data),
            (ESA.prefix, Tap(ESA).answer),
            (IRSA.prefix, Tap(IRSA).answer),
            ("/sas/", serve),
            ("/cdn/", serve),
        ]

    def answer(self, request: Request) -> Reply:
        """Answer a request to one of the archives."""
        for prefix, handler in self.routes:
            if request.path.startswith(prefix):
                return handler(request)
        return Reply(404, b"no such path")

    def control(self, request: Request) -> Reply | None:
        """Answer a request to the front itself."""
        fields = dict(parse_qsl(request.query))
        if request.path == "/_health":
            return Reply(200, self.version.encode())
        if request.path == "/_log":
            return Reply(200, self.journal.take(), "application/x-ndjson")
        if request.path != "/_fault":
            return None
        if fields.get("kind", "clear") == "clear":
            self.faults.clear()
            return Reply(200, b"cleared\n")
        try:
            self.faults.arm(fields)
        except ValueError as error:
            return Reply(400, f"{error}\n".encode())
        return Reply(200, b"ok\n")


class Server(ThreadingHTTPServer):
    """The listening server."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], archives: Archives) -> None:
        self.archives = archives
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Report what went wrong, unless a client has merely left."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the journal has it."""

    def handle_any(self) -> None:
        """Answer a request of any method."""
        archives = cast(Server, self.server).archives
        request = self._request()
        if reply := archives.control(request):
            self._send(reply)
            return
        fault = archives.faults.take(self.path)
        archives.journal.add(request, fault.kind if fault else None)
        if fault and self._fails_at_once(fault, archives):
            return
        self._send(archives.answer(replace(request, fault=fault)), fault)

    do_GET = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - the names that http.server looks for

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        body = b"".join(self._body())
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers.get("content-type", ""), headers, body)

    def _body(self) -> Iterator[bytes]:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):  # STILTS sends uploads so
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _fails_at_once(self, fault: Fault, archives: Archives) -> bool:
        """Do what goes wrong before anything is answered; say whether that was all."""
        if fault.kind == "status":
            self._send(Reply(fault.count(503), b"<html><body>injected</body></html>", "text/html"))
        elif fault.kind == "garbage":
            self._send(Reply(200, MAINTENANCE, "text/html"))
        elif fault.kind in ("reset", "refuse", "silence"):
            self.close_connection = True
            if fault.kind == "refuse":
                archives.refuse_s = fault.number(2)
                self.server.shutdown()
            if fault.kind == "silence":
                time.sleep(fault.number(3600))
        else:
            if fault.kind == "delay":
                time.sleep(fault.number(5))
            return False
        return True

    def _send(self, reply: Reply, fault: Fault | None = None) -> None:
        if fault and fault.kind in _BODY_FAULTS:
            self._send_damaged(reply, fault)
            return
        length = len(reply.body) if isinstance(reply.body, bytes) else reply.length
        self._send_head(reply, length)
        if self.command == "HEAD":
            return
        for chunk in [reply.body] if isinstance(reply.body, bytes) else reply.body:
            if length is None and chunk:
                chunk = b"%x\r\n%s\r\n" % (len(chunk), chunk)
            self.wfile.write(chunk)
        if length is None:
            self.wfile.write(b"0\r\n\r\n")

    def _send_damaged(self, reply: Reply, fault: Fault) -> None:
        body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        kept = body[: fault.count(len(body) // 2)]
        self._send_head(reply, len(kept) if fault.kind == "cut" else len(body))
        self.wfile.write(kept)
        self.close_connection = True
        if fault.kind == "kill":  # closing with this option sends a reset instead of a farewell
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _send_head(self, reply: Reply, length: int | None) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def serve(port: int, archives: Archives) -> None:
    """Serve for ever, with pauses in which nothing listens when a fault asks for one."""
    while True:
        with Server(("127.0.0.1", port), archives) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
            thread.start()
            thread.join()
        time.sleep(archives.refuse_s)
