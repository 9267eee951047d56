"""The archives on loopback as fixtures, filled from a simulated sky of 2000 stars."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stellarfm.archives import simulated
from stellarfm.landing.parts import Landing
from tests.archive_server import ArchiveServer, why_not

NUM_STARS = 2000
SEED = 7


@pytest.fixture(scope="session")
def archive_landing(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """The landing that the archives serve."""
    landing = Landing(tmp_path_factory.mktemp("archives"), f"simulated-{NUM_STARS}-seed{SEED}")
    simulated.fetch(landing, NUM_STARS, SEED)
    return landing


@pytest.fixture(scope="session")
def archive_server(archive_landing: Landing) -> Iterator[ArchiveServer]:
    """The archives, left running if they ran before; a test that arms faults clears them."""
    if reason := why_not():
        pytest.skip(reason)
    server = ArchiveServer()
    ran_before = server.is_up()
    server.load(archive_landing.folder)
    server.clear()
    yield server
    server.clear()
    if not ran_before:
        server.stop()


@pytest.fixture(scope="session")
def archive_folder(archive_landing: Landing) -> Path:
    """The folder of the landing that the archives serve."""
    return archive_landing.folder
