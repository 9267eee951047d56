"""The requests seen, for tests to look at; a password never gets in."""

import json
import re
import threading
import time
from collections import deque

from archive_front.messages import Request

MAX_ENTRIES = 20_000
MAX_BODY_CHARACTERS = 2000
_FORM_PASSWORD = re.compile(r"((?:^|[?&])[^=&]*passw[^=&]*=)[^&\s]*", re.I)
_MULTIPART_PASSWORD = re.compile(r'(name="[^"]*passw[^"]*"\r\n\r\n).*?(?=\r\n|$)', re.I | re.S)


def without_passwords(text: str) -> str:
    """Return a text with every password of a form masked."""
    return _MULTIPART_PASSWORD.sub(r"\1***", _FORM_PASSWORD.sub(r"\1***", text))


class Journal:
    """The latest requests; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, str | float | None]] = deque(maxlen=MAX_ENTRIES)

    def add(self, request: Request, fault: str | None) -> None:
        """Remember a request and the fault that hit it."""
        path = f"{request.path}?{request.query}" if request.query else request.path
        # masked before it is shortened: a password cut in two is a password still
        body = without_passwords(request.body.decode("latin1"))[:MAX_BODY_CHARACTERS]
        entry: dict[str, str | float | None] = {"time": time.time(), "method": request.method}
        entry |= {"path": without_passwords(path), "type": request.content_type, "body": body, "fault": fault}
        with self._lock:
            self._entries.append(entry)

    def take(self) -> bytes:
        """Return the requests as JSON lines and forget them."""
        with self._lock:
            lines = [json.dumps(entry) for entry in self._entries]
            self._entries.clear()
        return "\n".join(lines).encode()
