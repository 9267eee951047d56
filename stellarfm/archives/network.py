"""Whether there is a network at all: said within seconds, where each archive would be asked again for minutes."""

import ipaddress
import os
import socket
import time
from collections.abc import Iterable
from threading import Thread
from urllib.parse import urlsplit

from stellarfm.errors import StellarError

_WAIT_S = 4.0
_PORTS = {"http": 80, "https": 443}


def refuse_no_network(urls: Iterable[str]) -> None:
    """Refuse to begin where none of several services can be reached; one alone that is down is left to retries.

    Parameters
    ----------
    urls
        Addresses of the services. Nothing is sent to them.

    Raises
    ------
    StellarError
        If no connection to any of them can be made within seconds.
    """
    places = {(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)) for parts in map(urlsplit, urls)}
    # a proxy is asked for all names; a service of this machine needs no network
    if not places or any(map(_is_here, places)) or any(name.lower().endswith("_proxy") for name in os.environ):
        return
    said: list[str | None] = []  # None where it was reached
    for place in places:
        # daemons: a look-up of a name cannot be stopped, and must not hold the process
        Thread(target=lambda at=place: said.append(_try(at)), daemon=True).start()
    ends = time.monotonic() + _WAIT_S
    while None not in said and len(said) < len(places) and time.monotonic() < ends:
        time.sleep(0.02)
    if None in said:
        return
    names = ", ".join(sorted(host for host, _ in places))
    reason = next(iter(said), None) or f"no answer in {_WAIT_S:g} s"
    raise StellarError(
        f"no network: none of {names} can be reached ({reason}); connect this machine and run the same command again "
        "(what was fetched is kept), or use the simulated sky or files, which need none"
    )


def _is_here(place: tuple[str, int]) -> bool:
    host = place[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _try(place: tuple[str, int]) -> str | None:
    try:
        socket.create_connection(place, timeout=_WAIT_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
