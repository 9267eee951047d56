"""Landing to warehouse, through the checks."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stellarfm.checks.report import CheckFailedError
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.ingest import Snapshot
from stellarfm.stages.prepare import Prepared
from stellarfm.stages.prepare import prepare as prepare_stage


@task(name="build and check the warehouse", cache_policy=NO_CACHE)
def build(settings: Settings, home: Home, snapshot: Snapshot) -> Prepared:
    """Stage, check, crossmatch and derive; a warehouse of the same inputs is kept."""
    try:
        prepared = prepare_stage(settings, home, snapshot)
    except CheckFailedError as error:
        _show(error.report.summary)
        raise
    _show(prepared.summary)
    return prepared


def _show(summary: str) -> None:
    create_markdown_artifact(summary, key="checks", description="What the expectations found")


@flow(name="prepare", validate_parameters=False)
def prepare(settings: Settings, home: Home, snapshot: Snapshot) -> Prepared:
    """Make the warehouse that the model trains on."""
    return build(settings, home, snapshot)
