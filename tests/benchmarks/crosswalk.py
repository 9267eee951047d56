"""From the identifiers of one release to those of another, at 2 million pairs.

usage: python -m tests.benchmarks.crosswalk [--pairs N] [--json] [--record FOLDER]

Ranks the pairs from either side, and finds what each source was and is, and its split, on two threads. The seconds of the
processors are given beside those of the clock, as a machine that is shared slows the clock alone.
"""

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from stellarfm.resources import read_sql
from stellarfm.rules import install_rules
from stellarfm.surveys.selection import choose_surveys
from tests.benchmarks.records import print_table, write_record

_STEPS = {
    "rank pairs": f"create table crossmatch.crosswalk_pairs as {read_sql('crossmatch/crosswalk_pairs')}",
    "what each was": f"create table crossmatch.earlier_sources as {read_sql('crossmatch/earlier_sources')}",
    "where each is": f"create table crossmatch.later_sources as {read_sql('crossmatch/later_sources')}",
    "split": "create table split as select split_of_star(source_id, earlier_source_ids) as split from crossmatch.earlier_sources",
}


def pairs_of(number: int) -> pa.Table:
    """Return that many pairs, of which 2 in 100 are second neighbours of a source."""
    rng = np.random.default_rng(20261202)
    more = number // 50
    stars = number - more
    pixel = rng.integers(0, 12 * 4**12, stars) << 35
    earlier, later = (pixel | (rng.permutation(1 << 26)[:stars].astype(np.int64) << 4) for _ in range(2))
    second = rng.integers(0, stars, (2, more))
    return pa.table(
        {
            "source_id": np.concatenate([later, later[second[0]]]),
            "earlier_source_id": np.concatenate([earlier, earlier[second[1]]]),
            "angular_distance": pa.array(rng.gamma(2, 1, number), pa.float32()),
            "magnitude_difference": pa.array(rng.normal(0, 0.1, number), pa.float32()),
            "probable_match": np.arange(number) < stars,
        }
    )


def measure(number: int) -> list[dict[str, Any]]:
    """Return seconds of each step, of the clock and of the processors."""
    rows: list[dict[str, Any]] = []
    with duckdb.connect() as con:
        con.execute("set threads = 2")
        install_rules(con, choose_surveys("Gaia DR4"))
        con.register("given", pairs_of(number))
        con.execute("create schema staging; create table staging.crosswalk as from given; create schema crossmatch")
        for step, statement in _STEPS.items():
            before, started = _processors_s(), time.perf_counter()
            con.execute(statement)
            rows.append({"step": step, "clock_s": round(time.perf_counter() - started, 2),
                         "processors_s": round(_processors_s() - before, 2)})  # fmt: skip
    total = {name: round(sum(row[name] for row in rows), 2) for name in ("clock_s", "processors_s")}
    return [*rows, {"step": f"all, {number:,} pairs", **total}]


def _processors_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print, and record where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    rows = measure(options.pairs)
    print(json.dumps(rows)) if options.json else print_table(rows)
    if options.record:
        write_record(options.record, "crosswalk", rows)


if __name__ == "__main__":
    main()
