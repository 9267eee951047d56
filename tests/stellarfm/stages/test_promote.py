"""The gate: given reports, expected verdicts."""

from typing import Any

import pytest

from stellarfm.config import Gate
from stellarfm.gate import decide


def report(teff: float, coverage: float = 0.68, cubic: float = 200.0) -> dict[str, Any]:
    shared = {"task": "labels", "token": "teff", "against": "truth"}
    return {
        "headline": "labels",
        "rows": [
            {**shared, "model": "model", "scatter": teff, "coverage_68": coverage},
            {**shared, "model": "cubic fit in BP-RP", "scatter": cubic},
        ],
    }


@pytest.mark.parametrize(
    ("candidate", "champion", "passes", "reason"),
    [
        (report(90), None, True, "teff: scatter is 0.45 of a cubic fit"),
        (report(120), None, False, "teff: scatter is 0.60 of a cubic fit"),
        (report(90, coverage=0.40), None, False, "68 % interval holds 40 %"),
        (report(90), report(91), True, "scatter -1.1 % against the champion"),
        (report(90), report(80), False, "scatter +12.5 % against the champion"),
        (report(90), report(89), True, "scatter +1.1 % against the champion"),
    ],
)
def test_a_model_becomes_champion_by_evidence(
    candidate: dict[str, Any], champion: dict[str, Any] | None, passes: bool, reason: str
) -> None:
    verdict = decide(candidate, champion, Gate())
    assert verdict.passed is passes
    assert any(reason in given for given in verdict.reasons)


def test_a_failure_is_explained_by_what_failed_and_nothing_else() -> None:
    verdict = decide(report(120, coverage=0.68), report(80), Gate())
    assert len(verdict.reasons) == 2
    assert all("teff" in reason for reason in verdict.reasons)
