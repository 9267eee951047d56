"""`setup.sh settings` prints a settings file that takes everything from the archives on loopback, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from stellarfm.archives.clients import Clients
from stellarfm.archives.xp import DataLink
from stellarfm.config import Settings, load_settings
from stellarfm.surveys.selection import choose_surveys
from tests.archive_server import ALLSTAR, FRONT, SETUP, SPECTRA, ArchiveServer


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings that are printed; neither root nor a server is needed for it."""
    printed = subprocess.run([SETUP, "settings"], capture_output=True, text=True, check=True, cwd=tmp_path)
    file = tmp_path / "stellarfm.toml"
    file.write_text(printed.stdout, encoding="utf-8")
    return load_settings(file)


def test_every_archive_is_the_one_on_loopback(settings: Settings) -> None:
    server, clients = ArchiveServer(), Clients(settings)
    assert settings.archive.name == "esa"
    assert (clients.gaia.tap.url, clients.irsa.url) == (server.tap_url, server.irsa_url)
    assert clients.data_link.url == server.data_url.removesuffix("/data")
    assert (clients.bulk_url, clients.allstar.url) == (f"{server.cdn_url}/{SPECTRA}", f"{server.sas_url}/{ALLSTAR}")


def test_an_example_of_a_condition_is_shown_and_not_in_force(settings: Settings, tmp_path: Path) -> None:
    assert settings.gaia.where == ""
    lines = (tmp_path / "stellarfm.toml").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("# where = ") for line in lines)


def test_waits_are_short(settings: Settings) -> None:
    assert settings.retry.wait_s < 1


@pytest.mark.parametrize("end", ["", "/", "/data", "/data/"])
def test_datalinks_address_may_end_in_data_as_the_archive_gives_it(end: str) -> None:
    service = f"{FRONT}/data-server"
    survey = choose_surveys().gaia
    assert DataLink(service + end, survey, Clients(Settings()).retry).url == service
