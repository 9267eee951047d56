"""Let the disk be full at many sizes in every stage: one sentence, nothing half-written, and on with more room.

    python -m tests.soak.full_disk --sizes 20

The home is a file system in memory, made small before a stage: from what is taken already to what the stage takes at most. Root
alone can mount it.
"""

import argparse
import time
from pathlib import Path
from tempfile import mkdtemp

from tests.soak.home import SIZE_MB, STAGES, Place, State, import_all, in_fork, make_reference, preload, run_stage

_PAGE = 4096


def fill(place: Place, stage: str, room: int, whole: State) -> str:
    """Run a stage with little room, then with enough, and return "done", "said", or what is wrong."""
    place.restore(f"before-{stage}")

    def work() -> None:
        run_stage(stage, place.home)

    place.resize(place.used_bytes() + max(_PAGE, room // _PAGE * _PAGE))
    starved = in_fork(work, home=place.path)
    place.resize(SIZE_MB << 20)
    if starved.status and not (starved.sentence.startswith("stellarfm: ") and "unexpected" not in starved.sentence):
        return f"ended with {starved.status}: {starved.sentence}"
    again = in_fork(work, home=place.path)
    if again.status:
        return f"could not go on after {starved.sentence!r}: {again.sentence}"
    difference = whole.difference(State.of(place.path))
    return difference or ("said" if starved.status else "done")


def main() -> None:
    """Fill the disk and print a line for each size that went wrong, and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, default=20, help="sizes for each stage")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long; what was left out is said")
    options = parser.parse_args()
    preload()
    import_all()
    place, started, bad = Place(Path(mkdtemp(prefix="stellarfm-soak-"))), time.monotonic(), 0
    try:
        if not place.is_mounted:
            raise SystemExit("only root can mount a small file system")
        states, _ = make_reference(place)
        for stage in options.stage or STAGES:
            place.restore(f"before-{stage}")
            before = place.used_bytes()
            place.restore(f"after-{stage}")
            # while it works a stage takes more than it leaves
            most, ends = max(1 << 20, round(1.5 * (place.used_bytes() - before))), dict.fromkeys(("said", "done"), 0)
            for turn in range(options.sizes):
                if time.monotonic() - started > 60 * options.minutes:
                    break
                end = fill(place, stage, round(turn * most / options.sizes), states[stage])
                if end in ends:
                    ends[end] += 1
                else:
                    bad += 1
                    print(f"  {stage} with {turn}/{options.sizes} of {most:,} bytes: {end}", flush=True)
            print(f"{stage:<9} room to {most:>11,} bytes: {ends['said']} said, {ends['done']} fitted", flush=True)
    finally:
        place.close()
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
