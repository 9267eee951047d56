"""The gate: a model becomes champion by evidence on held-out stars, or does not."""

from collections.abc import Callable
from typing import Any

from stellarfm.config import Gate
from stellarfm.evaluation.report import best_scores
from stellarfm.registry import ModelVersion, Registry, Verdict

_BASELINE = "cubic fit in BP-RP"


def judge(candidate: dict[str, Any], champion: dict[str, Any] | None, gate: Gate) -> Verdict:
    """Decide whether a candidate may become champion.

    Parameters
    ----------
    candidate, champion
        Their reports on the same held-out stars; None if there is no champion to beat.
    gate
        What must be shown.
    """
    scores, baseline = best_scores(candidate), best_scores(candidate, _BASELINE)
    checks: list[tuple[bool, str]] = []
    for name, row in scores.items():
        checks.append(
            (
                row["coverage_68"] >= gate.min_coverage_68,
                f"{name}: 68 % interval holds {100 * row['coverage_68']:.0f} %",
            )
        )
    if "teff" in scores and "teff" in baseline:
        ratio = scores["teff"]["scatter"] / baseline["teff"]["scatter"]
        checks.append((ratio <= gate.max_teff_scatter_ratio, f"teff: scatter is {ratio:.2f} of a cubic fit in BP-RP"))
    for name, row in best_scores(champion).items() if champion is not None else ():
        if name in scores:
            worse = scores[name]["scatter"] / row["scatter"] - 1
            checks.append((worse <= gate.max_worse_share, f"{name}: scatter {100 * worse:+.1f} % against the champion"))
    failed = tuple(reason for passed, reason in checks if not passed)
    return Verdict(not failed, failed or tuple(reason for _, reason in checks))


def promote(
    registry: Registry,
    candidate: ModelVersion,
    metrics: dict[str, Any],
    champion_metrics: Callable[[ModelVersion], dict[str, Any] | None],
    gate: Gate,
) -> Verdict:
    """Put a candidate through the gate and make it champion if it passes.

    Parameters
    ----------
    registry
        Where versions are kept.
    candidate, metrics
        The version and its report.
    champion_metrics
        Gives the present champion's report on the same stars; None if it cannot be asked (another vocabulary).
    gate
        What must be shown.
    """
    champion = registry.champion()
    if champion is not None and champion.version == candidate.version:
        return Verdict(True, ("is champion already", *judge(metrics, None, gate).reasons))
    rival = champion_metrics(champion) if champion is not None else None
    verdict = judge(metrics, rival, gate)
    if champion is not None and rival is None:
        verdict = Verdict(
            False, (f"the champion (version {champion.version}) answers other questions; compare by hand",)
        )
    registry.set_tag(
        candidate.version, "gate", ("passed" if verdict.passed else "failed") + ": " + "; ".join(verdict.reasons)
    )
    if verdict.passed:
        registry.promote(candidate.version, "; ".join(verdict.reasons))
    return verdict
