"""Archive to landing."""

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.ingest import Snapshot
from stellarfm.stages.ingest import ingest as ingest_stage


# The landing itself knows which parts are there; a cached result would outlive a folder that somebody deleted.
@task(name="fetch missing parts", cache_policy=NO_CACHE)
def fetch(settings: Settings, home: Home) -> Snapshot:
    """Fetch what is not in the landing yet."""
    return ingest_stage(settings, home)


@flow(name="ingest", validate_parameters=False)
def ingest(settings: Settings, home: Home) -> Snapshot:
    """Fill the landing from the archive that the settings name."""
    return fetch(settings, home)
