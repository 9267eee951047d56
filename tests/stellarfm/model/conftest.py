"""A small world that a small network can learn: three tokens follow from two hidden numbers of a star."""

from collections.abc import Callable

import numpy as np
import pytest

from stellarfm.model.network import NetworkConfig
from stellarfm.model.optimiser import OptimiserSettings
from stellarfm.model.presets import TrainingSettings
from stellarfm.model.sampler import SamplerSettings
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Token, Vocabulary

TINY = NetworkConfig(width=16, encoder=((2, 32),), decoder=((2, 32),), head=(16,))


@pytest.fixture
def vocabulary() -> Vocabulary:
    kinds = {"s0": "spectrum", "s1": "spectrum", "s2": "spectrum", "colour": "colour", "teff": "label", "logg": "label"}
    return Vocabulary("world", "", tuple(Token(name, name, kind=kind) for name, kind in kinds.items()))


@pytest.fixture
def world(vocabulary: Vocabulary) -> Callable[..., TokenTable]:
    def make(num_stars: int = 400, seed: int = 1, unknown: float = 0.2, error: float = 0.0) -> TokenTable:
        rng = np.random.default_rng(seed)
        hot, dense = rng.normal(size=(2, num_stars))
        columns = [hot + dense, hot - dense, hot * dense, np.sin(hot), 5000 + 500 * hot, 3 + dense]
        values = np.stack(columns, axis=1).astype(np.float32)
        values[rng.random(values.shape) < unknown] = np.nan
        errors = np.full_like(values, error) * np.float32([1, 1, 1, 1, 500, 1])
        return TokenTable(np.arange(num_stars), values, errors)

    return make


@pytest.fixture
def quick() -> TrainingSettings:
    """Settings of a training of seconds."""
    return TrainingSettings(
        max_steps=200,
        validate_every=50,
        checkpoint_every=20,
        sampler=SamplerSettings(batch=32, requests=3, buckets=2),
        optimiser=OptimiserSettings(warmup_steps=10, bfloat16=False),
    )
