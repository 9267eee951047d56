"""Every way an archive can fail, at requests drawn at random: what becomes of the landing.

Run with ``python -m tests.benchmarks.faults --seeds 20`` where the archive server is installed
(deployment/archive-server/README.md). For each kind of fault and each seed a landing is filled once with the fault, and
once more if it stopped. A run must end complete and equal to one without a fault, or with one sentence and a landing that
the next run completes; it must end within its deadline.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tenacity import Retrying, stop_after_delay, wait_fixed

from stellarfm.archives import simulated
from stellarfm.errors import StellarError
from stellarfm.landing.parts import Landing
from tests.archive_server import ArchiveServer, why_not
from tests.benchmarks.records import print_table, write_record
from tests.stellarfm.archives.loopback import differences, fetch, settings_of

KINDS: dict[str, dict[str, Any]] = {
    "status 500": {"kind": "status", "arg": 500},
    "status 503": {"kind": "status", "arg": 503},
    "reset": {"kind": "reset"},
    "refused for 2 s": {"kind": "refuse", "arg": 2},
    "killed in the body": {"kind": "kill"},
    "shorter than its length": {"kind": "truncate"},
    "cut, valid HTTP": {"kind": "cut"},
    "maintenance page": {"kind": "garbage"},
    "rows missing": {"kind": "drop_rows"},
    "row limit": {"kind": "limit"},
    "error of a job": {"kind": "error", "arg": "out of memory"},
    "silence": {"kind": "silence", "arg": 60},
    "503 from then on": {"kind": "status", "arg": 503, "n": 10_000},
    "silence from then on": {"kind": "silence", "arg": 60, "n": 10_000},
}
NUM_STARS = 400
RETRY = {
    "attempts": 3,
    "wait_s": 0.05,
    "timeout_s": 3,
    "deadline_s": 20,
    "spectra_per_part": 150,
}
LONGEST_RUN_S = 120.0


def main() -> None:
    """Fill landings, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="draws of the request that fails, for each kind")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(reason)
    server = ArchiveServer()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        rows = measure(server, Path(folder), options.seeds)
    if options.record:
        write_record(options.record, "faults", rows)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)


def measure(server: ArchiveServer, folder: Path, seeds: int) -> list[dict[str, Any]]:
    """Return, for each kind of fault, how the runs ended."""
    served = Landing(folder / "served", f"simulated-{NUM_STARS}-seed7")
    simulated.fetch(served, NUM_STARS, 7)
    server.load(served.folder)
    server.clear()
    settings = settings_of(server, retry=RETRY)
    right = fetch(settings, folder / "right")
    requests = len(server.log())
    rows = []
    for name, fault in KINDS.items():
        ended: Counter[str] = Counter()
        longest = 0.0
        for seed in range(seeds):
            skip = random.Random(f"{name} {seed}").randrange(requests)
            outcome, seconds = _run(server, settings, folder / f"{name} {seed}", fault | {"skip": skip}, right)
            ended[outcome] += 1
            longest = max(longest, seconds)
            print(f"{name}, seed {seed}, request {skip}: {outcome}, {seconds:.1f} s", file=sys.stderr)
        rows.append({
            "fault": name, "runs": seeds, "complete_and_equal": ended["complete"], "one_sentence_then_complete": ended["stopped"],
            "wrong": seeds - ended["complete"] - ended["stopped"], "longest_s": round(longest, 1),
        })  # fmt: skip
    return rows


def _run(server: ArchiveServer, settings: Any, root: Path, fault: dict[str, Any], right: Landing) -> tuple[str, float]:
    """Fill a landing with a fault; return how it ended, and after how long."""
    server.clear()
    server.fault(**fault)
    started = time.monotonic()
    outcome = "complete"
    try:
        landing = fetch(settings, root)
    except StellarError as error:
        outcome = "stopped" if "\n" not in str(error) else "wrong: more than a sentence"
    except Exception as error:  # noqa: BLE001  whatever else a person would see is wrong
        outcome = f"wrong: {type(error).__name__}"
    seconds = time.monotonic() - started
    Retrying(stop=stop_after_delay(20), wait=wait_fixed(0.2), reraise=True)(server.clear)  # it may refuse to be reached
    if outcome != "complete" or not _is_equal(landing, right):
        landing = fetch(settings, root)  # what is missing is asked for once more
        outcome = outcome.replace("complete", "stopped")
    if not _is_equal(landing, right):
        outcome = "wrong: not equal"
    return outcome if seconds < LONGEST_RUN_S else "wrong: past its deadline", seconds


def _is_equal(landing: Landing, right: Landing) -> bool:
    return landing.rows() == right.rows() and not any(differences(landing, right).values())


if __name__ == "__main__":
    main()
