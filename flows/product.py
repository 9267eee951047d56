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
class Training:
    """What was trained, how good it is, and what the gate said."""

    run: TrainedRun
    evaluation: Evaluation
    promotion: Promotion


@dataclass(frozen=True)
class Product:
    """What a run made, stage by stage; no training where the champion was used as it is."""

    snapshot: Snapshot
    prepared: Prepared
    training: Training | None
    release: Release


@flow(name="product", validate_parameters=False)
def product(settings: Settings, home: Home, *, use_champion: bool = False) -> Product:
    """Make a catalogue from the archives; what is made already is not made again."""
    with home.lock():
        snapshot = ingest(settings, home)
        prepared = prepare(settings, home, snapshot)
        training = None if use_champion else Training(*train(settings, home))
        return Product(snapshot, prepared, training, publish(settings, home))


@flow(name="scheduled-product")
def scheduled_product(home: str = "stellarfm-home", config: str | None = None) -> str:
    """Make a catalogue on a schedule; the version of the release is the result."""
    settings = load_settings(Path(config) if config else None)
    return product(settings, Home.open(Path(home))).release.version
