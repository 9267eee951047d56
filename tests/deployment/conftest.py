"""No test leaves the archives broken for the next one."""

from collections.abc import Iterator

import pytest

from tests.archive_server import ArchiveServer


@pytest.fixture(autouse=True)
def _nothing_armed(archive_server: ArchiveServer) -> Iterator[None]:
    archive_server.clear()
    yield
    archive_server.clear()
