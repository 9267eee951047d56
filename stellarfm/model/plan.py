"""What a training will take, said before it starts."""

import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from stellarfm.model.checkpoint import random_state, restore_random_state
from stellarfm.model.network import count_parameters
from stellarfm.model.optimiser import Trainer

_BYTES_PER_PARAMETER = 20  # four bytes each: weight, gradient, two moments of AdamW, running average
_TRIALS = 3  # the first also allocates and compiles: the shortest counts


@dataclass(frozen=True)
class TrainingPlan:
    """What a training will take.

    Attributes
    ----------
    stars, tokens
        Number of stars to learn from, and of the values that are known of them.
    parameters, steps
        Number of trained parameters, and of steps that are left.
    device
        Where it runs.
    memory_mb
        Weights, optimiser and the stars held on the device, or what a trial step needed if that is more, in MiB.
    expected_s
        Steps that are left times the duration of a trial step, in seconds.
    """

    stars: int
    tokens: int
    parameters: int
    steps: int
    device: str
    memory_mb: float
    expected_s: float

    def __str__(self) -> str:
        minutes = self.expected_s / 60
        time_left = f"{minutes:.0f} min" if minutes >= 2 else f"{self.expected_s:.0f} s"
        return (
            f"{self.stars:,} stars with {self.tokens:,} tokens, {self.parameters:,} parameters, {self.steps:,} steps "
            f"on {self.device}; about {self.memory_mb:,.0f} MB and {time_left}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return asdict(self)


def plan(trainer: Trainer, tokens: int) -> TrainingPlan:
    """Measure trial gradients, which leave the training as it was, and say what the rest will take.

    Parameters
    ----------
    trainer
        Ready to step.
    tokens
        Number of known values in the table.

    Returns
    -------
    TrainingPlan
        For the steps that are left.
    """
    # the trials draw batches and dropout masks: both generators are set back, so that a plan changes no training
    left = trainer.total_steps - trainer.step_number
    before, rng = trainer.sampler.state(), random_state()
    seconds = min(_trial(trainer) for _ in range(_TRIALS)) if left > 0 else 0.0
    trainer.sampler.restore(before)
    restore_random_state(rng)
    trainer.optimiser.zero_grad(set_to_none=True)
    return TrainingPlan(
        stars=len(trainer.sampler.rows.table),
        tokens=tokens,
        parameters=count_parameters(trainer.network),
        steps=left,
        device=str(trainer.device),
        memory_mb=_memory_mb(trainer),
        expected_s=seconds * left,
    )


def peak_memory_mb(device: torch.device) -> float:
    """Return the most memory that was in use so far, in MiB: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    # ru_maxrss counts kibibytes on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _trial(trainer: Trainer) -> float:
    started = time.perf_counter()
    trainer.network.train()
    float(trainer.gradient(trainer.sampler.draw()))  # reading the number waits until a GPU has done the work
    return time.perf_counter() - started


def _memory_mb(trainer: Trainer) -> float:
    if trainer.device.type == "cuda":
        return peak_memory_mb(trainer.device)
    rows = trainer.sampler.rows
    held = rows.values.nbytes + rows.errors.nbytes + rows.known.nbytes
    base = (held + _BYTES_PER_PARAMETER * count_parameters(trainer.network)) / 2**20
    return max(base, peak_memory_mb(trainer.device))
