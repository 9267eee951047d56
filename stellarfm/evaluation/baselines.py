"""What the model must beat: a fit in colour, which sets the scale, and gradient-boosted trees, as the paper has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.evaluation.metrics import Floats
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary

XGBOOST_AS_PUBLISHED: dict[str, Any] = {"n_estimators": 2000}
"""Leung & Bovy (2024): 2000 trees, everything else at XGBoost's defaults."""

XGBOOST_TUNED: dict[str, Any] = {
    "n_estimators": 1500,
    "learning_rate": 0.03,
    "max_depth": 7,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "min_child_weight": 5,
}
"""A slower learner with sampling of rows and columns: the usual remedy against the overfitting of the defaults."""


MIN_STARS_OF_FIT = 4
"""Stars that the four numbers of a cubic need."""


def cubic_fit(train_x: Floats, train_y: Floats, x: Floats) -> NDArray[np.float64]:
    """Predict y by a cubic in x that is fitted by least squares.

    Parameters
    ----------
    train_x, train_y
        Shape (N,), in any units; rows where either is NaN are left out of the fit.
    x
        Shape (M,), in the unit of `train_x`.

    Returns
    -------
    ndarray, shape (M,)
        In the unit of `train_y`; NaN where x is.

    Raises
    ------
    StellarError
        If fewer than four rows have both.
    """
    # four coefficients need four points; `Polynomial.fit` scales x to [-1, 1], where powers are well conditioned
    known = np.isfinite(train_x) & np.isfinite(train_y)
    if int(known.sum()) < MIN_STARS_OF_FIT:
        raise StellarError("a cubic fit needs at least four stars with a colour and a label; take a larger sample")
    fit = np.polynomial.Polynomial.fit(train_x[known].astype(np.float64), train_y[known].astype(np.float64), 3)
    return np.asarray(fit(x.astype(np.float64)))


def xgboost_fit(
    train: TokenTable,
    test: TokenTable,
    vocabulary: Vocabulary,
    inputs: Sequence[str],
    requests: Sequence[str],
    *,
    seed: int,
    threads: int = 2,
    settings: dict[str, Any] = XGBOOST_AS_PUBLISHED,
) -> NDArray[np.float32]:
    """Predict tokens by XGBoost trained on the same rows and inputs as the model.

    Parameters
    ----------
    train, test
        Stars to fit on, and stars to predict for; both (N, T) tables of the vocabulary.
    vocabulary
        Their tokens.
    inputs, requests
        Tokens that the trees see, and tokens that they predict.
    seed, threads
        Random state and number of threads of XGBoost.
    settings
        Further settings of ``XGBRegressor``.

    Returns
    -------
    ndarray, shape (len(test), len(requests))
        Predictions in the units of the tokens; each request is fitted on the training stars that have it.
    """
    from xgboost import XGBRegressor

    columns = [vocabulary.index(name) for name in inputs]
    predictions = np.empty((len(test), len(requests)), np.float32)
    for place, name in enumerate(requests):
        target = train.values[:, vocabulary.index(name)]
        known = np.isfinite(target)
        # targets are standardised, as published; a missing input stays NaN, for which XGBoost learns a side at every split
        regressor = XGBRegressor(random_state=seed, n_jobs=threads, **settings)
        centre, width = float(target[known].mean()), float(target[known].std())
        regressor.fit(train.values[known][:, columns], (target[known] - centre) / width)
        predictions[:, place] = regressor.predict(test.values[:, columns]) * width + centre
    return predictions
