"""Python reads this file at its start if its folder is on the path: it writes down every name that is looked up.

Child processes inherit it, so that Prefect's temporary server is watched as well.
"""

import os
import socket

_look_up, _connect = socket.getaddrinfo, socket.socket.connect


def _note(host: object) -> None:
    with open(os.environ["STELLARWATCH"], "a") as file:  # noqa: PTH123  no imports more than needed this early
        file.write(f"{host.decode() if isinstance(host, bytes) else host}\n")


def getaddrinfo(host, *arguments, **options):  # type: ignore[no-untyped-def]
    if host is not None:
        _note(host)
    return _look_up(host, *arguments, **options)


def connect(self, address):  # type: ignore[no-untyped-def]
    if isinstance(address, tuple):
        _note(address[0])
    return _connect(self, address)


if "STELLARWATCH" in os.environ:
    socket.getaddrinfo = getaddrinfo
    socket.socket.connect = connect  # type: ignore[method-assign]
