"""Crossmatch of real stars of open clusters, Gaia against 2MASS, compared with the pairs of VizieR.

Run with ``python -m tests.benchmarks.clusters --json``. The file holds pairs up to 3 arcsec that were made without proper
motions; it is split into its two sides, matched anew with proper motions to each 2MASS row's own epoch, and compared.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.crossmatch import Side, match
from tests.benchmarks.records import print_table, write_record

FILE = Path(__file__).resolve().parents[3] / "shared" / "real" / "gaia_2mass_open_clusters.parquet"
RADIUS_ARCSEC = 3.0
CLOSE_ARCSEC = 1.0

EXPLANATIONS = {
    "recovered": "the same 2MASS row, and no other star of the file is nearer to it",
    "recovered, shared": "the same 2MASS row, which is nearer to another Gaia star: two stars that 2MASS saw as one",
    "another 2MASS row": "with its proper motion the star is nearer to another 2MASS row of the file",
    "beyond the radius": "with its proper motion the star is further than the radius from the 2MASS row",
    "lost": "nothing found within several radii: without position, or a mistake of ours",
}
"""Kinds of outcome for a pair of the file, each with its reason."""

_SIDES = """
create table given as
    select
        source_id, ra::double as ra, dec::double as dec, pmra, pmdec, tmass_designation, tmass_ra, tmass_dec,
        2000.0 + (MeasureJD - 2451545.0) / 365.25 as epoch_year, angDist as separation_arcsec
    from read_parquet($file)
"""

_TWOMASS = """
create table twomass as
    select distinct on (tmass_designation) tmass_designation, tmass_ra as ra, tmass_dec as dec, epoch_year from given
    order by tmass_designation
"""

_JUDGED = """
create table judged as
    select
        given.*, found.separation_arcsec as found_arcsec,
        case
            when found.tmass_designation is null then 'lost'
            when found.tmass_designation <> given.tmass_designation then 'another 2MASS row'
            when found.separation_arcsec > $radius_arcsec then 'beyond the radius'
            when found.is_mutual_best then 'recovered'
            else 'recovered, shared'
        end as kind
    from given left join found using (source_id)
"""


def main() -> None:
    """Match, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help="Parquet file of the pairs")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    parser.add_argument("--record", type=Path, help="folder for a dated record of machine, versions and figures")
    options = parser.parse_args()
    if not options.file.is_file():
        sys.exit(f"there is no file {options.file}; give the place of the pairs")
    rows = compare_clusters(options.file)
    if options.record:
        write_record(options.record, "clusters", rows)
    if options.json:
        print(json.dumps([{**row, "explanation": EXPLANATIONS[row["kind"]]} for row in rows], indent=2))
    else:
        print_table(rows)
        for kind in dict.fromkeys(row["kind"] for row in rows):
            print(f"{kind}: {EXPLANATIONS[kind]}")


def compare_clusters(file: Path) -> list[dict[str, Any]]:
    """Return one row for each kind of outcome, of the close pairs and of all.

    Parameters
    ----------
    file
        Pairs of Gaia and 2MASS in the columns of VizieR.
    """
    con = duckdb.connect(config={"threads": "2", "memory_limit": "1GB"})
    con.execute(_SIDES, {"file": str(file)})
    con.execute(_TWOMASS)
    gaia = Side("given", identifier="source_id", epoch="2016.0", moves=True)
    twomass = Side("twomass", identifier="tmass_designation", epoch="epoch_year")
    match(con, gaia, twomass, "found", radius_arcsec=3 * RADIUS_ARCSEC)
    con.execute(_JUDGED, {"radius_arcsec": RADIUS_ARCSEC})
    return [row for limit in (CLOSE_ARCSEC, RADIUS_ARCSEC) for row in _kinds(con, limit)]


def _kinds(con: duckdb.DuckDBPyConnection, limit: float) -> list[dict[str, Any]]:
    found = con.execute(
        """select
            kind, count(*), count(*) / sum(count(*)) over (), median(separation_arcsec), median(found_arcsec),
            arg_max(source_id, separation_arcsec)
        from judged where separation_arcsec <= $limit group by kind order by count(*) desc""",
        {"limit": limit},
    ).fetchall()
    return [
        {
            "angdist_below_arcsec": limit,
            "kind": kind,
            "pairs": pairs,
            "share_percent": round(100 * share, 3),
            "median_angdist_arcsec": round(given, 3),
            "median_separation_arcsec": None if ours is None else round(ours, 3),
            "example_source_id": str(example),
        }
        for kind, pairs, share, given, ours, example in found
    ]


if __name__ == "__main__":
    main()
