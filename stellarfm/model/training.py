"""A whole training: from a table of stars to a model folder, stopped and taken up again at any step."""

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stellarfm.errors import StellarError
from stellarfm.model.checkpoint import (
    load_checkpoint,
    pack,
    random_state,
    restore_random_state,
    save_checkpoint,
    save_model,
    unpack,
)
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.objective import negative_log_likelihood
from stellarfm.model.sampler import Batch, Sampler, SamplerSettings
from stellarfm.model.standard import Standard, refuse_bad_numbers
from stellarfm.model.table import TokenTable
from stellarfm.model.trainer import OptimiserSettings, Trainer
from stellarfm.vocabulary import Vocabulary

CHECKPOINT, MODEL = "checkpoint", "model"
_VALIDATION_SEED = 20_080_331
_VALIDATION_STARS = 4096


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
        Steps between looks at the validation stars, and between checkpoints.
    patience
        Looks without improvement after which training stops; 0 never stops early.
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


TRAINING_PRESETS = {
    "small": TrainingSettings(max_steps=1500),
    "default": TrainingSettings(max_steps=6000, sampler=SamplerSettings(batch=512, requests=16)),
    "paper": TrainingSettings(
        max_steps=1_425_408,
        sampler=SamplerSettings(batch=1024, as_published=True),
        optimiser=OptimiserSettings(
            learning_rate=1e-4, warmup_steps=1, ema=0.0, clip=1e9, bfloat16=False, constant=True
        ),
    ),
}


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is: step of total steps, mean loss since the last report, targets a second."""

    step: int
    total_steps: int
    loss: float
    targets_per_s: float


@dataclass(frozen=True)
class TrainingResult:
    """What a training made.

    Attributes
    ----------
    folder
        The model folder.
    steps
        Steps taken in all.
    best_validation_loss
        Smallest mean negative log likelihood of the validation tasks.
    history
        (step, training loss, validation loss) of each look at the validation stars.
    """

    folder: Path
    steps: int
    best_validation_loss: float
    history: tuple[tuple[int, float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {**asdict(self), "folder": self.folder.name}


Report = Callable[[TrainingProgress], None]
Log = Callable[[int, dict[str, float]], None]


def train(
    table: TokenTable,
    validation: TokenTable,
    vocabulary: Vocabulary,
    network: NetworkConfig,
    settings: TrainingSettings,
    folder: Path,
    *,
    device: str = "auto",
    on_progress: Report | None = None,
    log: Log | None = None,
) -> TrainingResult:
    """Train a model, going on from a checkpoint in the folder if there is one.

    Parameters
    ----------
    table, validation
        Stars to learn from, and others to watch the loss on.
    vocabulary
        Tokens of both.
    network, settings
        What is trained, and how.
    folder
        Gets ``checkpoint/`` while training and ``model/`` at its end.
    device
        ``auto``, ``cpu`` or ``cuda``.
    on_progress, log
        Called now and then with progress, and with named figures of a step.

    Returns
    -------
    TrainingResult

    Raises
    ------
    StellarError
        If the numbers are no measurements, the checkpoint is of something else, the disk is full, or the loss is NaN.
    """
    refuse_bad_numbers(table, vocabulary)
    run = _Run(table, validation, vocabulary, network, settings, folder, choose_device(device))
    run.resume()
    with _on_terminate(run.stop):
        run.loop(on_progress or (lambda _: None), log or (lambda _step, _figures: None))
    return run.finish()


def choose_device(name: str) -> torch.device:
    """Return a device by name.

    Raises
    ------
    StellarError
        If it is not to be had.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise StellarError("there is no CUDA device here; use --set training.device=cpu or auto")
    if name != "cpu" and not name.startswith("cuda"):
        raise StellarError(f"the device must be auto, cpu or cuda, not {name!r}")
    return torch.device(name)


class _Run:
    """One training in progress."""

    def __init__(
        self,
        table: TokenTable,
        validation: TokenTable,
        vocabulary: Vocabulary,
        network: NetworkConfig,
        settings: TrainingSettings,
        folder: Path,
        device: torch.device,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.vocabulary = settings, folder, vocabulary
        self.standard = Standard.of(table)
        values, errors = (torch.from_numpy(array).to(device) for array in self.standard.apply(table))
        model = StarNetwork(network, len(vocabulary)).to(device)
        sampler = Sampler(values, errors, vocabulary, settings.sampler, settings.seed)
        self.trainer = Trainer(model, sampler, settings.optimiser, settings.max_steps)
        self.validation = self._draw_validation(validation, device)
        self.fingerprint = _fingerprint(table, vocabulary, network, settings)
        self.history: list[tuple[int, float, float]] = []
        self.stopped = False

    def stop(self) -> None:
        """Ask for a checkpoint and an end after the present step."""
        self.stopped = True

    def loop(self, report: Report, log: Log) -> None:
        """Step until the end, an early stop or a request to stop."""
        settings, trainer = self.settings, self.trainer
        losses: list[Tensor] = []
        since, asked = time.monotonic(), 0
        while trainer.step_number < settings.max_steps and not self._is_over():
            losses.append(trainer.step())
            asked += settings.sampler.batch * settings.sampler.requests
            step = trainer.step_number
            if step % 10 == 0 or step == settings.max_steps:
                loss = float(torch.stack(losses[-10:]).mean())
                self._refuse_nan(loss)
                report(TrainingProgress(step, settings.max_steps, loss, asked / (time.monotonic() - since)))
            if step % settings.validate_every == 0 or step == settings.max_steps:
                self._validate(float(torch.stack(losses).mean()), log)
                losses.clear()
            if step % settings.checkpoint_every == 0 or self.stopped:
                self.checkpoint()
            if self.stopped:
                raise SystemExit(143)

    def checkpoint(self) -> None:
        """Write everything that the next step depends on."""
        trainer = self.trainer
        optimiser = trainer.optimiser.state_dict()["state"]
        moments = {f"{i}.{name}": tensor for i, state in optimiser.items() for name, tensor in state.items()}
        tensors = (
            pack("network", trainer.network.state_dict())
            | pack("average", trainer.average)
            | pack("optimiser", moments)
            | pack("sampler", trainer.sampler.state())
            | pack("random", random_state())
        )
        state = {"fingerprint": self.fingerprint, "step": trainer.step_number, "history": self.history}
        save_checkpoint(self.folder / CHECKPOINT, state, tensors)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder, if there is one."""
        found = load_checkpoint(self.folder / CHECKPOINT, self.fingerprint)
        if found is None:
            return
        state, tensors = found
        trainer = self.trainer
        trainer.network.load_state_dict(unpack("network", tensors))
        for name, tensor in unpack("average", tensors).items():
            trainer.average[name].copy_(tensor)
        optimiser = trainer.optimiser.state_dict()
        for name, tensor in unpack("optimiser", tensors).items():
            place, key = name.split(".")
            optimiser["state"].setdefault(int(place), {})[key] = tensor
        trainer.optimiser.load_state_dict(optimiser)
        trainer.sampler.restore(unpack("sampler", tensors))
        restore_random_state(unpack("random", tensors))
        trainer.step_number = state["step"]
        self.history = [tuple(look) for look in state["history"]]

    def finish(self) -> TrainingResult:
        """Write the model folder."""
        target = self.folder / MODEL
        average = self.trainer.average if self.settings.optimiser.ema > 0 else None
        save_model(target, self.trainer.network, self.vocabulary, self.standard, average)
        best = min((look[2] for look in self.history), default=float("nan"))
        return TrainingResult(target, self.trainer.step_number, best, tuple(self.history))

    def _is_over(self) -> bool:
        """Whether the validation loss has not improved for as many looks as the patience allows."""
        patience = self.settings.patience
        looks = [look[2] for look in self.history]
        return bool(patience) and len(looks) > patience and min(looks[-patience:]) > min(looks[:-patience])

    @torch.no_grad()
    def _validate(self, training_loss: float, log: Log) -> None:
        """Look at the fixed tasks with the weights that would be kept."""
        trainer = self.trainer
        kept = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
        if self.settings.optimiser.ema > 0:
            trainer.network.load_state_dict(trainer.average)
        trainer.network.eval()
        total, count = 0.0, 0
        for batch in self.validation:
            with torch.autocast(trainer.device.type, torch.bfloat16, enabled=self.settings.optimiser.bfloat16):
                answer = trainer.network(batch.ids, batch.values, batch.errors, batch.requests)
            total += float(negative_log_likelihood(answer, batch).sum())
            count += int((batch.requests > 0).sum())
        trainer.network.load_state_dict(kept)
        loss = total / max(1, count)
        self.history.append((trainer.step_number, training_loss, loss))
        log(
            trainer.step_number,
            {"loss": training_loss, "validation_loss": loss, "learning_rate": trainer.learning_rate()},
        )

    def _draw_validation(self, stars: TokenTable, device: torch.device) -> list[Batch]:
        """Draw the validation tasks once: the same for every network, seed and length of training."""
        few = stars.rows(slice(0, _VALIDATION_STARS))
        values, errors = (torch.from_numpy(array).to(device) for array in self.standard.apply(few))
        settings = SamplerSettings(batch=min(512, len(few)))
        sampler = Sampler(values, errors, self.vocabulary, settings, _VALIDATION_SEED)
        return [sampler.draw() for _ in range(max(1, len(few) // settings.batch))]

    def _refuse_nan(self, loss: float) -> None:
        if np.isfinite(loss):
            return
        answer_of = self.trainer.network.weight.weight.detach().isnan().any(1).nonzero().flatten().tolist()
        names = [self.vocabulary.names[i - 1] for i in answer_of if i > 0][:5] or ["none in particular"]
        raise StellarError(
            f"the loss became NaN at step {self.trainer.step_number} (tokens: {', '.join(names)}); the last good checkpoint "
            f"is kept in {self.folder / CHECKPOINT}; train with a smaller learning rate"
        )


def _fingerprint(table: TokenTable, vocabulary: Vocabulary, network: NetworkConfig, settings: TrainingSettings) -> str:
    """Return a key for everything that a checkpoint must agree with; how often one looks is not part of it."""
    digest = hashlib.sha256()
    for array in (table.ids, table.values, table.errors):
        digest.update(np.ascontiguousarray(array).tobytes())
    same = replace(settings, validate_every=0, checkpoint_every=0, patience=0)
    digest.update(json.dumps([vocabulary.fingerprint, asdict(network), asdict(same)]).encode())
    return digest.hexdigest()[:16]


@contextmanager
def _on_terminate(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM ask for a checkpoint instead of ending at once; only the main thread may."""
    try:
        before = signal.signal(signal.SIGTERM, lambda *_: stop())
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
