"""One optimiser step after another: network, optimiser, schedule, running average. Needs torch alone.

A step takes a list of batches, the buckets of one draw, whose tensors have shapes (B, L) and (B, K): B stars, L tokens
shown, K requests.
"""

import math
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stellarfm.model.device import bfloat16_pays
from stellarfm.model.distributed import ProcessGroup
from stellarfm.model.loss import negative_log_likelihood, num_asked
from stellarfm.model.network import Answer, StarNetwork
from stellarfm.model.sampler import Batch, Sampler

CHECK_EVERY = 10
"""Steps between two readings of the loss: each makes the host wait for the GPU."""


@dataclass(frozen=True)
class OptimiserSettings:
    """How the weights are moved.

    Attributes
    ----------
    learning_rate
        Peak of the schedule.
    warmup_steps
        Steps of linear rise before the first fall.
    cycles
        Falls from the peak to zero, each half a cosine.
    weight_decay
        AdamW's.
    clip
        Largest norm of the gradient over all parameters; longer ones are scaled down to it.
    ema
        Weight of the past in the exponential running average that is evaluated and kept; 0 keeps the weights themselves.
    bfloat16
        Whether matrix products run in bfloat16, where the device is faster that way.
    compile
        Whether torch compiles the network; pays on a GPU, after a minute or two.
    """

    learning_rate: float = 2e-3
    warmup_steps: int = 100
    cycles: int = 1
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.995
    bfloat16: bool = True
    compile: bool = False


class Trainer:
    """A network that is being trained.

    Parameters
    ----------
    network
        On the training device.
    sampler
        Gives the batches.
    settings
        How the weights are moved.
    total_steps
        Length of the schedule, in steps.
    processes
        Those that train together; each takes its part of every batch.
    """

    def __init__(
        self,
        network: StarNetwork,
        sampler: Sampler,
        settings: OptimiserSettings,
        total_steps: int,
        processes: ProcessGroup | None = None,
    ) -> None:
        self.network, self.sampler, self.settings, self.total_steps = network, sampler, settings, total_steps
        self.processes = processes or ProcessGroup()
        self.parameters = list(network.parameters())
        self.device = self.parameters[0].device
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        # kept apart from the network, which goes on training on its own weights
        self.average = [p.detach().clone() for p in self.parameters] if settings.ema > 0 else []
        self.step_number = 0
        self.recent: deque[list[Batch]] = deque(maxlen=CHECK_EVERY)
        # buckets differ in length: static shapes would be compiled anew for each of them
        self._forward: Callable[..., Answer] = (
            torch.compile(network, dynamic=True) if settings.compile else network.__call__
        )

    def step(self) -> Tensor:
        """Take one step.

        Returns
        -------
        Tensor, scalar
            Mean loss over the requests of the step, before it; still on the device, for reading it would wait.
        """
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        batches = self.sampler.draw()
        self.recent.append(batches)
        loss = self.gradient(batches)
        # summed before it is clipped: every process clips the same gradient and takes the same step
        self.processes.sum_gradients(self.parameters, loss)
        nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        self.optimiser.step()
        self.step_number += 1
        self._move_average()
        return loss

    @torch.no_grad()
    def validation_loss(self, batches: list[Batch]) -> float:
        """Return the mean loss over the requests of fixed batches, without dropout."""
        self.network.eval()
        with self.autocast():
            losses = [negative_log_likelihood(self._answer(batch), batch).sum() for batch in batches]
        return float(torch.stack(losses).sum() / num_asked(batches))

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context that matrix products run in."""
        enabled = self.settings.bfloat16 and bfloat16_pays(self.device.type)
        context: AbstractContextManager[object] = torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)
        return context

    def learning_rate(self) -> float:
        """Return the learning rate of the next step: a linear rise, then falls of half a cosine to zero."""
        settings, step = self.settings, self.step_number
        if step >= self.total_steps:  # the schedule is over; the phase would begin anew
            return 0.0
        if step < settings.warmup_steps:  # AdamW's estimate of each gradient's size is poor at first
            return settings.learning_rate * (step + 1) / settings.warmup_steps
        # warm restarts (Leung & Bovy 2024): each cycle starts at the peak again
        phase = settings.cycles * (step - settings.warmup_steps) / max(1, self.total_steps - settings.warmup_steps)
        return 0.5 * settings.learning_rate * (1 + math.cos(math.pi * (phase % 1.0)))

    @torch.no_grad()
    def swap_average(self) -> None:
        """Exchange the weights and their running average, if there is one; the same call exchanges them back."""
        for weight, average in zip(self.parameters, self.average, strict=False):
            kept = weight.clone()
            weight.copy_(average)
            average.copy_(kept)

    def is_finite(self) -> bool:
        """Whether all weights are finite numbers."""
        with torch.no_grad():  # a sum is finite only if all terms are; one transfer from the device for all of them
            return bool(torch.stack([p.sum().isfinite() for p in self.parameters]).all())

    def gradient(self, batches: list[Batch]) -> Tensor:
        """Add up the gradients of the mean loss, one bucket after another.

        Parameters
        ----------
        batches
            Buckets of one draw: contexts (B, L) and requests (B, K).

        Returns
        -------
        Tensor, scalar
            This process's part of the mean loss.
        """
        self.optimiser.zero_grad(set_to_none=True)
        asked = num_asked(batches)
        total = torch.zeros((), device=self.device)
        for whole in batches:
            # divided by the requests of all buckets and processes: a mean over targets, however they are cut
            batch = self.processes.part_of(whole)
            with self.autocast():
                loss = negative_log_likelihood(self._answer(batch), batch).sum() / asked
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _answer(self, batch: Batch) -> Answer:
        return self._forward(batch.ids, batch.values, batch.errors, batch.requests)

    @torch.no_grad()
    def _move_average(self) -> None:
        """Let the running average follow; it follows faster at first, so that the start is forgotten."""
        if self.average:
            ema = min(self.settings.ema, self.step_number / (self.step_number + 10))
            # one launch for all parameters; torch has no public name for it
            torch._foreach_lerp_(self.average, list[Tensor](self.parameters), 1 - ema)
