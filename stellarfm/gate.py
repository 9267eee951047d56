"""The gate: whether a model may become champion, by evidence on stars that no model was trained on.

Each rule has a name, by which a refusal is known. The limits are settings, ``[gate]`` in `stellarfm.config`; the comparison of
two models is `stellarfm.evaluation.paired`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from stellarfm.config import Gate
from stellarfm.evaluation.comparison import COLOUR_FIT
from stellarfm.evaluation.paired import Comparison, Difference
from stellarfm.evaluation.report import best_scores
from stellarfm.evaluation.sheet import Sheet

Outcome = Literal["champion", "first", "better", "not worse", "worse", "unfit", "refused", "cannot be compared"]
"""What the gate finds: ``champion`` is in use already, ``first`` has nobody to beat, ``unfit`` fails by itself, ``worse`` fails
against the champion, ``refused`` is a person's earlier word."""

_ALWAYS = {"answers_are_finite", "odd_stars_are_answered", "was_not_trained_on_it"}
"""Rules that an open gate keeps: a model that breaks one is not rough but wrong."""

_MOST_REASONS = 5
"""Of the places where a candidate is worse, so many are told in words; all stand in the table."""


@dataclass(frozen=True)
class Finding:
    """One rule, whether it holds, and why in words.

    Attributes
    ----------
    rule
        Name of the rule, e.g. ``intervals_hold``.
    holds
        Whether it does.
    reason
        The figures behind it.
    """

    rule: str
    holds: bool
    reason: str


@dataclass(frozen=True)
class GateVerdict:
    """What the gate found of a candidate.

    Attributes
    ----------
    outcome
        In one word.
    passed
        Whether it may become champion.
    findings
        Every rule that was judged.
    differences
        Every figure by which it was compared with the champion.
    """

    outcome: Outcome
    passed: bool
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...] = field(default=(), repr=False)

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the rules that do not hold, each once."""
        return tuple(dict.fromkeys(finding.rule for finding in self.findings if not finding.holds))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words: what does not hold, or what was looked at if all holds."""
        failed = tuple(finding.reason for finding in self.findings if not finding.holds)
        if self.outcome == "champion":
            return ("is champion already",)
        return failed or tuple(finding.reason for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {
            "verdict": self.outcome,
            "passed": self.passed,
            "broken": list(self.broken),
            "reasons": list(self.reasons),
            "findings": [asdict(finding) for finding in self.findings],
            "rows": [asdict(difference) for difference in self.differences],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "GateVerdict":
        """Read the form that `to_dict` writes."""
        findings = tuple(Finding(**finding) for finding in data["findings"])
        return cls(data["verdict"], data["passed"], findings, tuple(Difference(**row) for row in data["rows"]))


def judge_alone(metrics: Mapping[str, Any], sheet: Sheet, gate: Gate) -> list[Finding]:
    """Judge a model by itself, by its report on held-out stars.

    Parameters
    ----------
    metrics
        Its report.
    sheet
        Its answers, star by star.
    gate
        What must be shown.
    """
    scores, baseline = best_scores(metrics), best_scores(metrics, COLOUR_FIT)
    bad = sheet.num_not_finite
    found = [
        Finding("answers_are_finite", bad == 0, f"{bad:,} answers are not finite" if bad else "answers are finite")
    ]
    for name, row in scores.items():
        found += [_interval(name, row, share, limits) for share, limits in _promised(gate)]
    if "teff" in scores and "teff" in baseline:
        ratio = scores["teff"]["scatter"] / baseline["teff"]["scatter"]
        holds = ratio <= gate.max_teff_scatter_ratio
        found.append(Finding("beats_colour_fit", holds, f"teff: scatter is {ratio:.2f} of a {COLOUR_FIT}"))
    return found


def judge_against(comparison: Comparison, rival: str, gate: Gate) -> list[Finding]:
    """Judge a comparison with another model.

    Parameters
    ----------
    comparison
        What was found on one examination.
    rival
        Who the other is, in words.
    gate
        Whether equal is enough.
    """
    found = [Finding("not_worse_anywhere", False, _in_words(one, rival)) for one in comparison.worse[:_MOST_REASONS]]
    if more := len(comparison.worse) - len(found):
        found.append(Finding("not_worse_anywhere", False, f"and {more} more"))
    percent, error = 100 * comparison.improvement, 100 * comparison.improvement_error
    figure = f"labels: score {percent:+.1f} +- {error:.1f} % better than {rival}"
    if gate.accept == "better":
        found.append(Finding("better_than_champion", comparison.is_better, figure))
    elif not comparison.worse:
        found.append(Finding("not_worse_anywhere", True, f"nowhere worse; {figure}"))
    return found


def judge_moves(candidate: Sheet, champion: Sheet, gate: Gate) -> list[Finding]:
    """Judge how many stars would move by more than three of their errors."""
    moved = np.abs(candidate.residual - champion.residual) > 3 * np.hypot(candidate.error, champion.error)
    known = np.isfinite(candidate.residual) & np.isfinite(champion.residual)
    share = float(moved[known].mean()) if known.any() else 0.0
    reason = f"{100 * share:.1f} % of the answers move by more than 3 of their errors"
    return [Finding("few_stars_move", share <= gate.max_moved_share, reason)]


def judge_speed(seconds: float, champion_seconds: float, gate: Gate) -> list[Finding]:
    """Judge how long the same answers take, both measured now."""
    ratio = seconds / champion_seconds if champion_seconds > 0 else 1.0
    return [Finding("as_fast", ratio <= gate.max_slower, f"answers take {ratio:.2f} of the champion's time")]


def conclude(
    alone: Sequence[Finding], against: Sequence[Finding] | None, comparisons: Sequence[Comparison] = ()
) -> GateVerdict:
    """Put findings together.

    Parameters
    ----------
    alone
        Findings on the candidate by itself.
    against
        Findings against the champion; None if there is none.
    comparisons
        Where the figures are from.
    """
    differences = tuple(one for comparison in comparisons for one in comparison.differences)
    findings = (*alone, *(against or ()))
    passed = all(finding.holds for finding in findings)
    if not all(finding.holds for finding in alone):
        return GateVerdict("unfit", False, findings, differences)
    if against is None:
        return GateVerdict("first", True, findings)
    if any(comparison.worse for comparison in comparisons):
        return GateVerdict("worse", False, findings, differences)
    # in the first examination, that of the present landing, and nowhere worse in any
    better = bool(comparisons) and comparisons[0].is_better
    return GateVerdict("better" if better else "not worse", passed, findings, differences)


def let_through(verdict: GateVerdict) -> GateVerdict:
    """Return the verdict of an open gate: what was found stays, and counts only where answers are no numbers."""
    holds = not set(verdict.broken) & _ALWAYS
    reason = Finding("gate_is_open", True, "the gate is open (gate.open = true)")
    return replace(verdict, passed=holds, findings=(*verdict.findings, reason))


def cannot_compare(reason: str) -> GateVerdict:
    """Return the verdict on a candidate that cannot be held against the champion."""
    return GateVerdict("cannot be compared", False, (Finding("same_questions", False, reason),))


def refused(rule: str, reason: str) -> GateVerdict:
    """Return the verdict on a candidate that a person's earlier word keeps out."""
    return GateVerdict("refused", False, (Finding(rule, False, reason),))


def _promised(gate: Gate) -> tuple[tuple[float, tuple[float, float]], ...]:
    return (
        (0.68, (gate.min_coverage_68, gate.max_coverage_68)),
        (0.95, (gate.min_coverage_95, gate.max_coverage_95)),
    )


def _interval(name: str, row: Mapping[str, float], share: float, limits: tuple[float, float]) -> Finding:
    """Judge from both sides whether intervals hold what they promise, less what chance does to so few stars."""
    held, number = row[f"coverage_{100 * share:.0f}"], max(row["num_stars"], 1)
    chance = 2 * np.sqrt(share * (1 - share) / number)
    holds = limits[0] - chance <= held <= limits[1] + chance
    return Finding("intervals_hold", bool(holds), f"{name}: {100 * share:.0f} % interval holds {100 * held:.0f} %")


def _in_words(one: Difference, rival: str) -> str:
    unit = {"bias": "of its scatter", "outliers": "of the stars"}.get(one.figure, "")
    figures = {
        "crps": f"score {100 * one.worse_by:+.1f} +- {100 * one.error:.1f} %",
        "scatter": f"scatter {100 * one.worse_by:+.1f} +- {100 * one.error:.1f} %",
    }
    shown = figures.get(one.figure) or f"{one.figure} {one.champion:.3g} -> {one.candidate:.3g} {unit}".rstrip()
    return f"{one.token}: {shown} against {rival} ({one.where}, {one.num_stars:,} stars)"
