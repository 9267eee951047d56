"""Kill every stage at every kind of write that it makes, and see that the next run ends as if nothing had happened.

    python -m tests.soak.kills --kills 100

Each stage is run once unbroken while a library in front of the C library writes down every call that creates, writes, flushes,
renames or removes a file of the home: those of Python, DuckDB, Arrow, safetensors and sqlite alike. Then it is killed at each
kind of call once, before and after it in turn, and at others evenly spread; run again, it must end with the same content and
the same files. Needs a C compiler.
"""

import argparse
import time
from pathlib import Path
from tempfile import mkdtemp

from tests.soak.home import STAGES, Place, State, import_all, in_fork, kind, make_reference, preload, run_stage


def choose(calls: list[str], number: int) -> list[int]:
    """Return the numbers of calls to kill at, from 1: the first of each kind, then others evenly spread."""
    first: dict[str, int] = {}
    for place, call in enumerate(calls, 1):
        first.setdefault(kind(call), place)
    chosen = sorted(first.values())
    spread = [1 + round(i * (len(calls) - 1) / max(1, number - 1)) for i in range(number)]
    return sorted({*chosen, *spread[: max(0, number - len(chosen))]})


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
    parser.add_argument("--kills", type=int, default=100, help="kills in all, at the least")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long; what was left out is said")
    options = parser.parse_args()
    preload()
    import_all()
    place, started, bad = Place(Path(mkdtemp(prefix="stellarfm-soak-"))), time.monotonic(), 0
    try:
        states, calls = make_reference(place)
        print(f"unbroken: {time.monotonic() - started:.0f} s")
        for stage in options.stage or STAGES:
            chosen = choose(calls[stage], options.kills // len(STAGES))
            kinds, done, wrong = len({kind(call) for call in calls[stage]}), 0, 0
            for turn, number in enumerate(chosen):
                if time.monotonic() - started > 60 * options.minutes:
                    break
                fault = kill_at(place, stage, number, after=turn % 2 == 1, whole=states[stage])
                done, wrong = done + 1, wrong + bool(fault)
                if fault:
                    when = "after" if turn % 2 else "before"
                    print(f"  {stage}: killed {when} call {number} ({calls[stage][number - 1]}): {fault}", flush=True)
            left = f", {len(chosen) - done} left out" if done < len(chosen) else ""
            print(
                f"{stage:<9} {len(calls[stage]):>6} calls of {kinds:>3} kinds, {done:>4} kills, {wrong} wrong{left}",
                flush=True,
            )
            bad += wrong
    finally:
        place.close()
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
