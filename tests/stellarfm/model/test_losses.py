"""A refactoring must give the same losses: 60 steps on a CPU against tests/assets/losses_cpu.json.

Where a change is meant to change them: ``python -m tests.stellarfm.model.test_losses`` writes the file anew.
Float32 on one thread; other processors and versions of torch add up in another order, hence the tolerance of 2e-4,
far below what a change of the network, the sampler or the optimiser does.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stellarfm.model.network import PRESETS, StarNetwork
from stellarfm.model.optimiser import Trainer
from stellarfm.model.presets import TRAINING_PRESETS
from stellarfm.model.rows import Rows
from stellarfm.model.sampler import Sampler
from stellarfm.model.scaling import RobustScaler
from tests.benchmarks.stars import random_stars, vocabulary

GOLDEN = Path(__file__).parents[2] / "assets" / "losses_cpu.json"
STEPS, TOLERANCE = 60, 2e-4


def losses(preset: str) -> list[float]:
    """Return the losses of the first steps of a preset."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    stars, settings = random_stars(500), TRAINING_PRESETS[preset]
    sampler = replace(settings.sampler, batch=32, requests=min(4, settings.sampler.requests))
    rows = Rows(stars, RobustScaler.of(stars), torch.device("cpu"), sampler.hold)
    shape = replace(PRESETS[preset], width=32, head=(64,), dropout=0.0)
    network = StarNetwork(shape, len(vocabulary()))
    optimiser = replace(settings.optimiser, bfloat16=False, warmup_steps=10)
    trainer = Trainer(network, Sampler(rows, vocabulary(), sampler, 7), optimiser, STEPS)
    found = [round(float(trainer.step()), 6) for _ in range(STEPS)]
    torch.set_num_threads(threads)
    return found


@pytest.mark.parametrize("preset", PRESETS)
def test_the_first_60_losses_are_those_on_file(preset: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[preset]
    assert losses(preset) == pytest.approx(golden, abs=TOLERANCE)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({preset: losses(preset) for preset in PRESETS}, indent=0) + "\n", encoding="utf-8")
