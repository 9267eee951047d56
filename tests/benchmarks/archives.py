"""How fast archives are read: wide tables by TAP, spectra by DataLink, and in how much memory.

Run with ``python -m tests.benchmarks.archives`` where the archive server is installed (deployment/archive-server/README.md).
The server works on the same machine. `client_rows_per_s` counts the time from the moment that a job is finished: the answer
is brought, unpacked and made a table; `rows_per_s` counts everything, the server's work too.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from stellarfm.archives import simulated, xp
from stellarfm.archives.clients import Clients
from stellarfm.archives.retry import RetryPolicy
from stellarfm.archives.tap import Tap, TapQuery
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.parts import Landing
from tests.archive_server import ArchiveServer, why_not
from tests.benchmarks.records import print_table, write_record
from tests.benchmarks.stars import in_a_process
from tests.stellarfm.archives.loopback import fetch, settings_of


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the wide table")
    parser.add_argument("--stars", type=int, nargs="*", default=(4000, 20_000), help="stars of a whole landing")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(reason)
    server, rows = ArchiveServer(), []
    os.environ["PERF_ROWS"] = str(options.rows)
    with tempfile.TemporaryDirectory(prefix="archives-") as folder:
        for number, stars in enumerate(options.stars):
            served = Landing(Path(folder) / "served", f"simulated-{stars}-seed7")
            simulated.fetch(served, stars, 7)
            server.load(served.folder)
            server.clear()
            if number == 0:
                rows += [in_a_process(read_wide, folder, options.rows), in_a_process(read_spectra, str(served.folder))]
            rows.append(in_a_process(fill, str(Path(folder) / f"landing-{stars}"), stars))
    if options.record:
        write_record(options.record, "archives", rows)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)


def read_wide(folder: str, rows: int) -> dict[str, Any]:
    """Read a table of 131 columns by TAP."""
    tap, jobs = Tap("the archive", ArchiveServer().tap_url, RetryPolicy()), Jobs(Path(folder) / "jobs")
    query = TapQuery("SELECT * FROM perf.wide", rows, rows)
    tap.count("SELECT COUNT(*) AS n FROM perf.wide")
    started = time.perf_counter()
    job = tap._start(query, jobs, "wide")
    tap._wait(job)
    finished = time.perf_counter()
    table = tap.fetch(query, jobs, "wide")
    ended = time.perf_counter()
    return {
        "what": f"TAP, {table.num_columns} columns", "rows": len(table), "seconds": round(ended - started, 2),
        "rows_per_s": round(rows / (ended - started)), "client_rows_per_s": round(rows / (ended - finished)),
        "peak_memory_mb": _peak_memory_mb(),
    }  # fmt: skip


def read_spectra(landing: str) -> dict[str, Any]:
    """Read spectra by DataLink, 2000 at a time."""
    ids = np.concatenate([
        pq.read_table(file, columns=["source_id"])["source_id"].to_numpy()
        for file in sorted((Path(landing) / xp.TABLE).glob("*.parquet"))
    ])  # fmt: skip
    link = Clients(settings_of(ArchiveServer())).data_link
    started = time.perf_counter()
    found = sum(len(link.ask(ids[first : first + 2000])) for first in range(0, len(ids), 2000))
    seconds = time.perf_counter() - started
    return {
        "what": "DataLink, XP spectra", "rows": found, "seconds": round(seconds, 2), "rows_per_s": round(found / seconds),
        "peak_memory_mb": _peak_memory_mb(),
    }  # fmt: skip


def fill(root: str, stars: int) -> dict[str, Any]:
    """Fill a landing with everything."""
    started = time.perf_counter()
    archive, retry = {"rows_per_part": 20_000, "spectra_per_part": 2000}, {"timeout_s": 120, "deadline_s": 600}
    landing = fetch(settings_of(ArchiveServer(), archive=archive, retry=retry), Path(root))
    seconds, rows = time.perf_counter() - started, sum(landing.rows().values())
    return {
        "what": f"a whole landing of {stars:,} stars", "rows": rows, "seconds": round(seconds, 2),
        "rows_per_s": round(rows / seconds), "peak_memory_mb": _peak_memory_mb(),
    }  # fmt: skip


def _peak_memory_mb() -> int:
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
