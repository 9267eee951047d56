"""The stages of the product on one home, each from what the one before left there."""

from dataclasses import dataclass
from typing import Any

from stellarfm.catalog.release import Release
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.tasks import answerable, never_known
from stellarfm.home import Home
from stellarfm.model.table import TokenTable
from stellarfm.registry import CHAMPION, ModelVersion, Registry, Verdict
from stellarfm.stages import evaluate as judging
from stellarfm.stages import promote as gate
from stellarfm.stages import publish as publishing
from stellarfm.stages.evaluate import Evaluation, evaluate_model, log_evaluation, read_truth
from stellarfm.stages.ingest import landing_of
from stellarfm.stages.prepare import Prepared, prepared_of
from stellarfm.stages.train import TrainedRun, model_tags, train_model
from stellarfm.tables import read_tokens
from stellarfm.vocabulary import Vocabulary, load_vocabulary
from stellarfm.warehouse import connect, scalar


@dataclass(frozen=True)
class Promotion:
    """What the gate decided about a run's model, and which model is in use now."""

    version: ModelVersion
    champion: ModelVersion
    verdict: Verdict


def train(settings: Settings, home: Home) -> TrainedRun:
    """Train on the warehouse's training set; a finished training is returned as it is.

    Raises
    ------
    StellarError
        If no star of the training set has a label.
    """
    prepared = prepared_of(home)
    _refuse_no_labels(home)
    vocabulary = load_vocabulary(settings.training.vocabulary)
    training_stars, validation_stars = (_read_split(home, vocabulary, split) for split in ("train", "validation"))
    return train_model(settings, home, vocabulary, training_stars, validation_stars, prepared.training_set_hash)


def evaluate(settings: Settings, home: Home, run: TrainedRun) -> Evaluation:
    """Judge a run's model on the stars that the split keeps back, and log the figures."""
    evaluation = _evaluate(settings, home, run.key, run.model, load_vocabulary(settings.training.vocabulary))
    log_evaluation(home, run, evaluation)
    return evaluation


def compare_with_trees(settings: Settings, home: Home) -> list[dict[str, Any]]:
    """Return the figures of gradient-boosted trees on the same rows and inputs as the first task; takes minutes."""
    stars = _held_out(settings, home, load_vocabulary(settings.training.vocabulary))
    training_set = prepared_of(home).training_set_hash
    return judging.compare_with_trees(home, stars, training_set, seed=settings.seed, threads=settings.warehouse.threads)


def register(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> ModelVersion:
    """Return the registry's version of a run's model, made if it is not there yet."""
    tags = model_tags(settings, load_vocabulary(settings.training.vocabulary), evaluation.metrics)
    return Registry(home).register(run.key, run.mlflow_run, run.model, tags)


def promote(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> Promotion:
    """Register a run's model and put it through the gate.

    Raises
    ------
    StellarError
        If it fails and there is no champion yet.
    """
    registry = Registry(home)
    vocabulary = load_vocabulary(settings.training.vocabulary)
    version = register(settings, home, run, evaluation)

    def champion_metrics(champion: ModelVersion) -> dict[str, Any] | None:
        if champion.tags.get("fingerprint") != vocabulary.fingerprint:
            return None
        return _evaluate(settings, home, champion.run, champion.folder, vocabulary).metrics

    verdict = gate.promote(registry, version, evaluation.metrics, champion_metrics, settings.gate)
    champion = registry.champion()
    if champion is None:
        raise StellarError(
            f"the model failed the gate and there is no earlier champion: {'; '.join(verdict.reasons)}; "
            f"train longer, or accept it with `stellarfm model promote {version.version}`"
        )
    return Promotion(registry.version(version.version), champion, verdict)


def publish(settings: Settings, home: Home) -> Release:
    """Publish the catalogue of the champion's predictions for every star of the warehouse."""
    prepared = prepared_of(home)
    champion = Registry(home).version(CHAMPION)
    vocabulary = load_vocabulary(settings.training.vocabulary)
    evaluation = _evaluate(settings, home, champion.run, champion.folder, vocabulary)
    origin = publishing.Origin(
        warehouse=home.warehouse,
        warehouse_key=prepared.key,
        provenance=_origin(settings, prepared),
        metrics=evaluation.metrics["rows"],
    )
    return publishing.publish(home, champion, origin)


def _evaluate(settings: Settings, home: Home, run: str, model: Any, vocabulary: Vocabulary) -> Evaluation:
    stars = _held_out(settings, home, vocabulary)
    return evaluate_model(home, run, model, stars, prepared_of(home).training_set_hash)


def _held_out(settings: Settings, home: Home, vocabulary: Vocabulary) -> HeldOut:
    test, training_stars = (_read_split(home, vocabulary, split) for split in ("test", "train"))
    asked = answerable(vocabulary, never_known(vocabulary, test, training_stars))
    return HeldOut(test, training_stars, asked, read_truth(landing_of(settings, home), test))


def _read_split(home: Home, vocabulary: Vocabulary, split: str) -> TokenTable:
    with connect(home.warehouse, read_only=True) as con:
        relation = f"(from marts.training_set where split = '{split}' order by source_id)"
        return read_tokens(con, relation, vocabulary)


def _refuse_no_labels(home: Home) -> None:
    with connect(home.warehouse, read_only=True) as con:
        labelled = scalar(con, "select count(*) from marts.training_set where coalesce(teff, logg, m_h) is not null")
    if labelled == 0:
        raise StellarError(
            "no star of the training set has a label (teff, logg or m_h): there is nothing to learn; give the archive "
            "an apogee_allstar whose stars are among its Gaia sources, and run `stellarfm ingest` and `stellarfm prepare`"
        )


def _origin(settings: Settings, prepared: Prepared) -> dict[str, str]:
    return {
        "archive": prepared.archive,
        "archive_release": prepared.archive_release,
        "landing_snapshot": prepared.snapshot_hash,
        "warehouse_key": prepared.key,
        "training_set_hash": prepared.training_set_hash,
        "seed": str(settings.seed),
        "settings": settings.model_dump_json(),
    }
