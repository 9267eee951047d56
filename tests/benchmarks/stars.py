"""Stars for the benchmarks of the model: random numbers with as many known tokens as the real training set has."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary, load_vocabulary

_KNOWN = 95
"""Gives 41 known tokens a star on average, as in the real training set (Leung & Bovy 2024)."""


def vocabulary() -> Vocabulary:
    """The 118 tokens of the paper."""
    return load_vocabulary("leung_bovy")


def random_stars(num_stars: int, seed: int = 7) -> TokenTable:
    """Stars whose tokens follow from four hidden numbers; how many of the spectrum are known varies from star to star."""
    rng = np.random.default_rng(seed)
    tokens = len(vocabulary())
    values = (rng.normal(size=(num_stars, 4)) @ rng.normal(size=(4, tokens))).astype(np.float32)
    known = rng.beta(1.2, 2.2, size=(num_stars, 1)) * _KNOWN
    order = np.concatenate(
        [np.arange(55), np.arange(55), np.zeros(tokens - 110)]
    )  # low orders are known, high ones not
    values[order[None, :] * 2 + rng.uniform(-8, 8, size=values.shape) > known] = np.nan
    return TokenTable(np.arange(num_stars), values, np.full_like(values, 0.05))


def in_a_process(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Measure in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
