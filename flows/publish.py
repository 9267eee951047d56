"""Champion and warehouse to a release."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from stellarfm.catalog.release import Release
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.publish import publish as publish_stage


@task(name="predict and release", cache_policy=NO_CACHE)
def release(settings: Settings, home: Home) -> Release:
    """Predict every star and publish the catalogue; a release of the same inputs is kept."""
    made = publish_stage(settings, home)
    create_markdown_artifact(
        f"Release **{made.version}**: {made.num_stars} stars, content {made.content_hash[:12]}", key="release"
    )
    return made


@flow(name="publish", validate_parameters=False)
def publish(settings: Settings, home: Home) -> Release:
    """Publish the catalogue of the champion's predictions."""
    return release(settings, home)
