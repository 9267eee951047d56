"""Models made of nothing but their answers: a champion whose errors are right, and candidates with one planted fault."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scoringrules
from numpy.typing import NDArray
from scipy.special import ndtr

from stellarfm.evaluation.paired import Comparison, bins_of, compare
from stellarfm.evaluation.sheet import Sheet

Floats = NDArray[np.float64]
TASK = "labels from spectra"
TOKENS = ("teff", "logg", "m_h")
QUESTIONS = (*((TASK, token) for token in TOKENS), ("spectra from labels", "spectrum"))
LABELS = QUESTIONS[:3]
_SCATTER = {"teff": 60.0, "logg": 0.15, "m_h": 0.08}
_LABEL_NOISE = 0.5
"""Error of the labels, in units of the model's scatter: what two models share."""


@dataclass(frozen=True)
class Answer:
    """What a model says of N stars for each token, and how large it says that its errors are."""

    values: dict[str, Floats]
    errors: dict[str, Floats]
    spectrum: Floats


@dataclass(frozen=True)
class Sky:
    """Held-out stars with their labels: quantities to cut bins by, and labels with noise."""

    truth: dict[str, Floats]
    label: dict[str, Floats]
    seed: int

    @classmethod
    def draw(cls, seed: int, num_stars: int = 3000) -> "Sky":
        rng = np.random.default_rng([seed, 1])
        giant = rng.random(num_stars) < 0.5
        truth = {
            "teff": np.where(giant, rng.normal(4700, 250, num_stars), rng.normal(5600, 700, num_stars)),
            "logg": np.where(giant, rng.normal(2.4, 0.5, num_stars), rng.normal(4.4, 0.15, num_stars)),
            "m_h": -0.2 + 0.3 * rng.standard_t(4, num_stars),
            "g_mag": rng.uniform(9, 15, num_stars),
            "num_tokens": rng.integers(40, 110, num_stars).astype(float),
            "pixel": rng.integers(0, 12, num_stars).astype(float),
        }
        label = {name: truth[name] + _SCATTER[name] * _LABEL_NOISE * rng.standard_normal(num_stars) for name in TOKENS}
        return cls(truth, label, seed)

    def train(self, seed: int) -> Answer:
        """Return the answers of one training: right errors, heavy tails, what it has in common with others and what not."""
        shared, own = (np.random.default_rng([self.seed, 2]), np.random.default_rng([self.seed, 3, seed]))
        num = len(self.truth["teff"])
        # faint stars are harder
        error = 0.7 + 0.1 * (self.truth["g_mag"] - 9)
        values, errors = {}, {}
        for name in TOKENS:
            noise = np.sqrt(0.7) * shared.standard_normal(num) + np.sqrt(0.3) * own.standard_normal(num)
            values[name] = self.truth[name] + _SCATTER[name] * error * noise
            errors[name] = _SCATTER[name] * error
        spectrum = np.abs(np.sqrt(0.7) * shared.standard_normal(num) + np.sqrt(0.3) * own.standard_normal(num))
        return Answer(values, errors, spectrum)

    def sheet(self, answer: Answer) -> Sheet:
        residual, errors, crps, inside = [], [], [], []
        for name in TOKENS:
            target, value = self.label[name], answer.values[name]
            error = np.hypot(answer.errors[name], _SCATTER[name] * _LABEL_NOISE)
            residual.append(target - value)
            errors.append(answer.errors[name])
            crps.append(scoringrules.crps_normal(target, value, error))
            from_middle = np.abs(ndtr((target - value) / error) - 0.5)
            inside.append([from_middle < share / 2 for share in (0.68, 0.95)])
        nothing = np.full_like(residual[0], np.nan)
        return Sheet(
            QUESTIONS,
            np.stack([*residual, nothing]),
            np.stack([*errors, nothing]),
            np.stack([*crps, 0.23 + 0.1 * answer.spectrum]),
            np.stack([*(one[0].astype(float) for one in inside), nothing]),
            np.stack([*(one[1].astype(float) for one in inside), nothing]),
            num_not_finite=0,
            seconds=1.0,
        )

    def bins(self) -> dict[str, NDArray[np.bool_]]:
        values = {name: value for name, value in self.truth.items() if name != "pixel"}
        return bins_of(values, {"HEALPix": self.truth["pixel"].astype(np.int64)})

    def compare(self, candidate: Answer, champion: Answer, draws: int = 500) -> Comparison:
        return compare(self.sheet(candidate), self.sheet(champion), self.bins(), LABELS, draws=draws)


Plant = Callable[[Sky, Answer], Answer]


def errors_times(factor: float) -> Plant:
    return lambda _, a: replace(a, errors={name: factor * error for name, error in a.errors.items()})


def biased(sigmas: float) -> Plant:
    return lambda _, a: replace(a, values={name: v + sigmas * a.errors[name] for name, v in a.values.items()})


def scattered(factor: float) -> Plant:
    """Residuals from the truth, and stated errors, larger or smaller by a factor."""

    def plant(sky: Sky, a: Answer) -> Answer:
        values = {name: sky.truth[name] + factor * (v - sky.truth[name]) for name, v in a.values.items()}
        return replace(a, values=values, errors={name: factor * error for name, error in a.errors.items()})

    return plant


def broken_where(condition: Callable[[dict[str, Floats]], NDArray[np.bool_]], sigmas: float = 2.0) -> Plant:
    def plant(sky: Sky, a: Answer) -> Answer:
        inside = condition(sky.truth)
        return replace(
            a, values={name: np.where(inside, v + sigmas * a.errors[name], v) for name, v in a.values.items()}
        )

    return plant


def labels_swapped(_: Sky, a: Answer) -> Answer:
    return replace(a, values=a.values | {"teff": a.values["m_h"], "m_h": a.values["teff"]})


def spectra_broken(_: Sky, a: Answer) -> Answer:
    return replace(a, spectrum=1.5 * a.spectrum)
