"""A trained model to a version in the registry, champion if it passes the gate."""

from dataclasses import dataclass
from typing import Any

from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.gate import GateVerdict, decide
from stellarfm.home import Home, changes_home
from stellarfm.model_copies import whole_folder
from stellarfm.registry import ModelVersion, Registry
from stellarfm.stages.evaluate import Evaluation, evaluate_model, held_out_stars
from stellarfm.stages.prepare import prepared_of
from stellarfm.stages.roles import learning_role
from stellarfm.stages.train import TrainedRun, model_tags
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.vocabulary import Vocabulary


@dataclass(frozen=True)
class Promotion:
    """What the gate decided about a run's model, and which model is in use now."""

    version: ModelVersion
    champion: ModelVersion
    verdict: GateVerdict


@changes_home
def promote(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> Promotion:
    """Register a run's model and put it through the gate.

    Raises
    ------
    StellarError
        If it fails and there is no champion yet.
    """
    settings, home = learning_role(settings, home)
    registry = Registry(home)
    vocabulary = vocabulary_of(settings)
    # before the verdict: a model that fails stays in the registry, where a person may still promote it
    version = register(settings, home, run, evaluation)
    verdict = _verdict(settings, home, registry, version, evaluation.metrics, vocabulary)
    champion = registry.champion()
    if champion is None:
        raise StellarError(
            f"the model failed the gate and there is no earlier champion: {'; '.join(verdict.reasons)}; "
            f"train longer, or accept it with `stellarfm model promote {version.version}`"
        )
    return Promotion(registry.version(version.version), champion, verdict)


@changes_home
def register(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> ModelVersion:
    """Return the registry's version of a run's model, made if it is not there yet."""
    tags = model_tags(settings, vocabulary_of(settings), evaluation.metrics)
    return Registry(home).register(run.key, run.mlflow_run, run.model, tags)


def _verdict(
    settings: Settings,
    home: Home,
    registry: Registry,
    candidate: ModelVersion,
    metrics: dict[str, Any],
    vocabulary: Vocabulary,
) -> GateVerdict:
    """Let the gate decide, write its verdict down, and make the candidate champion if it passes."""
    champion = registry.champion()
    # a run that is repeated must not lose against itself
    if champion is not None and champion.version == candidate.version:
        return GateVerdict(True, ("is champion already", *decide(metrics, None, settings.gate).reasons))
    # other tokens, other tasks: their scatter cannot be held against one another
    if champion is not None and champion.tags.get("fingerprint") != vocabulary.fingerprint:
        verdict = GateVerdict(
            False, (f"the champion (version {champion.version}) answers other questions; compare by hand",)
        )
    else:
        verdict = decide(metrics, _metrics_of(home, champion, vocabulary), settings.gate)
    outcome = "passed" if verdict.passed else "failed"
    registry.set_tag(candidate.version, "gate", f"{outcome}: {'; '.join(verdict.reasons)}")
    if verdict.passed:
        registry.promote(candidate.version, "; ".join(verdict.reasons))
    return verdict


def _metrics_of(home: Home, champion: ModelVersion | None, vocabulary: Vocabulary) -> dict[str, Any] | None:
    """Return the champion's report on the same held-out stars, None if there is no champion."""
    if champion is None:
        return None
    # on the stars of today: the figures that the champion was promoted with may be those of others
    stars, training_set = held_out_stars(home, vocabulary), prepared_of(home).training_set_hash
    return evaluate_model(home, champion.run, whole_folder(home, champion), stars, training_set).metrics
