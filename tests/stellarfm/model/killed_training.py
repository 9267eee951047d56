"""A training in a process of its own, so that a test can kill it: folder, steps, and what happens at a step."""

import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from stellarfm.model.network import NetworkConfig
from stellarfm.model.optimiser import OptimiserSettings
from stellarfm.model.presets import TrainingSettings
from stellarfm.model.sampler import SamplerSettings
from stellarfm.model.token_table import TokenTable
from stellarfm.model.training import TrainingProgress, train
from stellarfm.vocabulary import Token, Vocabulary

NETWORK = NetworkConfig(width=16, encoder=((2, 32),), decoder=((2, 32),), head=(16,), dropout=0.1)
VOCABULARY = Vocabulary("world", "", tuple(Token(f"s{i}", f"s{i}", kind="spectrum") for i in range(6)))


def settings(steps: int) -> TrainingSettings:
    return TrainingSettings(
        max_steps=steps,
        validate_every=50,
        checkpoint_every=40,
        sampler=SamplerSettings(batch=16, requests=3, hold=100),
        optimiser=OptimiserSettings(warmup_steps=10),
    )


def world() -> tuple[TokenTable, TokenTable]:
    rng = np.random.default_rng(1)
    values = (rng.normal(size=(260, 2)) @ rng.normal(size=(2, 6))).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    stars = TokenTable(np.arange(260), values, np.full_like(values, 0.1))
    return stars.rows(slice(0, 200)), stars.rows(slice(200, None))


def main(folder: Path, steps: int, step: int, what: str) -> None:
    def at(now: TrainingProgress) -> None:
        if now.step != step:
            return
        if what == "full disk":  # no file may grow beyond 1000 bytes from here on
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        elif what != "exact":
            os.kill(os.getpid(), getattr(signal, what))

    torch.set_num_threads(1)
    network, how = NETWORK, settings(steps)
    if what == "exact":  # nothing random but the sampler, no rounding to bfloat16
        network = replace(network, dropout=0.0)
        how = replace(how, optimiser=replace(how.optimiser, bfloat16=False))
    train(*world(), VOCABULARY, network, how, folder, device="cpu", on_progress=at)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
