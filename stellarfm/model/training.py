"""A whole training: from a table of stars to a model folder, stopped and taken up again at any step."""

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stellarfm.errors import StellarError
from stellarfm.model.checkpoint import (
    CHECKPOINTS,
    load_checkpoint,
    pack,
    random_state,
    restore_random_state,
    save_checkpoint,
    save_model,
    unpack,
)
from stellarfm.model.device import choose_device
from stellarfm.model.distributed import ProcessGroup, local_device
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.optimiser import CHECK_EVERY, Trainer
from stellarfm.model.plan import TrainingPlan, plan
from stellarfm.model.presets import TrainingSettings
from stellarfm.model.rows import Rows
from stellarfm.model.sampler import Batch, Sampler, SamplerSettings
from stellarfm.model.scaling import RobustScaler, refuse_bad_numbers
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary

MODEL = "model"
# one seed and one way to draw for every training, so that validation losses of different networks can be compared
_VALIDATION_SEED = 20_080_331
_VALIDATION_STARS = 4096
_VALIDATION = SamplerSettings(requests=8, max_context=64, full_share=0.5, copy_share=0.0, label_share=0.5)


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is.

    Attributes
    ----------
    step, total_steps
        Steps taken, and steps in all.
    loss
        Mean loss of the steps since the last validation.
    targets_per_s
        Requests answered a second, counted from the first report on.
    """

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
        (step, training loss, validation loss) of each validation.
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
    keep_ids: bool = True,
    on_plan: Callable[[TrainingPlan], None] | None = None,
    on_progress: Report | None = None,
    log: Log | None = None,
    tell: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Train a model, going on from a checkpoint in the folder if there is one.

    Started by ``torchrun``, several processes train together; the first writes the files and reports.

    Parameters
    ----------
    table, validation
        Stars to learn from, and others to watch the loss on; either may be memory-mapped.
    vocabulary
        Tokens of both.
    network, settings
        What is trained, and how.
    folder
        Gets ``checkpoints/`` while training and ``model/`` at its end.
    device
        ``auto``, ``cpu`` or ``cuda``.
    keep_ids
        Whether the model folder keeps the identifiers of the stars to learn from.
    on_plan
        Called once with what the training will take, before its first step.
    on_progress, log
        Called now and then with progress, and at each validation with its step and figures by name.
    tell
        Called with a sentence about a checkpoint that is damaged and was removed.

    Returns
    -------
    TrainingResult
        The model folder holds the running average of the weights, if one is kept.

    Raises
    ------
    StellarError
        If the numbers are no measurements, the checkpoint is of something else, the disk is full, or the loss is NaN.
    SystemExit
        With code 143 (128 + 15, as shells report SIGTERM) after a SIGTERM, when the checkpoint is written.
    """
    for stars in (table, validation):
        refuse_bad_numbers(stars, vocabulary)
    run = _Run(table, validation, vocabulary, network, settings, folder, local_device(choose_device(device)))
    run.resume(tell or _ignore)
    if on_plan is not None and run.processes.is_main:
        on_plan(plan(run.trainer, sum(int(np.isfinite(block.values).sum()) for block in table.blocks())))
    with _on_terminate(run.stop):
        run.loop(on_progress or _ignore, log or _ignore)
    return run.finish(np.asarray(table.ids) if keep_ids else None)


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
        self.settings, self.folder, self.vocabulary = settings, folder, vocabulary
        self.processes = ProcessGroup.join(device)
        self.scaler = RobustScaler.of(table)
        torch.manual_seed(settings.seed)  # all processes begin with the same weights
        model = StarNetwork(network, len(vocabulary)).to(device)
        torch.manual_seed(settings.seed + self.processes.rank)  # each process drops other activations
        rows = Rows(table, self.scaler, device, settings.sampler.hold)
        sampler = Sampler(rows, vocabulary, settings.sampler, settings.seed)
        self.trainer = Trainer(model, sampler, settings.optimiser, settings.max_steps, self.processes)
        self.tasks = validation_tasks(validation, self.scaler, vocabulary, device)
        self.fingerprint = _fingerprint(table, vocabulary, network, settings)
        self.history: list[tuple[int, float, float]] = []
        self.loss_sum = torch.zeros(2, dtype=torch.float64)  # sum of losses, and steps, since the last validation
        self.stopped = False

    def stop(self) -> None:
        """Ask for a checkpoint and an end."""
        self.stopped = True

    def loop(self, report: Report, log: Log) -> None:
        """Step until the end, an early stop or a request to stop."""
        settings, trainer = self.settings, self.trainer
        clock = _Clock(settings.sampler.batch * settings.sampler.requests)
        losses: list[Tensor] = []
        # on a GPU a loss is read now and then, for each reading waits for all steps before it; on a CPU it is there
        every = 1 if trainer.device.type == "cpu" else CHECK_EVERY
        while trainer.step_number < settings.max_steps and not self._is_over():
            losses.append(trainer.step())
            step = trainer.step_number
            is_last = step == settings.max_steps
            validates, saves = step % settings.validate_every == 0, step % settings.checkpoint_every == 0
            if not (is_last or validates or saves or step % every == 0):
                continue
            self._add_up(losses)
            # agreed on by all: a process that stopped alone would leave the others waiting for its gradients
            stops = self.processes.any(self.stopped, trainer.device)
            if self.processes.is_main and (step % CHECK_EVERY == 0 or is_last):
                loss = float(self.loss_sum[0] / self.loss_sum[1])
                report(TrainingProgress(step, settings.max_steps, loss, clock.rate(step)))
            if validates or is_last:
                self._validate(log)
            if saves or is_last or stops:  # after the validation, which is part of the checkpoint
                self.checkpoint()
            if stops:
                raise SystemExit(143)

    def checkpoint(self) -> None:
        """Write everything that the next step depends on."""
        trainer = self.trainer
        if not trainer.is_finite():  # the last good checkpoint is worth more than a new one of NaN
            self._refuse_nan()
        if not self.processes.is_main:
            return
        optimiser = trainer.optimiser.state_dict()["state"]
        # safetensors holds tensors by name and nothing nested: parameter 3's first moment is "3.exp_avg"
        moments = {f"{i}.{name}": tensor for i, state in optimiser.items() for name, tensor in state.items()}
        tensors = (
            pack("network", trainer.network.state_dict())
            | pack("average", {str(i): tensor for i, tensor in enumerate(trainer.average)})
            | pack("optimiser", moments)
            | pack("sampler", trainer.sampler.state())
            | pack("random", random_state())
            | {"loss_sum": self.loss_sum}
        )
        state = {"fingerprint": self.fingerprint, "step": trainer.step_number, "history": self.history}
        save_checkpoint(self.folder / CHECKPOINTS, trainer.step_number, state, tensors)

    def resume(self, tell: Callable[[str], None]) -> None:
        """Go on from the newest checkpoint in the folder, if there is one."""
        found = load_checkpoint(self.folder / CHECKPOINTS, self.fingerprint, tell)
        if found is None:
            return
        state, tensors = found
        trainer = self.trainer
        trainer.network.load_state_dict(unpack("network", tensors))
        for place, tensor in unpack("average", tensors).items():
            trainer.average[int(place)].copy_(tensor)
        optimiser = trainer.optimiser.state_dict()
        for name, tensor in unpack("optimiser", tensors).items():
            place, key = name.split(".")
            optimiser["state"].setdefault(int(place), {})[key] = tensor
        trainer.optimiser.load_state_dict(optimiser)
        trainer.sampler.restore(unpack("sampler", tensors))
        trainer.step_number = state["step"]
        self.history = [tuple(record) for record in state["history"]]
        self.loss_sum = tensors["loss_sum"]
        if self.processes.is_main:
            restore_random_state(unpack("random", tensors))
        else:  # only the first process's generator is in the file; without dropout none is used
            torch.manual_seed(self.settings.seed + self.processes.rank + trainer.step_number)

    def finish(self, training_ids: NDArray[np.int64] | None) -> TrainingResult:
        """Write the model folder, with the identifiers of the stars that were learned from."""
        target = self.folder / MODEL
        self.trainer.swap_average()
        if self.processes.is_main:
            save_model(target, self.trainer.network, self.vocabulary, self.scaler, training_ids=training_ids)
        self.processes.wait()
        best = min((record[2] for record in self.history), default=float("nan"))
        return TrainingResult(target, self.trainer.step_number, best, tuple(self.history))

    def _is_over(self) -> bool:
        """Whether the validation loss has not improved for as many validations as the patience allows."""
        patience = self.settings.patience
        losses = [record[2] for record in self.history]
        return bool(patience) and len(losses) > patience and min(losses[-patience:]) > min(losses[:-patience])

    def _add_up(self, losses: list[Tensor]) -> None:
        """Add up the losses since the last reading, and refuse to go on if one is not a number."""
        total = float(torch.stack(losses).double().sum())
        if not np.isfinite(total):
            self._refuse_nan()
        self.loss_sum += torch.tensor([total, len(losses)])
        losses.clear()

    def _validate(self, log: Log) -> None:
        """Measure the loss of the fixed tasks with the weights that would be kept: the running average, if there is one."""
        trainer, step = self.trainer, self.trainer.step_number
        trainer.swap_average()
        loss = trainer.validation_loss(self.tasks)
        trainer.swap_average()
        training_loss = float(self.loss_sum[0] / self.loss_sum[1].clamp_min(1))
        self.loss_sum = torch.zeros_like(self.loss_sum)
        self.history.append((step, training_loss, loss))
        if self.processes.is_main:
            rate = trainer.learning_rate()
            log(step, {"loss": training_loss, "validation_loss": loss, "learning_rate": rate})

    def _refuse_nan(self) -> None:
        names = ", ".join(extreme_tokens([b for batches in self.trainer.recent for b in batches], self.vocabulary))
        raise StellarError(
            f"the loss is no longer a number at step {self.trainer.step_number} (farthest from their usual range: "
            f"{names}); the last good checkpoint is kept in {self.folder / CHECKPOINTS}; "
            "mend those values or train with a smaller learning rate"
        )


def validation_tasks(
    stars: TokenTable, scaler: RobustScaler, vocabulary: Vocabulary, device: torch.device
) -> list[Batch]:
    """Draw the tasks that a training is watched by: the same for every network, seed and length of training.

    Parameters
    ----------
    stars
        Validation stars, of which the first few thousand are used.
    scaler, vocabulary
        Scale and names of their T tokens.
    device
        Where the tasks are held.

    Returns
    -------
    list of Batch
        Contexts (B, L) and requests (B, K).
    """
    few = stars.rows(slice(0, _VALIDATION_STARS))
    settings = replace(_VALIDATION, batch=min(_VALIDATION.batch, len(few)))
    sampler = Sampler(Rows(few, scaler, device, len(few)), vocabulary, settings, _VALIDATION_SEED)
    return [batch for _ in range(max(1, len(few) // settings.batch)) for batch in sampler.draw()]


def extreme_tokens(batches: list[Batch], vocabulary: Vocabulary, limit: int = 3) -> list[str]:
    """Return the `limit` tokens with the largest standardised values, shown (B, L) or asked (B, K): name and value of each."""
    largest = np.zeros(len(vocabulary) + 1)
    for batch in batches:
        for ids, values in ((batch.ids, batch.values), (batch.requests, batch.targets)):
            size = values.double().abs().nan_to_num(nan=np.inf, posinf=np.inf).cpu().numpy()
            np.maximum.at(largest, ids.cpu().numpy(), size)
    largest[0] = -1  # padding is no token
    order = np.argsort(-largest, kind="stable")[:limit]
    return [f"{vocabulary.names[i - 1]} at {largest[i]:.3g} widths" for i in order if largest[i] > 0]


class _Clock:
    """Targets a second since it was made."""

    def __init__(self, targets_per_step: int) -> None:
        self.targets_per_step = targets_per_step
        self.started = time.monotonic()
        self.first: int | None = None

    def rate(self, step: int) -> float:
        """Return the rate up to a step, 0 at the first, from which time is taken: it may have compiled."""
        if self.first is None:
            self.started, self.first = time.monotonic(), step
            return 0.0
        return (step - self.first) * self.targets_per_step / max(1e-9, time.monotonic() - self.started)


def _fingerprint(table: TokenTable, vocabulary: Vocabulary, network: NetworkConfig, settings: TrainingSettings) -> str:
    """Return a key for everything that a checkpoint must agree with; how often one validates or saves is not part of it."""
    digest = hashlib.sha256()
    for block in table.blocks():
        for array in (block.ids, block.values, block.errors):
            digest.update(np.ascontiguousarray(array).tobytes())
    same = replace(settings, validate_every=0, checkpoint_every=0, patience=0)
    digest.update(json.dumps([vocabulary.fingerprint, asdict(network), asdict(same)]).encode())
    return digest.hexdigest()[:16]


@contextmanager
def _on_terminate(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM ask for a checkpoint instead of ending at once; Python allows it in the main thread only."""
    try:
        before = signal.signal(signal.SIGTERM, lambda *_: stop())
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _ignore(*_: object) -> None:
    """Do nothing with a report that nobody asked for."""
