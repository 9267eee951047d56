"""One optimiser step after another: network, optimiser, schedule, running average. Needs torch alone."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stellarfm.model.network import StarNetwork
from stellarfm.model.objective import mean_loss
from stellarfm.model.sampler import Batch, Sampler


@dataclass(frozen=True)
class OptimiserSettings:
    """How the weights are moved.

    Attributes
    ----------
    learning_rate
        Peak of the schedule.
    warmup_steps
        Steps of linear rise before the cosine fall to zero.
    weight_decay
        AdamW's, on matrices only.
    clip
        Largest norm of the gradient.
    ema
        Weight of the past in the running average that is evaluated and kept; 0 keeps the weights themselves.
    bfloat16
        Whether matrix products run in bfloat16.
    constant
        Whether the learning rate stays at its peak, as between the restarts of the published schedule.
    """

    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.995
    bfloat16: bool = True
    constant: bool = False


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
        Length of the schedule.
    """

    def __init__(self, network: StarNetwork, sampler: Sampler, settings: OptimiserSettings, total_steps: int) -> None:
        self.network, self.sampler, self.settings, self.total_steps = network, sampler, settings, total_steps
        self.device = next(network.parameters()).device
        matrices = [p for p in network.parameters() if p.ndim >= 2]
        vectors = [p for p in network.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self.average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        self.step_number = 0

    def step(self) -> Tensor:
        """Take one step and return its loss, still on the device: reading it every time would stall a GPU."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        loss = self.loss(self.sampler.draw())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        self.optimiser.step()
        self.step_number += 1
        self._move_average()
        return loss.detach()

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of a batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bfloat16):
            answer = self.network(batch.ids, batch.values, batch.errors, batch.requests)
        return mean_loss(answer, batch)

    def learning_rate(self) -> float:
        """Return the learning rate of the next step: linear rise, then half a cosine to zero."""
        settings, step = self.settings, self.step_number
        if step < settings.warmup_steps:
            return settings.learning_rate * (step + 1) / settings.warmup_steps
        if settings.constant:
            return settings.learning_rate
        share = (step - settings.warmup_steps) / max(1, self.total_steps - settings.warmup_steps)
        return 0.5 * settings.learning_rate * (1 + math.cos(math.pi * min(1.0, share)))

    @torch.no_grad()
    def _move_average(self) -> None:
        """Let the running average follow; it follows faster at first, so that the start is forgotten."""
        ema = min(self.settings.ema, self.step_number / (self.step_number + 10))
        weights = self.network.state_dict()
        averages = [self.average[name] for name in weights]
        torch._foreach_lerp_(averages, list(weights.values()), 1 - ema)
