"""How each preset trains; its network is in `network.PRESETS`."""

from dataclasses import dataclass, field, replace

from stellarfm.model.optimiser import OptimiserSettings
from stellarfm.model.sampler import SamplerSettings

_TOKENS_PER_REQUEST = 5
"""At most one token in this many is asked of a star, for what is asked is hidden and the rest must tell enough."""


@dataclass(frozen=True)
class TrainingSettings:
    """Everything about a training but the data and the network.

    Attributes
    ----------
    max_steps
        Optimiser steps.
    seed
        Seed of weights, order, contexts and requests.
    validate_every, checkpoint_every
        Steps between validations, and between checkpoints.
    patience
        Validations without improvement after which training stops; 0 never stops early.
    sampler, optimiser
        Their settings.
    """

    max_steps: int = 1500
    seed: int = 7
    validate_every: int = 250
    checkpoint_every: int = 250
    patience: int = 0
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)

    def for_tokens(self, num_tokens: int) -> "TrainingSettings":
        """Return the settings for a vocabulary of `num_tokens` tokens: of a short one fewer are asked at once."""
        requests = min(self.sampler.requests, max(1, num_tokens // _TOKENS_PER_REQUEST))
        return replace(self, sampler=replace(self.sampler, requests=requests))


TRAINING_PRESETS = {
    # the quick one: fewer and smaller steps, hence a larger rate and a shorter memory of the average
    "small": TrainingSettings(
        max_steps=2400,
        sampler=SamplerSettings(batch=192, buckets=1),
        optimiser=OptimiserSettings(learning_rate=3e-3, warmup_steps=50, ema=0.99),
    ),
    # docs/choices.md has the trainings that these numbers were chosen by
    "default": TrainingSettings(
        max_steps=5000,
        sampler=SamplerSettings(batch=384, requests=8, buckets=2),
        optimiser=OptimiserSettings(learning_rate=2e-3, warmup_steps=200, ema=0.998),
    ),
    # Leung & Bovy (2024): 4096 epochs of 348 steps, a restart every 512 epochs (so 8 cycles), no warm-up, no clipping, no
    # running average; their float16 is our bfloat16
    "paper": TrainingSettings(
        max_steps=1_425_408,
        sampler=SamplerSettings(batch=1024, requests=1, as_published=True),
        optimiser=OptimiserSettings(learning_rate=1e-4, warmup_steps=0, cycles=8, ema=0.0, clip=float("inf")),
    ),
}
