"""2MASS by best neighbours: what was asked for, what came, and who has a neighbour that the archive does not hold."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from stellarfm.archives.tap import TapQuery
from stellarfm.archives.twomass import Neighbours
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.schema import landing_schemas
from stellarfm.surveys.selection import choose_surveys

SURVEYS = choose_surveys()
STARS = np.array([11, 12, 13, 14], np.int64)


class DuckTap:
    """Answers the queries as a TAP service does, from tables of DuckDB: ADQL and SQL share all that they use."""

    name = "an archive"

    def __init__(self, *, absent: tuple[str, ...]) -> None:
        self.con = duckdb.connect()
        self.asked: list[str] = []
        empty = landing_schemas(SURVEYS)["twomass_psc"].empty()
        names = SURVEYS.twomass.tables["twomass_psc"].names_at("gaia")
        columns = ", ".join(f"null::{_type(empty.schema.field(n).type)} as {there}" for n, there in names.items())
        gaia = SURVEYS.gaia.neighbours["twomass"]
        self.con.execute(f"""
            create schema gaiadr3; create schema gaiadr1; create schema tap_upload;
            create table gaiadr3.{gaia.best_neighbour} as
                from (values (11, 1), (12, 2), (13, 2), (14, 3)) as t (source_id, {gaia.key});
            create table gaiadr3.{gaia.join} as
                from (values (1, 'A'), (2, 'B'), (3, 'C')) as t ({gaia.key}, {gaia.identifier});
            create table {SURVEYS.twomass.tables["twomass_psc"].at["gaia"].name} as
                select {columns.replace("null::varchar as designation", "designation")}
                from (values ('A'), ('B'), ('C')) as t (designation) where designation not in {absent or ("",)};
        """)

    def fetch(self, query: TapQuery, _jobs: Jobs, part: str) -> pa.Table:
        self.asked.append(part)
        self.con.register("wanted", query.upload)
        self.con.execute("create or replace table tap_upload.wanted as from wanted")
        answer: Any = self.con.sql(query.text).to_arrow_table()
        assert query.rows is None or len(answer) == query.rows
        return answer


def _type(kind: pa.DataType) -> str:
    return "varchar" if pa.types.is_string(kind) else "double" if pa.types.is_floating(kind) else "integer"


@pytest.mark.parametrize(
    ("absent", "sources", "lost", "requests"),
    [
        ((), ["A", "B", "C"], [], ["part-count", "part"]),
        (("C",), ["A", "B"], [14], ["part-count", "part", "part-lost"]),
        (("B", "C"), ["A"], [12, 13, 14], ["part-count", "part", "part-lost"]),
    ],
)
def test_stars_whose_neighbour_the_archive_does_not_hold_are_named(
    absent: tuple[str, ...], sources: list[str], lost: list[int], requests: list[str], tmp_path: Path
) -> None:
    tap = DuckTap(absent=absent)
    rows, missing = Neighbours(tap, SURVEYS, Jobs(tmp_path)).ask(STARS, "part")  # type: ignore[arg-type]
    assert rows["designation"].to_pylist() == sources
    assert missing.tolist() == lost
    assert tap.asked == requests
