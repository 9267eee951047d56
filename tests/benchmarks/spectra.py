"""How fast XP spectra of DataLink are read from FITS and CSV, and how fast reddenings are drawn from a map.

Example: python -m tests.benchmarks.spectra --json
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from stellarfm.dust.draws import STAR_COLUMNS, reddening_tokens
from stellarfm.landing.schema import TableSchema
from stellarfm.landing.xp_raw import TABLE, read_raw
from stellarfm.surveys.selection import choose_surveys
from tests.benchmarks.records import print_table

SURVEYS = choose_surveys()
SCHEMA = TableSchema.of_table(SURVEYS.gaia.tables[TABLE]).empty().schema


def raw_fits(num_stars: int) -> bytes:
    """Return spectra as DataLink's FITS, their correlations (1485 numbers a band) with them."""
    rng = np.random.default_rng(1)
    columns = []
    for field in SCHEMA:
        if pa.types.is_list(field.type):
            form = "D" if field.name.endswith("coefficients") else "E"
            columns.append(_heap(field.name, form, rng.normal(size=(num_stars, 55))))
        else:
            form = {"source_id": "K"}.get(field.name, "E" if "deviation" in field.name else "I")
            columns.append(fits.Column(field.name, form, array=np.arange(num_stars) % 50 + 1))
    columns += [_heap(f"{b}_coefficient_correlations", "E", rng.normal(size=(num_stars, 1485))) for b in ("bp", "rp")]
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(file)
    return file.getvalue()


def _heap(name: str, form: str, values: Any) -> Any:
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return fits.Column(name, f"P{form}({values.shape[1]})", array=cells)


def raw_csv(num_stars: int) -> bytes:
    """Return spectra as DataLink's CSV, without the correlations."""
    rng = np.random.default_rng(1)
    lines = [",".join(SCHEMA.names)]
    for source in range(num_stars):
        arrays = [f'"({", ".join(map(repr, one.tolist()))})"' for one in rng.normal(size=(4, 55))]
        lines.append(",".join([str(source), *arrays[:2], "50", "1.0", "20", *arrays[2:], "50", "1.0", "20"]))
    return "\n".join(lines).encode()


def stars(num_stars: int) -> pa.Table:
    """Return stars all of which have a good parallax."""
    rng = np.random.default_rng(1)
    low = {
        "source_id": 0,
        "l": 0,
        "b": -90,
        "parallax": 0.1,
        "zero_point_mas": -0.04,
        "parallax_error": 0.01,
        "ruwe": 0.9,
    }
    high = {
        "source_id": 2**62,
        "l": 360,
        "b": 90,
        "parallax": 3,
        "zero_point_mas": -0.02,
        "parallax_error": 0.1,
        "ruwe": 1.3,
    }
    columns = {name: rng.uniform(low[name], high[name], num_stars) for name in STAR_COLUMNS}
    return pa.table(columns | {"source_id": rng.integers(0, 2**62, num_stars)})


def measure(what: str, num_stars: int, work: Callable[[], Any]) -> dict[str, Any]:
    """Return stars a second of the best of three runs."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {"what": what, "stars": num_stars, "stars_per_s": round(num_stars / min(seconds))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    n = arguments.stars
    as_fits, as_csv, given = raw_fits(n), raw_csv(n), stars(n)
    rows = [
        measure("XP raw from FITS", n, lambda: read_raw(as_fits, "fits", SURVEYS.gaia)),
        measure("XP raw from CSV", n, lambda: read_raw(as_csv, "csv", SURVEYS.gaia)),
        measure(
            "reddening, 1000 draws, the map for nothing",
            n,
            lambda: reddening_tokens(given, lambda _l, _b, d: d, seed=1),
        ),
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
