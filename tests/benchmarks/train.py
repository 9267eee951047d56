"""How fast the model trains: stars and targets a second of each preset, beside the published design.

Run with ``python -m tests.benchmarks.train --device cpu``; it needs torch and numpy alone. `published` is the published
design stated anew, `recipe` the paper's network and sampler in this code, `paper` the paper's network with several
requests a star; `default` and `small` are the other presets.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from stellarfm.model.device import choose_device
from stellarfm.model.network import PRESETS, StarNetwork
from stellarfm.model.optimiser import Trainer
from stellarfm.model.plan import peak_memory_mb
from stellarfm.model.presets import TRAINING_PRESETS, TrainingSettings
from stellarfm.model.rows import Rows
from stellarfm.model.sampler import Sampler, SamplerSettings
from stellarfm.model.scaling import RobustScaler
from tests.benchmarks.published_design import PublishedDesign, training_step
from tests.benchmarks.stars import in_a_process, random_stars, vocabulary

NAMES = ("published", "recipe", "paper", "default", "small")
STARS = 20_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--presets", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--batch", type=int, help="stars of a step; the preset's own if not given")
    parser.add_argument("--seconds", type=float, default=10.0, help="of measurement for each preset")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--compile", action="store_true", help="let torch compile the network (not `published`)")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    rows = [in_a_process(measure, name, options) for name in options.presets]
    if options.record:
        from tests.benchmarks.records import write_record

        write_record(options.record, f"train-{options.device}", rows)
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        from tests.benchmarks.records import print_table

        print_table(rows)


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one preset."""
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    torch.manual_seed(7)
    if name == "published":
        batch, requests, step = _published(device, options.batch or 1024)
    else:
        settings = _settings(name, options)
        batch, requests, step = settings.sampler.batch, settings.sampler.requests, _trainer(name, settings, device).step
    seconds = _seconds_per_step(step, device, options.seconds)
    return {
        "preset": name,
        "device": device.type,
        "batch": batch,
        "stars_per_s": round(batch / seconds, 1),
        "targets_per_s": round(batch * requests / seconds, 1),
        "peak_memory_mb": round(peak_memory_mb(device)),
    }


def _settings(name: str, options: argparse.Namespace) -> TrainingSettings:
    settings = TRAINING_PRESETS["paper" if name == "recipe" else name]
    if name == "paper":  # the same network, asked several things at once
        buckets = 8 if options.device == "cpu" else 2
        settings = replace(settings, sampler=SamplerSettings(batch=1024, requests=16, max_context=64, buckets=buckets))
    if options.batch:
        settings = replace(settings, sampler=replace(settings.sampler, batch=options.batch))
    if options.compile:
        compiled = replace(settings.optimiser, compile=True)
        settings = replace(settings, optimiser=compiled, sampler=replace(settings.sampler, multiple=16))
    return settings


def _trainer(name: str, settings: TrainingSettings, device: torch.device) -> Trainer:
    stars, words = random_stars(max(STARS, 2 * settings.sampler.batch)), vocabulary()
    rows = Rows(stars, RobustScaler.of(stars), device, settings.sampler.hold)
    network = StarNetwork(PRESETS["paper" if name == "recipe" else name], len(words)).to(device)
    return Trainer(network, Sampler(rows, words, settings.sampler, 1), settings.optimiser, settings.max_steps)


def _published(device: torch.device, batch: int) -> tuple[int, int, Any]:
    """Return the step of the published design on batches that are drawn beforehand."""
    trainer = _trainer("recipe", replace(TRAINING_PRESETS["paper"]), device)
    (drawn,) = replace_buckets(trainer.sampler, batch).draw()
    network = PublishedDesign(len(vocabulary())).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
    ids, values = (torch.nn.functional.pad(x, (0, 64 - x.shape[1])) for x in (drawn.ids, drawn.values))
    asked = (x[:, 0] for x in (drawn.requests, drawn.targets, drawn.target_errors))
    arguments = (ids, values, *asked)
    return batch, 1, lambda: training_step(network, optimiser, *arguments)


def replace_buckets(sampler: Sampler, batch: int) -> Sampler:
    """Return a sampler of whole batches."""
    sampler.settings = replace(sampler.settings, buckets=1, batch=batch)
    return sampler


def _seconds_per_step(step: Any, device: torch.device, seconds: float) -> float:
    """Return the time of a step, after one that is not counted (several where kernels are compiled)."""
    for _ in range(1 if device.type == "cpu" else 20):
        step()
    _wait(device)
    started, steps = time.perf_counter(), 0
    while steps < 2 or time.perf_counter() - started < seconds:
        step()
        steps += 1
        if steps % 10 == 0:
            _wait(device)
    _wait(device)
    return (time.perf_counter() - started) / steps


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
