"""Two models that answered the same questions on the same stars: where one is worse, beyond what chance does.

Stars are drawn anew with replacement, the same draw for both models and all questions (a paired bootstrap). A model is called
worse somewhere if its difference, in units of its own bootstrap error and less what is tolerated, exceeds what the largest of
all differences reaches by chance (Westfall & Young 1993, max-T): however many bins are looked at, the limit is set so that an
equal model is refused in the share `ALPHA` of all comparisons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.evaluation.sheet import Sheet
from stellarfm.statistics import MAD_TO_SIGMA, mad_scatter

Floats = NDArray[np.float64]

DRAWS = 1000
"""Draws of the bootstrap: enough for a 95 % quantile of a maximum, and 1 s for 3,000 stars."""

ALPHA = 0.05
"""Share of equal models that may be called worse anywhere."""

MIN_STARS = 30
"""Fewer stars of a bin are not judged."""

OUTLIER_SCATTERS = 5.0
"""An outlier is farther from the truth than so many times the champion's scatter."""

EVERYWHERE = "all stars"


@dataclass(frozen=True)
class Tolerances:
    """How much worse a candidate may be without being called worse; each is also how small a difference is of no interest.

    Attributes
    ----------
    crps, crps_in_bin
        As a share of the champion's score, over all stars and in a bin.
    scatter
        As a share of the champion's.
    bias
        In units of the champion's scatter.
    outliers
        Share of stars.
    coverage, coverage_in_bin
        How much farther from 68 % or 95 %, as a share of stars.
    """

    crps: float = 0.01
    crps_in_bin: float = 0.05
    scatter: float = 0.02
    bias: float = 0.05
    outliers: float = 0.005
    coverage: float = 0.02
    coverage_in_bin: float = 0.05


@dataclass(frozen=True)
class Difference:
    """One figure of two models.

    Attributes
    ----------
    task, token
        The question.
    figure
        ``crps``, ``scatter``, ``bias``, ``outliers``, ``coverage_68`` or ``coverage_95``.
    where
        Which stars, in words.
    num_stars
        How many they are.
    candidate, champion
        The figure of each, in its own unit.
    worse_by, error
        Difference by which it is judged, positive where the candidate is worse, and its bootstrap error, in the units of
        `Tolerances`.
    is_worse
        Whether it is beyond chance and tolerance.
    """

    task: str
    token: str
    figure: str
    where: str
    num_stars: int
    candidate: float
    champion: float
    worse_by: float
    error: float
    is_worse: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """What comparing two models on one examination found.

    Attributes
    ----------
    differences
        Every figure that was judged.
    improvement, improvement_error
        By which share the candidate's mean score on the labels of the first task is smaller, and its bootstrap error.
    """

    differences: tuple[Difference, ...]
    improvement: float
    improvement_error: float

    @property
    def worse(self) -> list[Difference]:
        """Where the candidate is worse, the worst first, in units of the error."""
        found = [one for one in self.differences if one.is_worse]
        return sorted(found, key=lambda one: -one.worse_by / max(one.error, 1e-12))

    @property
    def is_better(self) -> bool:
        """Whether the labels are answered better beyond chance, one-sided at 5 %."""
        return self.improvement > 1.645 * self.improvement_error and self.improvement > 0


def compare(
    candidate: Sheet,
    champion: Sheet,
    bins: Mapping[str, NDArray[np.bool_]],
    labels: Sequence[tuple[str, str]],
    tolerances: Tolerances | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Comparison:
    """Compare two models star by star.

    Parameters
    ----------
    candidate, champion
        Their answers to the same questions on the same N stars.
    bins
        Stars of each bin, shape (N,), by its name.
    labels
        Questions by which one is called better.
    tolerances
        What is no matter.
    seed, draws
        Of the bootstrap.
    """
    limits = tolerances or Tolerances()
    weights = _draw(candidate.crps.shape[1], seed, draws)
    judged = _Judged(weights)
    means: dict[tuple[str, str], tuple[float, Floats]] = {}
    for place, (task, token) in enumerate(candidate.questions):
        ours, theirs = _of_question(candidate, place), _of_question(champion, place)
        known = np.isfinite(ours["crps"]) & np.isfinite(theirs["crps"])
        if known.sum() < MIN_STARS:
            continue
        means[task, token] = judged.scores(task, token, ours, theirs, known, bins, limits)
        if np.isfinite(ours["residual"][known]).all() and np.isfinite(theirs["residual"][known]).all():
            judged.residuals(task, token, ours["residual"], theirs["residual"], known, limits)
    improvement = [means[label] for label in labels if label in means]
    if not improvement:
        return Comparison(judged.verdicts(), 0.0, 0.0)
    # the mean over labels of the relative difference, drawn together so that what they share is kept
    drawn = np.mean([draws_of for _, draws_of in improvement], axis=0)
    return Comparison(judged.verdicts(), -float(np.mean([d for d, _ in improvement])), float(np.std(drawn)))


class _Judged:
    """The differences of a comparison while they are collected: each with its draws and its tolerance."""

    def __init__(self, weights: Floats) -> None:
        self.weights = weights  # (R, N): how often each draw has each star
        self.found: list[Difference] = []
        self.excess: list[float] = []
        self.drawn: list[Floats] = []

    def add(self, difference: Difference, draws: Floats, tolerance: float) -> None:
        self.found.append(difference)
        self.excess.append(difference.worse_by - tolerance)
        self.drawn.append(draws)

    def scores(
        self,
        task: str,
        token: str,
        ours: Mapping[str, Floats],
        theirs: Mapping[str, Floats],
        known: NDArray[np.bool_],
        bins: Mapping[str, NDArray[np.bool_]],
        limits: Tolerances,
    ) -> tuple[float, Floats]:
        """Add CRPS and coverage, over all stars and in each bin; return the relative CRPS over all stars with its draws."""
        chosen = {EVERYWHERE: known} | {name: known & inside for name, inside in bins.items()}
        chosen = {name: inside for name, inside in chosen.items() if inside.sum() >= MIN_STARS}
        members = np.stack(list(chosen.values()), axis=1).astype(np.float64)  # (N, B)
        numbers = np.maximum(self.weights @ members, 1)  # (R, B)
        whole: tuple[float, Floats] = (0.0, np.zeros(len(self.weights)))
        for figure, nominal in (("crps", None), ("coverage_68", 0.68), ("coverage_95", 0.95)):
            if not all(np.isfinite(side[figure][known]).all() for side in (ours, theirs)):
                continue
            a, b = (np.where(known, side[figure], 0)[:, None] * members for side in (ours, theirs))  # (N, B)
            mean_a, mean_b = (side.sum(0) / members.sum(0) for side in (a, b))  # (B,)
            drawn_a, drawn_b = (self.weights @ side / numbers for side in (a, b))  # (R, B)
            if nominal is None:
                scale = np.maximum(mean_b, np.finfo(float).tiny)
                by, drawn = (mean_a - mean_b) / scale, (drawn_a - drawn_b) / scale
            else:
                by = np.abs(mean_a - nominal) - np.abs(mean_b - nominal)
                drawn = np.abs(drawn_a - nominal) - np.abs(drawn_b - nominal)
            for place, (where, inside) in enumerate(chosen.items()):
                one = _difference(task, token, figure, where, inside, mean_a[place], mean_b[place], by[place])
                self.add(one, drawn[:, place], _tolerance(limits, figure, where))
            if figure == "crps":
                whole = float(by[0]), drawn[:, 0]
        return whole

    def residuals(
        self, task: str, token: str, ours: Floats, theirs: Floats, known: NDArray[np.bool_], limits: Tolerances
    ) -> None:
        """Add scatter, bias and outliers over all stars."""
        weights, a, b = self.weights[:, known], ours[known], theirs[known]
        scale = max(mad_scatter(b), np.finfo(float).tiny)
        figures = {
            # about the median of all: that of each draw differs from it to second order
            "scatter": [MAD_TO_SIGMA * _medians(np.abs(side - np.median(side)), weights) for side in (a, b)],
            "bias": [np.abs(_medians(side, weights)) for side in (a, b)],
            "outliers": [_means(np.abs(side) > OUTLIER_SCATTERS * scale, weights) for side in (a, b)],
        }
        for figure, ((of_a, draws_a), (of_b, draws_b)) in (
            (name, [(side[-1], side[:-1]) for side in sides]) for name, sides in figures.items()
        ):
            unit = 1.0 if figure == "outliers" else scale
            one = _difference(task, token, figure, EVERYWHERE, known, of_a, of_b, (of_a - of_b) / unit)
            self.add(one, (draws_a - draws_b) / unit, _tolerance(limits, figure, EVERYWHERE))

    def verdicts(self) -> tuple[Difference, ...]:
        """Return the differences with their errors and verdicts."""
        if not self.found:
            return ()
        by = np.array([one.worse_by for one in self.found])
        drawn = np.stack(self.drawn, axis=1)  # (R, H)
        errors = drawn.std(axis=0)
        usable = errors > 1e-12
        chance = np.where(usable, (drawn - by) / np.where(usable, errors, 1), -np.inf).max(axis=1)  # (R,)
        limit = max(float(np.quantile(chance, 1 - ALPHA)), 0.0) if usable.any() else 0.0
        excess = np.array(self.excess)
        # where no draw changes anything, chance plays no part
        worse = np.where(usable, excess > limit * errors, excess > 0)
        return tuple(
            Difference(**(one.to_dict() | {"error": float(error), "is_worse": bool(bad)}))
            for one, error, bad in zip(self.found, errors, worse, strict=True)
        )


def bins_of(values: Mapping[str, Floats], groups: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[np.bool_]]:
    """Cut the stars into bins: fifths of each quantity with its outermost twentieths, and the members of each group.

    Parameters
    ----------
    values
        Quantities of the stars, shape (N,), NaN where unknown, by name.
    groups
        Numbers of a part of the sky and the like, shape (N,), negative where unknown, by name.

    Returns
    -------
    dict
        Stars of each bin, shape (N,), by a name that says which they are; those of fewer than `MIN_STARS` are left out.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for name, value in values.items():
        known = np.isfinite(value)
        if known.sum() < MIN_STARS:
            continue
        edges = np.quantile(value[known], [0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1])
        for low, high in pairwise(edges):
            inside = known & (value >= low) & ((value < high) | (high == edges[-1]))
            found[f"{low:.4g} <= {name} {'<=' if high == edges[-1] else '<'} {high:.4g}"] = inside
    for name, group in groups.items():
        found |= {f"{name} {number}": group == number for number in np.unique(group[group >= 0])}
    return {name: inside for name, inside in found.items() if inside.sum() >= MIN_STARS}


def _of_question(sheet: Sheet, place: int) -> dict[str, Floats]:
    return {
        "residual": sheet.residual[place],
        "crps": sheet.crps[place],
        "coverage_68": sheet.inside_68[place],
        "coverage_95": sheet.inside_95[place],
    }


def _difference(
    task: str, token: str, figure: str, where: str, inside: NDArray[np.bool_], a: float, b: float, by: float
) -> Difference:
    return Difference(task, token, figure, where, int(inside.sum()), float(a), float(b), float(by), 0.0)


def _tolerance(limits: Tolerances, figure: str, where: str) -> float:
    name = "coverage" if figure.startswith("coverage") else figure
    return float(getattr(limits, name if where == EVERYWHERE else f"{name}_in_bin"))


def _draw(num_stars: int, seed: int, draws: int) -> Floats:
    """Return how often each draw has each star, shape (R, N)."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(0, num_stars, num_stars), minlength=num_stars) for _ in range(draws)])
    return drawn.astype(np.float64)


def _medians(values: Floats, weights: Floats) -> Floats:
    """Return the median of each draw and, last, that of the values themselves, shape (R + 1,)."""
    order = np.argsort(values)
    weights = np.concatenate([weights, np.ones((1, len(values)))])[:, order]
    total = np.cumsum(weights, axis=1)
    middle = (total >= total[:, -1:] / 2).argmax(axis=1)
    return np.asarray(values[order][middle])


def _means(values: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the mean of each draw and, last, that of the values themselves, shape (R + 1,)."""
    weights = np.concatenate([weights, np.ones((1, len(values)))])
    return np.asarray(weights @ values / np.maximum(weights.sum(axis=1), 1))
