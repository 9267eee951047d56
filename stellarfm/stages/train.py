"""Training set to a trained model in a run folder, with every step in MLflow."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from stellarfm.atomic import content_key, publish_folder, write_json
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.evaluation.report import best_scores
from stellarfm.home import Home, changes_home
from stellarfm.model.token_table import TokenTable
from stellarfm.model_copies import mend_run
from stellarfm.progress import progress_bar, tell
from stellarfm.registry import Registry
from stellarfm.rules import rule_value
from stellarfm.sql_text import literal
from stellarfm.stages.prepare import prepared_of
from stellarfm.stages.roles import learning_role
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import Vocabulary
from stellarfm.warehouse.connection import connect, scalar


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes
    ----------
    key
        Hash of training set, vocabulary, network, settings and seed.
    folder
        ``runs/<key>``: ``model/``, ``settings.toml`` and ``training.json``.
    mlflow_run
        Its run in MLflow.
    """

    key: str
    folder: Path
    mlflow_run: str

    @property
    def model(self) -> Path:
        """The model's files."""
        return self.folder / "model"


@changes_home
def train(settings: Settings, home: Home) -> TrainedRun:
    """Train on the warehouse's training set; a finished training is returned as it is.

    Raises
    ------
    StellarError
        If too few stars of the training set have a label.
    """
    settings, home = learning_role(settings, home)
    prepared = prepared_of(home)
    _refuse_few_labels(home)
    vocabulary = vocabulary_of(settings)
    training_stars, validation_stars = (read_split(home, vocabulary, split) for split in ("train", "validation"))
    return train_model(settings, home, vocabulary, training_stars, validation_stars, prepared.training_set_hash)


def read_split(home: Home, vocabulary: Vocabulary, split: Literal["train", "validation", "test"]) -> TokenTable:
    """Return the stars of one side of the warehouse's training set, by identifier.

    Returns
    -------
    TokenTable
        Identifiers (N,), values and errors (N, T) for the T tokens of the vocabulary, each in the unit of its token.

    Raises
    ------
    StellarError
        If that side has no stars, or there is no warehouse.
    """
    with connect(home.warehouse, read_only=True) as con:
        # in the order of the identifier: batches are drawn by place, so that the order is part of the seed
        relation = f"(from marts.training_set where split = {literal(split)} order by source_id)"
        return read_tokens(con, relation, vocabulary)


@changes_home
def train_model(
    settings: Settings,
    home: Home,
    vocabulary: Vocabulary,
    training_stars: TokenTable,
    validation_stars: TokenTable,
    data_hash: str,
    *,
    keep_ids: bool = True,
) -> TrainedRun:
    """Train a model on a table of tokens, or return the run that already did.

    A training that was killed goes on from its last checkpoint.

    Parameters
    ----------
    settings
        Preset, steps, device and seed.
    home
        Where run folders and the MLflow store lie.
    vocabulary
        Tokens of the tables.
    training_stars, validation_stars
        Stars to learn from, and others to watch the loss on: values and errors of shape (N, T), T tokens.
    data_hash
        Key of the content of both.
    keep_ids
        Whether the identifiers are of stars, so that the model keeps them; numbers of rows say nothing elsewhere.

    Returns
    -------
    TrainedRun
        Its folder ``runs/<key>`` and its run in MLflow.
    """
    from stellarfm.model.checkpoint import CHECKPOINTS
    from stellarfm.model.training import train as fit

    network, training = presets(settings)
    training = training.for_tokens(len(vocabulary))
    # how often a checkpoint is written changes nothing in the model
    what = asdict(replace(training, checkpoint_every=0))
    key = content_key(data_hash, vocabulary.to_dict(), asdict(network), what)
    registry = Registry(home)
    folder = home.runs / key
    params = {"data_hash": data_hash, "vocabulary": vocabulary.name, "preset": settings.training.preset}
    # before the folder is looked at: a finished run goes on in MLflow with its evaluation
    run = registry.start_run(key, f"{vocabulary.name} {settings.training.preset}", params | _flat(asdict(training)))
    if folder.is_dir() and mend_run(home, key):
        return TrainedRun(key, folder, run)
    # not `fresh_folder`, which would clear the checkpoints that a killed training goes on from
    partial = home.runs / f".{key}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    (partial / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
    with progress_bar("train", "steps") as progress, registry.ends_as_failed(run):
        result = fit(
            training_stars,
            validation_stars,
            vocabulary,
            network,
            training,
            partial,
            device=settings.training.device,
            keep_ids=keep_ids,
            on_plan=lambda plan: tell(f"train: {plan}"),
            on_progress=lambda now: progress(now.step, now.total_steps, f"loss {now.loss:.3f}"),
            log=lambda step, metrics: registry.log_metrics(run, step, metrics),
            tell=tell,
        )
    write_json(partial / "training.json", result.to_dict())
    # a finished training is never gone on with, and checkpoints hold the optimiser as well
    shutil.rmtree(partial / CHECKPOINTS, ignore_errors=True)
    publish_folder(partial, folder)
    return TrainedRun(key, folder, run)


def model_tags(settings: Settings, vocabulary: Vocabulary, metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return what the registry says of a model: vocabulary, preset and the scatter of each label."""
    scatter = {f"{name}_scatter": f"{row['scatter']:.4g}" for name, row in best_scores(metrics).items()}
    preset = settings.training.preset
    return {"vocabulary": vocabulary.name, "fingerprint": vocabulary.fingerprint, "preset": preset, **scatter}


def presets(settings: Settings) -> tuple[Any, Any]:
    """Return the network and the training settings of a preset, with what the settings change."""
    from stellarfm.model.network import PRESETS
    from stellarfm.model.presets import TRAINING_PRESETS

    chosen = settings.training
    preset = TRAINING_PRESETS[chosen.preset]
    training = replace(preset, seed=settings.seed, checkpoint_every=chosen.checkpoint_every)
    if chosen.max_steps is not None:
        training = replace(training, max_steps=chosen.max_steps)
    return PRESETS[chosen.preset], training


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"training.{name}": value for name, value in values.items()}


def _refuse_few_labels(home: Home) -> None:
    least = int(rule_value("min_labelled_stars"))
    with connect(home.warehouse, read_only=True) as con:
        labelled = scalar(con, "select count(*) from marts.training_set where coalesce(teff, logg, m_h) is not null")
    if labelled < least:
        number = (
            "no star of the training set has" if labelled == 0 else f"only {labelled} stars of the training set have"
        )
        raise StellarError(
            f"{number} a label (teff, logg or m_h), and a model needs at least {least} to learn from; give the archive an "
            "apogee_allstar whose stars are among its Gaia sources, or widen the selection towards those, or publish with "
            "a model that was trained on others: `stellarfm run --use-champion`"
        )
