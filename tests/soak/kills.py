"""Kill every stage at every kind of write that it makes, and see that the next run ends as if nothing had happened.

    python -m tests.soak.kills --kills 100

Each stage is run once unbroken while a library in front of the C library writes down every call that creates, writes, flushes,
renames or removes a file of the home: those of Python, DuckDB, Arrow, safetensors and sqlite alike. Then it is killed at each
kind of call once, before and after it in turn, and at others evenly spread; run again, it must end with the same content and
the same files. Needs a C compiler.
"""

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from tests.soak.home import STAGES, Place, State, import_all, in_fork, kind, make_reference, preload, run_stage

_ORDER = ("rename", "symlink", "write", "unlink", "create", "rmdir", "mkdir", "fsync")
"""Which kinds of calls come first where there is not time for all: what makes something visible."""


def point(call: str) -> str:
    """Return the place in the code that a call comes from, as far as its path tells: pages and results are one each."""
    return re.sub(r"\b(docs|results)/.+", r"\1/*", kind(call))


def choose(calls: list[str], number: int) -> list[int]:
    """Return the numbers of calls to kill at, from 1: the first of each kind, renames and writes before the rest, then others
    evenly spread.
    """
    first: dict[str, int] = {}
    for place, call in enumerate(calls, 1):
        first.setdefault(point(call), place)
    kinds = sorted(first.values(), key=lambda place: (_ORDER.index(calls[place - 1].partition(" ")[0]), place))
    spread = [1 + round(i * (len(calls) - 1) / max(1, number - 1)) for i in range(number)]
    return list(dict.fromkeys([*kinds, *spread]))


def plan(calls: dict[str, list[str]], stages: Sequence[str], number: int) -> list[tuple[str, int]]:
    """Return stage and call of each kill, the stages in turn."""
    chosen = {stage: choose(calls[stage], number) for stage in stages}
    turns = [
        (stage, places[turn])
        for turn in range(max(map(len, chosen.values())))
        for stage, places in chosen.items()
        if turn < len(places)
    ]
    return turns[:number]


def kill_at(place: Place, stage: str, number: int, *, after: bool, whole: State) -> str:
    """Kill a stage at a call and run it again; return what is wrong then, "" if nothing."""
    place.restore(f"before-{stage}")

    def work() -> None:
        run_stage(stage, place.home)

    killed = in_fork(work, home=place.path, kill=number, after=after)
    if killed.status != -9:
        return f"was not killed but ended with {killed.status}: {killed.sentence}"
    again = in_fork(work, home=place.path)
    if again.status:
        return f"could not go on: {again.sentence}"
    return whole.difference(State.of(place.path))


def main() -> None:
    """Run the kills and print a line for each that failed, and a table of how many there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="kills in all")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long; what was left out is said")
    options = parser.parse_args()
    preload()
    import_all()
    place, started, bad = Place(Path(mkdtemp(prefix="stellarfm-soak-"))), time.monotonic(), 0
    try:
        states, calls = make_reference(place)
        print(f"unbroken: {time.monotonic() - started:.0f} s")
        stages, hit = options.stage or STAGES, {stage: [] for stage in STAGES}
        for turn, (stage, number) in enumerate(plan(calls, stages, options.kills)):
            if time.monotonic() - started > 60 * options.minutes:
                break
            fault = kill_at(place, stage, number, after=turn // len(stages) % 2 == 1, whole=states[stage])
            hit[stage].append((point(calls[stage][number - 1]), fault))
            if fault:
                print(f"  {stage}: killed at call {number} ({calls[stage][number - 1]}): {fault}", flush=True)
        for stage in stages:
            kinds, reached = {point(call) for call in calls[stage]}, {kind for kind, _ in hit[stage]}
            wrong = sum(bool(fault) for _, fault in hit[stage])
            bad += wrong
            left = sorted(kinds - reached)
            print(
                f"{stage:<9} {len(calls[stage]):>6} calls of {len(kinds):>3} kinds, {len(hit[stage]):>4} kills at "
                f"{len(reached):>3} kinds, {wrong} wrong" + (f"; not reached: {', '.join(left)}" if left else ""),
                flush=True,
            )
    finally:
        place.close()
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
