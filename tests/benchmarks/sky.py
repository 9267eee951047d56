"""How fast the simulated sky is made, and in how much memory: simulation, Parquet files and manifests.

Example: python -m tests.benchmarks.sky --num-stars 40000 400000 --json
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stellarfm.archives import simulated
from stellarfm.landing.parts import Landing

_SEED = 7
_PACKAGES = ("numpy", "scipy", "pyarrow", "gaiaxpy")


def measure(num_stars: int, processes: int) -> dict[str, Any]:
    """Write a sky in this process and its children, and return time and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        simulated.fetch(Landing(Path(name), "simulated"), num_stars, _SEED, processes=processes)
        seconds = time.perf_counter() - start
    own, child = (resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "num_stars": num_stars,
        "processes": processes,
        "seconds": round(seconds, 2),
        "stars_per_s": round(num_stars / seconds),
        "peak_memory_mb": round(own + processes * child),
    }


def measure_apart(num_stars: int, processes: int) -> dict[str, Any]:
    """Measure in a fresh process, so that its memory is that of this sky alone."""
    command = [sys.executable, "-m", "tests.benchmarks.sky", "--one", str(num_stars), "--processes", str(processes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def write_record(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Write the figures with date, machine and versions."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%d}-sky.json"
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    versions = {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    record = {
        "benchmark": "sky",
        "measured": f"{now:%Y-%m-%dT%H:%MZ}",
        "machine": machine,
        "versions": versions,
        "figures": rows,
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-stars", type=int, nargs="+", default=[2_000, 40_000, 400_000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print an array of figures")
    parser.add_argument("--record", type=Path, help="folder for a dated record")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.one, options.processes)))
        return
    rows = [measure_apart(num_stars, options.processes) for num_stars in options.num_stars]
    if options.record is not None:
        write_record(options.record, rows)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print("".join(f"{name:>16}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:>16,}" for value in row.values()))


if __name__ == "__main__":
    main()
