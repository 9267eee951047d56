"""A trained model to a version in the registry, champion if it passes the gate."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stellarfm.atomic import content_key, write_json
from stellarfm.champions import Champions, line_of
from stellarfm.config import Gate, Settings
from stellarfm.errors import StellarError
from stellarfm.evaluation.examination import Examination, examinations_of
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.gate import GateVerdict, cannot_compare, let_through, refused
from stellarfm.home import Home, changes_home
from stellarfm.model_copies import whole_folder
from stellarfm.registry import ModelVersion, Registry
from stellarfm.stages.evaluate import Evaluation, held_out_stars
from stellarfm.stages.examine import Contender, best_so_far, examine, set_examination
from stellarfm.stages.roles import learning_role
from stellarfm.stages.train import TrainedRun, model_tags
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.vocabulary import Vocabulary

BY_HAND = "approved by hand"
"""Reason of a promotion where a person gives none."""

_VERDICTS = "verdicts"
_NO_REPORT: dict[str, Any] = {"headline": "", "rows": []}


@dataclass(frozen=True)
class Promotion:
    """What the gate decided about a run's model, and which model is in use now.

    Attributes
    ----------
    version
        The version of the run's model.
    champion
        The champion of its vocabulary; None if there is none.
    verdict
        What the gate found.
    """

    version: ModelVersion
    champion: ModelVersion | None
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
    vocabulary = vocabulary_of(settings)
    made = promote_model(settings, home, vocabulary, run, evaluation, lambda: held_out_stars(home, vocabulary))
    if made.champion is None:
        raise StellarError(
            f"the model failed the gate and there is no earlier champion: {'; '.join(made.verdict.reasons)}; train longer, "
            f'or accept it with `stellarfm model promote {made.version.version} --force --reason "…"`'
        )
    return made


@changes_home
def promote_model(
    settings: Settings,
    home: Home,
    vocabulary: Vocabulary,
    run: TrainedRun,
    evaluation: Evaluation,
    stars: Callable[[], HeldOut],
) -> Promotion:
    """Register a model and put it through the gate on held-out stars.

    Parameters
    ----------
    settings
        The gate, and what was trained.
    home
        Where registry and examinations lie.
    vocabulary
        The line of models whose champion it may become.
    run, evaluation
        The training and its report.
    stars
        Gives stars that it was not trained on; called only if there is something to decide.
    """
    version = register(settings, home, run, evaluation)
    champions = Champions(Registry(home))
    champion = champions.champion(vocabulary.name)
    if champion is not None and champion.version == version.version:
        # a run that is repeated must neither lose against itself nor reopen what is decided
        return Promotion(version, champion, GateVerdict("champion", True, ()))
    candidate = Contender(f"version {version.version}", run.key, run.model)
    verdict = _verdict(settings.gate, champions, candidate, version, champion, vocabulary, evaluation.metrics, stars)
    if verdict.passed:
        champions.accept(version, verdict, wait=settings.gate.wait_for_approval)
    else:
        champions.refuse(version, verdict)
    return Promotion(Registry(home).version(version.version), champions.champion(vocabulary.name), verdict)


@changes_home
def register(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> ModelVersion:
    """Return the registry's version of a run's model, made if it is not there yet."""
    tags = model_tags(settings, vocabulary_of(settings), evaluation.metrics)
    return Registry(home).register(run.key, run.mlflow_run, run.model, tags)


def _verdict(
    gate: Gate,
    champions: Champions,
    candidate: Contender,
    version: ModelVersion,
    champion: ModelVersion | None,
    vocabulary: Vocabulary,
    metrics: dict[str, Any],
    stars: Callable[[], HeldOut],
) -> GateVerdict:
    history, registry = champions.history(vocabulary.name), champions.registry
    if version.version in history.rejected:
        way = f'`stellarfm model promote {version.version} --force --reason "…"` takes it back'
        return refused("was_not_rejected", f"it was {history.rejected[version.version]}; {way}")
    if champion is not None and champion.tags.get("fingerprint") not in (None, vocabulary.fingerprint):
        return cannot_compare(
            f"the champion (version {champion.version}) has other tokens; compare by hand and promote by force"
        )
    present = set_examination(registry.home, stars())
    rivals = _rivals(registry, champion, history.former, vocabulary, present)
    verdict = _kept_verdict(registry.home, gate, present, metrics, candidate, rivals)
    if verdict.passed and history.pinned is not None:
        return refused(
            "champion_is_not_pinned", f"version {history.pinned} is pinned: `stellarfm model pin --off` lets go"
        )
    return verdict


def _rivals(
    registry: Registry,
    champion: ModelVersion | None,
    former: tuple[int, ...],
    vocabulary: Vocabulary,
    present: Examination,
) -> list[Contender]:
    """Return the champion, and the best champion so far where that is another: many small steps down must not add up."""
    if champion is None:
        return []
    now = _contender(registry.home, "the champion", champion)
    past = [registry.version(number) for number in former]
    same = [
        _contender(registry.home, f"the former champion (version {one.version})", one)
        for one in past
        if one.tags.get("fingerprint") == vocabulary.fingerprint
    ]
    best = best_so_far(present, [now, *same])
    return [now] if best is None or best.run == now.run else [now, best]


def _kept_verdict(
    home: Home, gate: Gate, present: Examination, metrics: dict[str, Any], candidate: Contender, rivals: list[Contender]
) -> GateVerdict:
    """Return the verdict of before where nothing has changed that it depends on: a repeated run asks nothing anew."""
    others = sorted(folder.name for folder in home.examinations.iterdir())
    key = content_key(gate.model_dump(), present.key, others, candidate.run, [rival.run for rival in rivals])
    kept: Path = home.runs / candidate.run / _VERDICTS / f"{key}.json"
    if kept.is_file():
        return GateVerdict.from_dict(json.loads(kept.read_text(encoding="utf-8")))
    verdict = examine(home, gate, present, metrics, candidate, rivals)
    verdict = let_through(verdict) if gate.open else verdict
    write_json(kept, verdict.to_dict())
    return verdict


def compare_versions(home: Home, candidate: str, champion: str, gate: Gate) -> GateVerdict:
    """Compare two versions on the examinations of their vocabulary, as the gate does; nothing is promoted.

    Raises
    ------
    StellarError
        If one is not there, or there is no examination of their vocabulary yet.
    """
    registry = Registry(home)
    ours, theirs = registry.version(candidate), registry.version(champion)
    fingerprint = ours.tags.get("fingerprint", "")
    if theirs.tags.get("fingerprint", "") != fingerprint:
        return cannot_compare(f"versions {ours.version} and {theirs.version} have other tokens")
    known = examinations_of(home.examinations, fingerprint)
    if not known:
        raise StellarError(
            f"the home {home.path} has no examination of the vocabulary {line_of(ours)!r} yet; `stellarfm promote` makes one"
        )
    return examine(
        home,
        gate,
        known[-1],
        _report_of(home, ours.run),
        _contender(home, f"version {ours.version}", ours),
        [_contender(home, "the other", theirs)],
    )


@changes_home
def promote_by_hand(home: Home, version: int, reason: str, *, force: bool) -> ModelVersion:
    """Make a version champion by a person's word: one that passed the gate, any other by force.

    Raises
    ------
    StellarError
        If it did not pass and is not forced, or is forced without a reason.
    """
    registry = Registry(home)
    chosen, champions = registry.version(version), Champions(registry)
    said = chosen.tags.get("gate", "it was never put through the gate")
    passed = said.startswith("passed") and version not in champions.history(line_of(chosen)).rejected
    if not passed and not force:
        raise StellarError(
            f"version {version} did not pass the gate ({said}); "
            f'`stellarfm model promote {version} --force --reason "…"` puts it into use all the same'
        )
    if force and reason == BY_HAND:
        raise StellarError("--force needs --reason: the catalogue and the history will say why")
    return champions.promote(version, reason, forced=not passed)


def _report_of(home: Home, run: str) -> dict[str, Any]:
    """Return the report of a training run, by which a model is judged alone; an empty one of a model that was never judged."""
    kept = sorted((home.runs / run).glob("evaluation-*/metrics.json"), key=lambda path: path.stat().st_mtime)
    report: dict[str, Any] = json.loads(kept[-1].read_text(encoding="utf-8")) if kept else _NO_REPORT
    return report


def _contender(home: Home, name: str, version: ModelVersion) -> Contender:
    return Contender(name, version.run, whole_folder(home, version))
