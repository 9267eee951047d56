"""Archive to landing."""

import os
from typing import Any

from prefect import flow, task
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency

from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.ingest import Snapshot
from stellarfm.stages.ingest import ingest as ingest_stage

LIMIT = "stellarfm-archives"
"""Concurrency limit of the server, if it has one of this name: so many runs ask the archives at a time."""


# The landing itself knows which parts are there; a cached result would outlive a folder that somebody deleted.
@task(name="fetch missing parts", cache_policy=NO_CACHE)
def fetch(settings: Settings, home: Home) -> Snapshot:
    """Fetch what is not in the landing yet, in turn with other runs that ask the same archives."""
    if settings.archive.name != "esa":
        return ingest_stage(settings, home)
    if settings.gaia.credentials_block:
        block = Secret.load(settings.gaia.credentials_block)
        assert isinstance(block, Secret), "in a task that is not asynchronous it is loaded here and now"
        account: Any = block.get()
        os.environ |= {"GAIA_USER": account["user"], "GAIA_PASSWORD": account["password"]}
    with concurrency(LIMIT, occupy=1):
        return ingest_stage(settings, home)


@flow(name="ingest", validate_parameters=False)
def ingest(settings: Settings, home: Home) -> Snapshot:
    """Fill the landing from the archive that the settings name."""
    return fetch(settings, home)
