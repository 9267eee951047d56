"""Servers that the environment names: whether they answer, said within seconds where their clients would try for minutes."""

import os
import socket
from urllib.parse import urlsplit

from stellarfm.addresses import public_url
from stellarfm.errors import StellarError
from stellarfm.home import TRACKING_VARIABLE

FLOWS_VARIABLE = "PREFECT_API_URL"
_WAIT_S = 5.0
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def named_server(variable: str) -> str:
    """Return the address that a variable of the environment holds, "" if it holds none: an empty one is none."""
    return os.environ.get(variable, "").strip()


def refuse_silent_server(variable: str, otherwise: str) -> None:
    """Ask the server that a variable names for a sign of life; nothing is asked where none is named.

    Parameters
    ----------
    variable
        ``PREFECT_API_URL`` or ``MLFLOW_TRACKING_URI``.
    otherwise
        What happens where the variable is not set, for the message.

    Raises
    ------
    StellarError
        If no server answers at that address.
    """
    address = named_server(variable)
    parts = urlsplit(address)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme in ("http", "https"):
            import requests

            # any answer is one: what a server says of itself is for its client to judge
            requests.get(f"{address.rstrip('/')}/health", timeout=_WAIT_S)
        elif parts.hostname and scheme in _PORTS:
            with socket.create_connection((parts.hostname, parts.port or _PORTS[scheme]), timeout=_WAIT_S):
                pass
    except (OSError, ValueError) as error:  # requests' own errors are of these kinds
        raise StellarError(
            f"{variable} names {public_url(address)}, where no server answers; start it, or unset the variable {otherwise}"
        ) from error


def refuse_silent_tracking() -> None:
    """Ask the server that MLFLOW_TRACKING_URI names for a sign of life; nothing is asked where none is named.

    Raises
    ------
    StellarError
        If no server answers there, or it is a folder.
    """
    address, otherwise = named_server(TRACKING_VARIABLE), "to use the store in the home"
    if address and urlsplit(address).scheme in ("", "file"):
        raise StellarError(
            f"{TRACKING_VARIABLE} names the folder {address}, which MLflow no longer takes for a store; unset the variable "
            f"{otherwise}, or name a server (http://…) or a file (sqlite:///…)"
        )
    refuse_silent_server(TRACKING_VARIABLE, otherwise)


def refuse_silent_flows() -> None:
    """Ask the server that PREFECT_API_URL names for a sign of life; nothing is asked where none is named.

    Raises
    ------
    StellarError
        If no server answers there.
    """
    refuse_silent_server(FLOWS_VARIABLE, "for a temporary one")
