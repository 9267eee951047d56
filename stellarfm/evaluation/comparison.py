"""Other models beside ours: the same stars, the same inputs, the same figures."""

from typing import Any

import numpy as np

from stellarfm.evaluation.baselines import MIN_STARS_OF_FIT, XGBOOST_AS_PUBLISHED, XGBOOST_TUNED, cubic_fit, xgboost_fit
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.metrics import Floats
from stellarfm.progress import ProgressCallback, no_progress
from stellarfm.statistics import mad_scatter
from stellarfm.vocabulary import Task

COLOUR_FIT = "cubic fit in BP-RP"
TREES = {"XGBoost as published": XGBOOST_AS_PUBLISHED, "XGBoost tuned": XGBOOST_TUNED}
"""What each set of settings is called in a report."""

_TREE_LABELS = ("teff", "logg", "m_h")


def colour_rows(stars: HeldOut, task: Task) -> list[dict[str, Any]]:
    """Return the scatter of a cubic fit in BP-RP: the scale on which a model is measured without other models.

    Parameters
    ----------
    stars
        Held-out and training stars.
    task
        Its labels are what is fitted.

    Returns
    -------
    list of dict
        One row a label and kind of target, with scatter and bias in the label's unit; none without BP-RP in the vocabulary.
    """
    if "bprp" not in stars.vocabulary.names:
        return []
    rows: list[dict[str, Any]] = []
    colour = stars.vocabulary.index("bprp")
    for name in labels(stars, task):
        place = stars.vocabulary.index(name)
        x, y = stars.train.values[:, colour], stars.train.values[:, place]
        if np.count_nonzero(np.isfinite(x) & np.isfinite(y)) < MIN_STARS_OF_FIT:
            continue
        predicted = cubic_fit(x, y, stars.test.values[:, colour])
        rows += _rows(stars, task, COLOUR_FIT, name, predicted)
    return rows


def tree_rows(
    stars: HeldOut,
    task: Task,
    *,
    seed: int,
    threads: int,
    progress: ProgressCallback = no_progress,
) -> list[dict[str, Any]]:
    """Return the scatter of gradient-boosted trees that learn from the same rows and inputs; takes minutes.

    Parameters
    ----------
    stars
        Held-out and training stars.
    task
        Its inputs are what the trees see; its labels are what they predict.
    seed, threads
        Random state and number of threads of XGBoost.
    progress
        Called with fits done, fits in all and what is being fitted.

    Returns
    -------
    list of dict
        Rows as of `colour_rows`, for each of `TREES`.
    """
    # the three labels that the paper's trees predict; a vocabulary without them has its own labels fitted
    rows: list[dict[str, Any]] = []
    asked = [name for name in labels(stars, task) if name in _TREE_LABELS] or labels(stars, task)
    fits = [(model, name) for model in TREES for name in asked]
    for done, (model, name) in enumerate(fits):
        progress(done, len(fits), f"{model}, {name}")
        predicted = xgboost_fit(
            stars.train,
            stars.test,
            stars.vocabulary,
            task.inputs,
            [name],
            seed=seed,
            threads=threads,
            settings=TREES[model],
        )
        rows += _rows(stars, task, model, name, predicted[:, 0])
    progress(len(fits), len(fits), "")
    return rows


def labels(stars: HeldOut, task: Task) -> list[str]:
    """Return the names of the labels among what a task asks for, in its order."""
    tokens = stars.vocabulary.tokens
    return [name for name in task.requests if tokens[stars.vocabulary.index(name)].kind == "label"]


def _rows(stars: HeldOut, task: Task, model: str, name: str, predicted: Floats) -> list[dict[str, Any]]:
    rows = []
    for against, target in stars.targets(name).items():
        residual = target - predicted  # (N,); truth minus prediction, the sign of Leung & Bovy (2024)
        rows.append(
            {
                "task": task.name,
                "model": model,
                "token": name,
                "against": against,
                "num_stars": int(np.isfinite(residual).sum()),
                "scatter": mad_scatter(residual),
                "bias": float(np.nanmedian(residual)),
            }
        )
    return rows
