"""How often the checks cry at honest selections of the sky, and how often they see damage in them.

Sixty selections are drawn by a seed over magnitude, colour, parallax, quality, sky, variability, size and what is available, on
three simulated skies; each is checked as it is and with twelve kinds of damage, as `stellarfm prepare` checks it.

    python -m tests.benchmarks.selections --selections 60
    python -m tests.benchmarks.selections --selections 6 --damage none --verbose
    python -m tests.benchmarks.selections --real ../shared/real --selections 20

With ``--real`` they are drawn from real rows instead: Gaia and 2MASS of open clusters, and the rows of APOGEE with what its file
says of the other two.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from stellarfm.checks.report import CheckFailedError, CheckReport
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.landing.parts import NOT_GIVEN, Landing
from stellarfm.landing.selection import Asked, Selection
from stellarfm.sky import simulate as sky
from stellarfm.stages.ingest import snapshot_of
from stellarfm.stages.prepare import prepare
from tests.benchmarks.real_rows import Tables, apogee_rows, cluster_rows

GAIA, XP, TWOMASS, APOGEE, DUST = (
    "gaia_source",
    "xp_continuous_mean_spectrum",
    "twomass_psc",
    "apogee_allstar",
    "extinction",
)
SKY_SEEDS = (11, 12, 13)
SKY_STARS = 6000
LARGE = 500
"""Rows from which on every damage must be seen."""


@dataclass(frozen=True)
class Drawn:
    """One selection: its condition, the most stars of it, and what is not available.

    Attributes
    ----------
    sample
        Seed of a simulated sky, ``clusters`` or ``apogee``.
    """

    sample: int | str
    where: str
    most: int
    absent: tuple[str, ...]


def draw(number: int) -> Drawn:
    """Draw one selection; its number is the seed."""
    rng = np.random.default_rng([2026, number])
    g, width = rng.uniform(9, 17), rng.choice([0.5, 1, 3])
    colour, parallax = rng.uniform(0.3, 2.5), 10 ** rng.uniform(-1, 0.7)
    conditions = [
        f"phot_g_mean_mag between {g:.1f} and {g + width:.1f}",
        f"phot_g_mean_mag < {rng.uniform(10.5, 13):.1f}",
        f"phot_g_mean_mag > {rng.uniform(14, 16):.1f}",
        f"bp_rp < {colour:.2f}",
        f"bp_rp > {colour:.2f}",
        f"bp_rp between {colour:.2f} and {colour + 0.2:.2f}",
        f"parallax > {parallax:.2f}",
        f"parallax < {parallax / 4:.2f}",
        f"parallax > {parallax:.2f} and phot_g_mean_mag < {g + 3:.1f}",
        "parallax / parallax_error > 20",
        f"ruwe < {rng.uniform(0.98, 1.4):.2f}",
        "ruwe > 1.4",
        "astrometric_params_solved = 95",
        f"b > {rng.uniform(10, 40):.0f}",
        f"abs(b) < {rng.uniform(5, 15):.0f}",
        f"dec < {rng.uniform(-40, 20):.0f}",
        f"ra between {(ra := rng.uniform(0, 300)):.0f} and {ra + 60:.0f}",
        f"pmra * pmra + pmdec * pmdec > {rng.uniform(100, 2000):.0f}",
        "phot_variable_flag = 'VARIABLE'",
        "has_xp_continuous = false",
        "radial_velocity is not null",
        "phot_bp_rp_excess_factor > 1.3",
        "",
    ]
    absent = (*([XP] if rng.random() < 0.1 else []), *([TWOMASS] if rng.random() < 0.1 else []),
              *([DUST] if rng.random() < 0.3 else []))  # fmt: skip
    most = int(rng.choice([20, 100, 600, SKY_STARS], p=[0.15, 0.15, 0.3, 0.4]))
    return Drawn(SKY_SEEDS[number % 3], conditions[number % len(conditions)], most, absent)


def draw_real(number: int) -> Drawn:
    """Draw one selection of real rows, over what their files give; its number is the seed."""
    rng = np.random.default_rng([2027, number])
    g, width, parallax = rng.uniform(10, 16), rng.choice([0.5, 1, 3]), 10 ** rng.uniform(-0.7, 0.7)
    conditions = [
        "",
        f"phot_g_mean_mag between {g:.1f} and {g + width:.1f}",
        f"phot_g_mean_mag < {rng.uniform(11, 15):.1f}",
        f"phot_g_mean_mag > {rng.uniform(12, 17):.1f}",
        f"parallax > {parallax:.2f}",
        f"parallax < {parallax / 4:.2f}",
        f"dec < {rng.uniform(-40, 50):.0f}",
        f"b > {rng.uniform(-5, 15):.0f}",
        f"ra between {(ra := rng.uniform(0, 300)):.0f} and {ra + 60:.0f}",
        f"pmra * pmra + pmdec * pmdec > {rng.uniform(10, 200):.0f}",
    ]
    # 197 rows of APOGEE and 22,001 of the clusters
    sample = "apogee" if number % 3 == 2 else "clusters"
    absent = (XP, DUST, *([APOGEE] if sample == "clusters" else []), *([TWOMASS] if rng.random() < 0.1 else []))
    most = int(rng.choice([20, 100, 600, SKY_STARS], p=[0.15, 0.15, 0.3, 0.4]))
    return Drawn(sample, conditions[number % len(conditions)], most, absent)


def select(drawn: Drawn, tables: Tables) -> Tables:
    """Take a selection out of a sky as the archives give it: APOGEE whole, the others for the selected stars."""
    con = duckdb.connect()
    for name, table in tables.items():
        con.register(name, table)
    where = drawn.where.replace("= false", "is not true") or "true"
    con.execute(
        f"create table chosen as select source_id from gaia_source where {where} order by hash(source_id) limit {drawn.most}"
    )
    inside = "semi join chosen using (source_id)"
    found = {
        GAIA: con.sql(f"from gaia_source {inside} order by source_id").to_arrow_table(),
        XP: con.sql(f"from xp_continuous_mean_spectrum {inside} order by source_id").to_arrow_table(),
        DUST: con.sql(f"from extinction {inside} order by source_id").to_arrow_table(),
        APOGEE: tables[APOGEE],
        TWOMASS: con.sql(
            "from twomass_psc where designation in "
            "(select designation from truth semi join chosen using (source_id)) order by designation"
        ).to_arrow_table(),
    }
    return {name: table.cast(tables[name].schema) for name, table in found.items()}


def selection_of(drawn: Drawn) -> Selection:
    """What is known of a selection when it is checked."""
    asked: dict[str, Asked] = {GAIA: "selection", XP: "ids", TWOMASS: "ids", APOGEE: "all", DUST: "ids"}
    return Selection(drawn.where, asked | dict.fromkeys(drawn.absent, "none"))


def check(drawn: Drawn, tables: Tables, folder: Path) -> CheckReport:
    """Check tables as the stage `prepare` does, in an empty home.

    Raises
    ------
    CheckFailedError
        If a critical rule fails.
    """
    home = Home.open(folder / "home")
    landing = Landing(home.landing, "selected")
    for name, table in tables.items():
        if name in drawn.absent:
            landing.write(name, NOT_GIVEN, table.slice(0, 0), "not given", "")
        else:
            landing.write(name, "part-00000", table, "a selection", "a sky")
    landing.note_selection(selection_of(drawn))
    with redirect_stderr(StringIO()):
        prepare(Settings(), home, snapshot_of(landing))
    from stellarfm.checks.report import read_record
    from stellarfm.stages.prepare import checks_of

    return read_record(checks_of(home))


def _changed(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(
            place, table.schema.field(name), pa.chunked_array([values.cast(table.schema.field(name).type)])
        )
    return table


def _times(archive: str, column: str, factor: float, plus: float = 0.0) -> Callable[[Tables], Tables]:
    return lambda t: t | {
        archive: _changed(t[archive], **{column: pa.array(t[archive][column].to_numpy(zero_copy_only=False) * factor + plus,
                                                         from_pandas=True)})
    }  # fmt: skip


def _rolled(archive: str, *columns: str) -> Callable[[Tables], Tables]:
    def spoil(t: Tables) -> Tables:
        names = columns or tuple(t[archive].column_names[1:])
        order = np.roll(np.arange(len(t[archive])), 1)
        return t | {
            archive: _changed(t[archive], **{n: t[archive][n].combine_chunks().take(pa.array(order)) for n in names})
        }

    return spoil


def _swapped(archive: str, one: str, other: str) -> Callable[[Tables], Tables]:
    return lambda t: (
        t
        | {
            archive: _changed(
                t[archive], **{one: t[archive][other].combine_chunks(), other: t[archive][one].combine_chunks()}
            )
        }
    )


def _repeated(archive: str) -> Callable[[Tables], Tables]:
    return lambda t: t | {archive: pa.concat_tables([t[archive], t[archive].slice(0, max(1, len(t[archive]) // 10))])}


def _cut(archive: str) -> Callable[[Tables], Tables]:
    return lambda t: t | {archive: t[archive].slice(0, 9 * len(t[archive]) // 10)}


def _flooded(archive: str, column: str) -> Callable[[Tables], Tables]:
    def spoil(t: Tables) -> Tables:
        values = t[archive][column].to_numpy(zero_copy_only=False).astype(float).copy()
        values[::3] = np.nan
        return t | {archive: _changed(t[archive], **{column: pa.array(values, from_pandas=False)})}

    return spoil


def _other_spectra(t: Tables) -> Tables:
    """Give a tenth of the stars the spectrum of another."""
    n = len(t[XP])
    chosen = np.arange(0, n, 10)
    order = np.arange(n)
    order[chosen] = np.roll(chosen, 1)
    names = t[XP].column_names[1:]
    return t | {XP: _changed(t[XP], **{name: t[XP][name].combine_chunks().take(pa.array(order)) for name in names})}


DAMAGE: dict[str, tuple[str, Callable[[Tables], Tables]]] = {
    "wrong unit: Teff in kK": (APOGEE, _times(APOGEE, "TEFF", 1e-3)),
    "shifted rows of Gaia": (GAIA, _rolled(GAIA)),
    "duplicated part of Gaia": (GAIA, _repeated(GAIA)),
    "truncated part of the spectra": (XP, _cut(XP)),
    "swapped BP and RP": (GAIA, _swapped(GAIA, "phot_bp_mean_mag", "phot_rp_mean_mag")),
    "zero point of RP off by 0.5 mag": (GAIA, _times(GAIA, "phot_rp_mean_mag", 1, 0.5)),
    "NaN flood in BP": (GAIA, _flooded(GAIA, "phot_bp_mean_mag")),
    "epoch of 2MASS off by 16 years": (TWOMASS, _times(TWOMASS, "jdate", 1, 16 * 365.25)),
    "parallax in arcsec": (GAIA, _times(GAIA, "parallax", 1e-3)),
    "G in another system by 0.5 mag": (GAIA, _times(GAIA, "phot_g_mean_mag", 1, 0.5)),
    "a tenth of the spectra of other stars": (XP, _other_spectra),
    "labels shifted by one row": (APOGEE, _rolled(APOGEE, "TEFF", "LOGG", "M_H")),
}
"""What each damage changes, and how: the seven kinds of test_damage.py, and five more."""


def _rows_of(sample: int | str, real: Path | None) -> Tables:
    if isinstance(sample, int):
        return sky.simulate_range(sample, 0, SKY_STARS)
    assert real is not None, "real rows are drawn where their folder is named"
    return cluster_rows(real) if sample == "clusters" else apogee_rows(real)


def examine(number: int, damages: list[str], real: Path | None = None) -> list[dict[str, object]]:
    """Check one selection as it is and with each damage, and return a row for each."""
    drawn = draw(number) if real is None else draw_real(number)
    tables = select(drawn, _rows_of(drawn.sample, real))
    rows = []
    for damage in ["", *damages]:
        archive, spoil = DAMAGE[damage] if damage else (GAIA, lambda t: t)
        if archive in drawn.absent or (damage and len(tables[archive]) < 2):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                report, stopped = check(drawn, spoil(dict(tables)), Path(folder)), ""
                unjudged = sum(len(table.not_judged) for table in report.tables)
                warned = len(report.warnings)
            except CheckFailedError as error:
                stopped, unjudged, warned = str(error).split(";")[0], -1, -1
            except Exception as error:  # noqa: BLE001  a selection that breaks the program is a row of the table too
                stopped, unjudged, warned = f"{type(error).__name__}: {error}", -1, -1
        rows.append({"selection": number, "where": drawn.where, "rows": len(tables[GAIA]), "absent": drawn.absent,
                     "damage": damage, "stopped": stopped, "not_judged": unjudged, "warnings": warned})  # fmt: skip
    return rows


def main() -> None:
    """Print the table of false alarms and of damage that was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--selections", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--damage", choices=("all", "none"), default="all")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--real", type=Path, help="folder of real rows, drawn from instead of simulated skies")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    damages = list(DAMAGE) if chosen.damage == "all" else []
    numbers = range(chosen.first, chosen.first + chosen.selections)
    with ProcessPoolExecutor(2) as pool:
        every = pool.map(partial(examine, damages=damages, real=chosen.real), numbers)
        rows = [row for found in every for row in found]
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1))
    _tell(rows, damages, verbose=chosen.verbose)


def _tell(rows: list[dict[str, object]], damages: list[str], *, verbose: bool) -> None:
    # one that selects nothing is refused before anything is fetched
    print(f"{sum(not row['damage'] and row['rows'] == 0 for row in rows)} selections without a star are left out")
    rows = [row for row in rows if row["rows"]]
    honest = [row for row in rows if not row["damage"]]
    cried = [row for row in honest if row["stopped"]]
    large = sum(_is_large(row) for row in cried)
    print(f"{len(honest)} honest selections; stopped: {len(cried)}, of those with more than {LARGE} rows {large}")
    for row in honest if verbose else cried:
        found = row["stopped"] or f"{row['not_judged']} not judged, {row['warnings']} warnings"
        print(f"  {row['selection']:3} {row['rows']:5} rows  {row['where'] or 'all'}  without {row['absent']}: {found}")
    for damage in damages:
        sizes: Counter[tuple[bool, bool]] = Counter()
        sizes.update((_is_large(row), bool(row["stopped"])) for row in rows if row["damage"] == damage)
        shown = [
            f"{sizes[is_large, True]:3} of {sizes[is_large, True] + sizes[is_large, False]:3}"
            for is_large in (True, False)
        ]
        print(f"{damage:40} seen in {shown[0]} large and {shown[1]} small ones")


def _is_large(row: dict[str, object]) -> bool:
    return int(str(row["rows"])) > LARGE


if __name__ == "__main__":
    main()
