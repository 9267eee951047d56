"""The whole product: sky to catalogue."""

from dataclasses import dataclass
from pathlib import Path

from prefect import flow

from flows.ingest import ingest
from flows.prepare import prepare
from flows.publish import publish
from flows.train import train
from stellarfm.catalog.release import Release
from stellarfm.config import Settings, load_settings
from stellarfm.home import Home
from stellarfm.stages.evaluate import Evaluation
from stellarfm.stages.ingest import Snapshot
from stellarfm.stages.prepare import Prepared
from stellarfm.stages.promote import Promotion
from stellarfm.stages.train import TrainedRun


@dataclass(frozen=True)
class Product:
    """What a run made, stage by stage."""

    snapshot: Snapshot
    prepared: Prepared
    run: TrainedRun
    evaluation: Evaluation
    promotion: Promotion
    release: Release


@flow(name="product", validate_parameters=False)
def product(settings: Settings, home: Home) -> Product:
    """Make a catalogue from the archives; what is made already is not made again."""
    with home.lock():
        snapshot = ingest(settings, home)
        prepared = prepare(settings, home, snapshot)
        run, evaluation, promotion = train(settings, home)
        return Product(snapshot, prepared, run, evaluation, promotion, publish(settings, home))


@flow(name="scheduled-product")
def scheduled_product(home: str = "stellarfm-home", config: str | None = None) -> str:
    """Make a catalogue on a schedule; the version of the release is the result."""
    settings = load_settings(Path(config) if config else None)
    return product(settings, Home.open(Path(home))).release.version
