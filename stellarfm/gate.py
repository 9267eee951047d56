"""The gate: whether a model may become champion, by evidence on held-out stars.

The limits are settings, ``[gate]`` in `stellarfm.config`; what is compared with them stands here.
"""

from dataclasses import asdict, dataclass
from typing import Any

from stellarfm.config import Gate
from stellarfm.evaluation.comparison import COLOUR_FIT
from stellarfm.evaluation.report import best_scores


@dataclass(frozen=True)
class GateVerdict:
    """Whether a candidate may become champion, with every reason in words."""

    passed: bool
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return asdict(self)


def decide(candidate: dict[str, Any], champion: dict[str, Any] | None, gate: Gate) -> GateVerdict:
    """Decide whether a candidate may become champion.

    Parameters
    ----------
    candidate, champion
        Their reports on the same held-out stars; None if there is no champion to beat.
    gate
        What must be shown.
    """
    scores, baseline = best_scores(candidate), best_scores(candidate, COLOUR_FIT)
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
        checks.append((ratio <= gate.max_teff_scatter_ratio, f"teff: scatter is {ratio:.2f} of a {COLOUR_FIT}"))
    for name, row in best_scores(champion).items() if champion is not None else ():
        if name in scores:
            worse = scores[name]["scatter"] / row["scatter"] - 1
            checks.append((worse <= gate.max_worse_share, f"{name}: scatter {100 * worse:+.1f} % against the champion"))
    failed = tuple(reason for passed, reason in checks if not passed)
    return GateVerdict(not failed, failed or tuple(reason for _, reason in checks))
