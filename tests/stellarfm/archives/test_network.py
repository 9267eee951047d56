"""No network is said at once; one archive that is down is not that."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from stellarfm.archives.network import refuse_no_network
from stellarfm.errors import StellarError
from tests.conftest import stellarfm

NOWHERE = ["https://gea.invalid/tap", "https://data.invalid/file"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)


def test_without_a_network_ingest_says_so_within_seconds(tmp_path: Path) -> None:
    settings = [f"gaia.{name}={url}" for name, url in zip(("tap_url", "data_url"), NOWHERE, strict=True)]
    options = [word for setting in (*settings, "apogee.url=https://sas.invalid/f.fits") for word in ("--set", setting)]
    began = time.monotonic()
    done = stellarfm(["ingest", "--archive", "esa", *options], tmp_path)
    assert done.returncode == 1
    assert "no network: none of data.invalid, gea.invalid, sas.invalid can be reached" in done.stderr
    assert time.monotonic() - began < 30  # of which most is Python's start on a busy machine


def test_a_silent_network_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_arguments, **_options: time.sleep(30))
    began = time.monotonic()
    with pytest.raises(StellarError, match=r"no network: none of .* \(no answer in 4 s\)"):
        refuse_no_network(NOWHERE)
    assert time.monotonic() - began < 6


def test_one_service_that_is_reached_is_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(place: tuple[str, int], timeout: float) -> Any:
        if place[0] == "gea.invalid":
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", connect)
    refuse_no_network(NOWHERE)


def test_this_machine_and_a_proxy_need_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_no_network(["http://127.0.0.1:1/tap"])
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    refuse_no_network(NOWHERE)
