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
from stellarfm.stages.roles import learning_role
from stellarfm.stages.train import TrainedRun


@dataclass(frozen=True)
class Training:
    """What was trained, on which stars, how good it is, and what the gate said."""

    snapshot: Snapshot
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
        # what to publish for comes first: it is the smaller, and what is wrong with it is known before hours of training
        snapshot = ingest(settings, home)
        prepared = prepare(settings, home, snapshot)
        training = None if use_champion else _learn(settings, home, snapshot)
        return Product(snapshot, prepared, training, publish(settings, home))


def _learn(settings: Settings, home: Home, published: Snapshot) -> Training:
    """Train on the stars to learn from, which are fetched and checked first where they are others."""
    if not settings.learns_from_others:
        return Training(published, *train(settings, home))
    learning = learning_role(settings, home)
    snapshot = ingest(*learning)
    prepare(*learning, snapshot)
    return Training(snapshot, *train(*learning))


@flow(name="scheduled-product")
def scheduled_product(home: str = "stellarfm-home", config: str | None = None) -> str:
    """Make a catalogue on a schedule; the version of the release is the result."""
    settings = load_settings(Path(config) if config else None)
    return product(settings, Home.open(Path(home))).release.version
