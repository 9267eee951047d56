"""Flip a byte in each kind of file that a home has, and cut each JSON and each database short: nothing of it is used silently.

    python -m tests.soak.damage --places 3 --cuts 5

For every kind of file one is damaged, then every stage is run again and the home is read as people read it. What counts as used
silently: another content, or another answer, without a word about the file. A file that nothing reads is listed as such.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from stellarfm.home import Home
from tests.soak.home import STAGES, Place, State, import_all, in_fork, kind, make_reference, preload, run_stage

_CUT = (".json", ".jsonl", ".db", ".duckdb", ".parquet", ".safetensors", "SHA256SUMS")
_NOT_OURS = (".lock",)


def use(home: Home) -> None:
    """Run all stages again, and read the home as people do."""
    for stage in STAGES:
        run_stage(stage, home)
    read(home)


def read(home: Home) -> None:
    """Read a home without changing it: versions, model, catalogue, checks."""
    from stellarfm.catalog.reader import open_catalog
    from stellarfm.checks.failing import failing_rows, tables_with_rows
    from stellarfm.interface import open_model
    from stellarfm.registry import Registry
    from stellarfm.stages.prepare import checks_of

    Registry(home).versions()
    open_model("champion", home=home.path, device="cpu")
    open_catalog(home.path).query("select sum(hash(stars)) from stars").fetchall()
    for table in tables_with_rows(checks_of(home)):
        failing_rows(checks_of(home), table)


def judge(place: Place, file: Path, content: bytes, whole: State, *, reads_only: bool) -> str:
    """Damage a file, use the home, and return what became of it."""
    place.restore("after-publish")
    file.write_bytes(content)
    done = in_fork(lambda: read(place.home) if reads_only else use(place.home), home=place.path)
    said = "damaged" in done.said or "not a valid" in done.said
    if done.status == 1 and done.sentence.startswith("stellarfm: ") and "unexpected" not in done.sentence:
        return "said"
    if done.status:
        return f"FAILED {done.status}: {done.sentence}"
    difference = whole.difference(State.of(place.path)) if not reads_only else ""
    if difference:
        return f"said, but {difference}" if said else f"SILENT: {difference}"
    if said:
        return "healed"
    return "not used" if file.is_file() and file.read_bytes() == content else "made anew"


def kinds_of(path: Path) -> dict[str, Path]:
    """Return one file of each kind, the largest."""
    found: dict[str, Path] = {}
    for file in sorted(
        (p for p in path.rglob("*") if p.is_file() and not p.is_symlink()), key=lambda p: p.stat().st_size
    ):
        if file.name not in _NOT_OURS and file.stat().st_size:
            # the pages and results of one check are of one kind each
            found[re.sub(r"\b(docs|results)/.+", r"\1/*", kind(str(file.relative_to(path))))] = file
    return found


def damages(file: Path, content: bytes, places: int, cuts: int) -> Iterator[tuple[str, bytes]]:
    """Yield what a file may become."""
    size = len(content)
    for turn in range(places):
        at = min(size - 1, round((turn + 0.5) / places * size))
        yield f"flipped at {at}", content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    if file.name.endswith(_CUT):
        for turn in range(cuts):
            yield f"cut to {turn}/{cuts}", content[: turn * size // cuts]


def main() -> None:
    """Damage file by file; print a line for each kind, and all that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=3, help="bytes to flip in each kind of file")
    parser.add_argument("--cuts", type=int, default=5, help="lengths to cut each JSON and database to")
    parser.add_argument("--only", default="", help="only kinds with these letters in them")
    parser.add_argument("--reads-only", action="store_true", help="run no stage: only read the home")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long; what was left out is said")
    options = parser.parse_args()
    preload()
    import_all()
    place, started, bad, left = Place(Path(mkdtemp(prefix="stellarfm-soak-"))), time.monotonic(), 0, 0
    try:
        states, _ = make_reference(place)
        files = {name: file for name, file in kinds_of(place.path).items() if options.only in name}
        print(f"{len(files)} kinds of files; unbroken: {time.monotonic() - started:.0f} s", flush=True)
        for name, file in files.items():
            place.restore("after-publish")
            content, ends = file.read_bytes(), Counter[str]()
            for what, damaged in damages(file, content, options.places, options.cuts):
                if time.monotonic() - started > 60 * options.minutes:
                    left += 1
                    continue
                end = judge(place, file, damaged, states["publish"], reads_only=options.reads_only)
                ends[end.split(" ")[0].rstrip(":,")] += 1
                if end.startswith(("FAILED", "SILENT", "said,")):
                    bad += not end.startswith("said,")
                    print(f"  {name} {what}: {end}", flush=True)
            print(f"{name:<90} {', '.join(f'{n} {end}' for end, n in ends.items())}", flush=True)
    finally:
        place.close()
    print(f"{bad} used silently or failed, {left} left out")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
