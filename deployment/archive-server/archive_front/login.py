"""The login of ESA's archive: one user, whose name and password come from the environment."""

import hmac
import os
import secrets
from urllib.parse import parse_qs

from archive_front.messages import Reply, Request

USER_VARIABLE = "ARCHIVE_USER"
PASSWORD_VARIABLE = "ARCHIVE_PASSWORD"


def login(request: Request) -> Reply:
    """Answer a login with a cookie, or refuse it."""
    fields = parse_qs(request.body.decode(errors="replace"))
    given = [fields.get(name, [""])[0].encode() for name in ("username", "password")]
    expected = [os.environ.get(name, "").encode() for name in (USER_VARIABLE, PASSWORD_VARIABLE)]
    right = [hmac.compare_digest(*pair) for pair in zip(given, expected, strict=True)]
    if not all(right) or not all(expected):
        return Reply(401, b"Error: invalid credentials")
    return Reply(200, b"OK", headers={"Set-Cookie": f"JSESSIONID={secrets.token_hex(16)}; Path=/; HttpOnly"})


def logout(_: Request) -> Reply:
    """Answer a logout."""
    return Reply(200, b"OK")
