"""The crossmatch of a simulated sky against its truth: purity and completeness, for single stars and for blends.

Run with ``python -m tests.benchmarks.purity --json``. A star that Gaia lists and 2MASS detected should get the detection that
holds its light. Two stars closer than 2 arcsec are one 2MASS detection, a blend: only one of them can be its nearest star, so
at most half of the blended stars keep it where a match must be the nearest both ways, as in the warehouse.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.crossmatch import Side, match
from stellarfm.resources import read_sql
from stellarfm.sky.simulate import simulate_range
from stellarfm.surveys.reading import load_survey
from tests.benchmarks.records import print_table, write_record

_COUNTED = """
with

seen as (

    -- a star has a pair to be found if Gaia lists it and 2MASS detected it
    select truth.source_id, truth.designation, truth.is_blend from truth
    semi join staging.gaia_source using (source_id)

),

joined as (

    select
        seen.* exclude (is_blend),
        seen.is_blend as blended,
        case when found.is_mutual_best then found.designation end as found_designation,
        found.designation as nearest_designation
    from seen left join found using (source_id)

)

select
    blended,
    count(*) as stars,
    count(designation) as with_2mass,
    count(found_designation) as matched,
    count(*) filter (found_designation = designation) as correct,
    count(*) filter (found_designation is null and designation is not null) as missed,
    count(*) filter (found_designation <> designation) as wrong,
    count(*) filter (found_designation is not null and designation is null) as spurious,
    count(*) filter (nearest_designation = designation) as right_one_way
from joined group by blended order by blended
"""


def main() -> None:
    """Simulate, match, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    rows = compare_with_truth(options.seed, options.stars)
    if options.record:
        write_record(options.record, "purity", rows)
    print(json.dumps(rows, indent=2)) if options.json else print_table(rows)


def compare_with_truth(seed: int, num_stars: int) -> list[dict[str, Any]]:
    """Return one row for stars that are not blends and one for those that are.

    Parameters
    ----------
    seed
        Which sky.
    num_stars
        Stars of the sky.
    """
    con = duckdb.connect(config={"threads": "2"})
    con.execute("create schema staging")
    tables = simulate_range(seed, 0, num_stars)
    for name in ("gaia_source", "twomass_psc", "truth"):
        con.register(f"given_{name}", tables[name])
    for name, archive_table in (("gaia_source", "gaia_source"), ("twomass", "twomass_psc")):
        staging = read_sql(f"staging/{name}").replace(
            "read_parquet($files, hive_partitioning = false)", f"given_{archive_table}"
        )
        con.execute(f"create table staging.{name} as {staging}")
    con.execute("create table truth as from given_truth")
    gaia = Side("staging.gaia_source", identifier="source_id", epoch="ref_epoch", moves=True)
    twomass = Side("staging.twomass", identifier="designation", epoch="epoch_year")
    match(con, gaia, twomass, "found", radius_arcsec=load_survey("twomass").crossmatch.radius_arcsec)
    counted = con.sql(_COUNTED)
    return [_row(dict(zip(counted.columns, values, strict=True))) for values in counted.fetchall()]


def _row(counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "stars_are": "blends" if counts.pop("blended") else "not blends",
        **counts,
        "purity_percent": round(100 * counts["correct"] / counts["matched"], 3),
        "completeness_percent": round(100 * counts["correct"] / counts["with_2mass"], 3),
        "completeness_one_way_percent": round(100 * counts["right_one_way"] / counts["with_2mass"], 3),
    }


if __name__ == "__main__":
    main()
