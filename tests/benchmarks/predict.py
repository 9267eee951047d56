"""How fast the model answers: 3 labels and 110 coefficients from 64 known tokens, beside the published design.

Run with ``python -m tests.benchmarks.predict --device cpu``; it needs torch and numpy alone.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stellarfm.model.device import choose_device
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import PRESETS, StarNetwork
from stellarfm.model.plan import peak_memory_mb
from stellarfm.model.scaling import RobustScaler
from stellarfm.model.token_table import TokenTable
from tests.benchmarks.published_design import PublishedDesign, answer
from tests.benchmarks.stars import in_a_process, vocabulary

NAMES = ("published", "paper", "default", "small")
INPUTS = 64
LABELS = ("teff", "logg", "m_h")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--presets", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--stars", type=int, default=4096, help="stars of each call")
    parser.add_argument("--seconds", type=float, default=5.0, help="of measurement for each preset")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    rows = [
        in_a_process(measure, name, requests, precision, options)
        for requests in (3, 110)
        for name in options.presets
        for precision in (("float32",) if name == "published" else ("float32", "bfloat16"))
    ]
    if options.record:
        from tests.benchmarks.records import write_record

        write_record(options.record, f"predict-{options.device}", rows)
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        from tests.benchmarks.records import print_table

        print_table(rows)


def measure(name: str, requests: int, precision: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one preset at one kind of request."""
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    words = vocabulary()
    asked = LABELS if requests == len(LABELS) else words.names[:requests]
    stars = options.stars if name != "published" or requests == 3 else max(1, options.stars // 16)
    torch.manual_seed(7)
    table = _stars(stars, len(words))
    if name == "published":
        network = PublishedDesign(len(words)).to(device)
        ids = torch.arange(1, INPUTS + 1, device=device).expand(stars, -1)
        values = torch.from_numpy(table.values[:, :INPUTS]).to(device)
        places = [words.index(word) + 1 for word in asked]

        def call() -> object:
            return answer(network, ids, values, places)
    else:
        ones = np.ones(len(words), np.float32)
        shape = StarNetwork(PRESETS[name], len(words))
        half = precision == "bfloat16"
        model = FoundationModel(shape, words, RobustScaler(0 * ones, ones), str(device), bfloat16=half)

        def call() -> object:
            return model.predict(table, asked)

    seconds = _seconds(call, options.seconds)
    return {
        "preset": name,
        "device": device.type,
        "batch": stars,
        "requests": requests,
        "precision": precision,
        "stars_per_s": round(stars / seconds, 1),
        "targets_per_s": round(stars * requests / seconds, 1),
        "peak_memory_mb": round(peak_memory_mb(device)),
    }


def _stars(number: int, tokens: int) -> TokenTable:
    values = np.full((number, tokens), np.nan, np.float32)
    values[:, :INPUTS] = np.random.default_rng(7).normal(size=(number, INPUTS))
    return TokenTable(np.arange(number), values, np.zeros_like(values))


def _seconds(call: Any, seconds: float) -> float:
    """Return the time of a call, after one that is not counted."""
    call()
    started, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - started < seconds:
        call()
        calls += 1
    return (time.perf_counter() - started) / calls


if __name__ == "__main__":
    main()
