"""Crossmatch against astropy and STILTS, each a whole process with its own input and output; growth to 100 million rows.

Run with ``python -m tests.benchmarks.crossmatch``; STILTS is measured if it is on the path.
The tables are made with a fixed seed: a clustered sky with both poles and RA 0, shuffled; four fifths of the right rows are
left stars 16 years earlier, the others strangers. Only stellarfm carries proper motions; the others match positions.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.records import print_table, write_record

ROWS_LEFT, ROWS_RIGHT = 1_000_000, 700_000
GROWTH_ROWS = (1_000_000, 5_000_000, 20_000_000, 100_000_000)
RADIUS_ARCSEC = 3.0

ASTROPY = """
import sys, warnings
warnings.simplefilter("ignore")
import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, hstack
left, right = (Table.read(path, format="parquet") for path in sys.argv[1:3])
a, b = (SkyCoord(t["ra"] * u.deg, t["dec"] * u.deg) for t in (left, right))
index, separation, _ = a.match_to_catalog_sky(b)
near = separation.arcsec <= float(sys.argv[4])
pairs = hstack([left[near], right[index[near]]])
pairs["separation_arcsec"] = separation.arcsec[near]
pairs.write(sys.argv[3], format="parquet", overwrite=True)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--growth", action="store_true", help="1 to 100 million left rows instead of the peers")
    parser.add_argument("--rows", type=int, nargs="*", default=GROWTH_ROWS, help="left rows of --growth")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--row-group-size", type=int, default=1_048_576, help="rows of a Parquet row group")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crossmatch-") as folder:
        rows = measure_growth(Path(folder), options.rows) if options.growth else measure_peers(Path(folder), options)
    if options.record:
        write_record(options.record, "crossmatch-growth" if options.growth else "crossmatch", rows)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)


def measure_peers(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the median time and peak memory of each program on the same tables, in one run, taking turns."""
    _apart(make_tables, folder, options.row_group_size)
    programs = {"stellarfm": (ours(folder / "left.parquet", folder / "right.parquet", folder / "ours.parquet"), "ours.parquet"),
                "astropy": (_astropy(folder), "astropy.parquet")}  # fmt: skip
    if shutil.which("stilts"):
        programs["stilts"] = (_stilts(folder), "stilts.fits")
    else:
        print("stilts is not on the path: it is not measured", file=sys.stderr)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in programs}
    for _ in range(options.repeats):
        for name, (command, output) in programs.items():
            (folder / output).unlink(missing_ok=True)  # some file systems take long to replace a large file
            found[name].append(run(command))
    seconds, cpu, memory = ({name: [run[i] for run in runs] for name, runs in found.items()} for i in range(3))
    return [
        {
            "tool": name,
            "rows_left": ROWS_LEFT,
            "rows_right": ROWS_RIGHT,
            "pairs": _count(folder / programs[name][1]),
            "seconds": round(median(seconds[name]), 3),
            "times_stellarfm": round(median(seconds[name]) / median(seconds["stellarfm"]), 2),
            "core_seconds": round(median(cpu[name]), 3),
            "peak_memory_mb": round(max(memory[name])),
        }
        for name in programs
    ]


def measure_growth(folder: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return time and peak memory of the same right table against ever more left rows."""
    rows = []
    for size in sizes:
        _apart(make_large_tables, folder, size)
        command = ours(folder / "large.parquet", folder / "small.parquet", folder / "ours.parquet")
        seconds, cpu, memory = run(command)
        rows.append({
            "tool": "stellarfm", "rows_left": size, "rows_right": ROWS_RIGHT, "pairs": _count(folder / "ours.parquet"),
            "seconds": round(seconds, 3), "core_seconds": round(cpu, 3), "peak_memory_mb": round(memory),
        })  # fmt: skip
    return rows


def _apart(function: Callable[..., None], *arguments: Any) -> None:
    """Run a function in a process of its own: a program's peak memory counts that of the process that started it."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{function.__name__} failed")


def ours(left: Path, right: Path, target: Path) -> list[str]:
    """Return the command line of stellarfm."""
    start = "from stellarfm.cli import run_process; run_process()"
    options = ["--radius-arcsec", str(RADIUS_ARCSEC), "--left-epoch", "2016", "--right-epoch", "2000", "--json"]
    return [sys.executable, "-c", start, "crossmatch", str(left), str(right), "-o", str(target), *options]


def _astropy(folder: Path) -> list[str]:
    files = [str(folder / name) for name in ("left.parquet", "right.parquet", "astropy.parquet")]
    return [sys.executable, "-c", ASTROPY, *files, str(RADIUS_ARCSEC)]


def _stilts(folder: Path) -> list[str]:
    """STILTS on FITS, which it reads without parsing."""
    return [
        "stilts", "tmatch2", f"in1={folder}/left.fits", f"in2={folder}/right.fits", "matcher=sky", "values1=ra dec",
        "values2=ra dec", f"params={RADIUS_ARCSEC}", "find=best1", f"out={folder}/stilts.fits", "progress=none",
    ]  # fmt: skip


def run(command: list[str]) -> tuple[float, float, float]:
    """Run a program and return its seconds, its seconds of all cores, and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make_tables(folder: Path, row_group_size: int) -> None:
    """Write left and right as Parquet and as FITS."""
    from astropy.table import Table

    rng = np.random.default_rng(20161)
    left = _sky(rng, ROWS_LEFT)
    ra, dec = _angles(left)
    motion = np.where(rng.random(ROWS_LEFT) < 0.001, 1000.0, 8.0)[:, None] * rng.standard_normal((ROWS_LEFT, 2))
    east = np.stack([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0 * ra], axis=1)
    earlier = left - 16 * np.radians(1 / 3.6e6) * (motion[:, :1] * east + motion[:, 1:] * np.cross(left, east))
    chosen = rng.permutation(ROWS_LEFT)[: ROWS_RIGHT * 4 // 5]
    right = np.concatenate([earlier[chosen], _sky(rng, ROWS_RIGHT - len(chosen))])
    right += np.radians(0.1 / 3600) * rng.standard_normal(right.shape)
    right_ra, right_dec = _angles(rng.permutation(right))
    tables = {
        "left": {
            "source_id": rng.permutation(ROWS_LEFT) + 4 * 10**15, "ra": ra, "dec": dec, "pmra": motion[:, 0],
            "pmdec": motion[:, 1], "parallax": rng.exponential(1.0, ROWS_LEFT),
            "phot_g_mean_mag": rng.normal(17, 1.5, ROWS_LEFT).astype("f4"), "bp_rp": rng.normal(1, 0.4, ROWS_LEFT).astype("f4"),
        },
        "right": {
            "designation": [f"{i:08d}+{i % 9999999:07d}" for i in rng.permutation(ROWS_RIGHT).tolist()],
            "ra": right_ra, "dec": right_dec, "j_m": rng.normal(14, 1, ROWS_RIGHT).astype("f4"),
            "h_m": rng.normal(13.5, 1, ROWS_RIGHT).astype("f4"), "k_m": rng.normal(13.3, 1, ROWS_RIGHT).astype("f4"),
            "jdate": rng.uniform(2450600, 2451955, ROWS_RIGHT),
        },
    }  # fmt: skip
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet", row_group_size=row_group_size)
        Table(columns).write(folder / f"{name}.fits", overwrite=True)


def make_large_tables(folder: Path, rows: int) -> None:
    """Write a left table of many rows, uniform on the sky, and a right one of stars from it, 16 years earlier."""
    con = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder)})
    con.execute("set enable_progress_bar_print = false")
    con.execute(
        """copy (
            select
                i as source_id,
                hash(i * 4) / 18446744073709551616.0 * 360 as ra,
                degrees(asin(2 * (hash(i * 4 + 1) / 18446744073709551616.0) - 1)) as dec,
                16 * (hash(i * 4 + 2) / 18446744073709551616.0 - 0.5) as pmra,
                16 * (hash(i * 4 + 3) / 18446744073709551616.0 - 0.5) as pmdec
            from range($rows) as numbers(i)
        ) to $path (format parquet, compression snappy, dictionary_size_limit 1)""",
        {"rows": rows, "path": str(folder / "large.parquet")},
    )
    con.execute(
        """copy (
            select
                source_id as designation,
                ((ra - 16 * pmra / 3.6e6 / cos(radians(dec))) + 360) % 360 as ra,
                greatest(-90, least(90, dec - 16 * pmdec / 3.6e6)) as dec,
                0.5::float as j_m
            from read_parquet($large) where source_id % ($rows // $wanted) = 0 limit $wanted
        ) to $path (format parquet)""",
        {
            "large": str(folder / "large.parquet"),
            "rows": rows,
            "wanted": ROWS_RIGHT,
            "path": str(folder / "small.parquet"),
        },
    )
    con.close()


def _sky(rng: np.random.Generator, n: int) -> Any:
    """Return shuffled unit vectors, shape (n, 3): a third in 60 clusters, among them the poles and RA 0."""
    scattered = rng.standard_normal((n - n // 3, 3))
    centres = np.concatenate([[[0, 0, 1], [0, 0, -1], [1, 0, 0], [1, 0, 0.3]], rng.standard_normal((56, 3))])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    clustered = centres[rng.integers(60, size=n // 3)] + np.radians(0.6) * rng.standard_normal((n // 3, 3))
    vectors = np.concatenate([scattered, clustered])
    return rng.permutation(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _angles(vectors: Any) -> tuple[Any, Any]:
    x, y, z = vectors.T
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))


def _count(path: Path) -> int:
    if path.suffix == ".fits":
        from astropy.io import fits

        return int(fits.getheader(path, 1)["NAXIS2"])
    return int(pq.read_metadata(path).num_rows)


if __name__ == "__main__":
    main()
