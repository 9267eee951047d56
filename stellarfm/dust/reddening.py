"""The table `extinction` of a landing: from a 3-D map, from a table of one's own, or not given."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from stellarfm.atomic import file_hash
from stellarfm.config import Extinction
from stellarfm.database import close_off, open_database
from stellarfm.dust.draws import SCHEMA as TOKENS
from stellarfm.dust.draws import STAR_COLUMNS, reddening_tokens, tokens_of_ebv
from stellarfm.dust.maps import open_map
from stellarfm.errors import StellarError
from stellarfm.formats import open_table
from stellarfm.landing.casting import explain, plan_casts, select
from stellarfm.landing.parts import Landing
from stellarfm.landing.schema import EBV, REDDENING
from stellarfm.resources import read_sql
from stellarfm.sql_paths import reader_paths

TABLE = "extinction"
_ROWS_AT_ONCE = 50_000


class Reddenings:
    """Where reddenings come from.

    Parameters
    ----------
    settings
        A map, or a table.
    seed
        Seed of the draws over the parallax error.

    Raises
    ------
    StellarError
        If the table is not there.
    """

    def __init__(self, settings: Extinction, seed: int) -> None:
        self._settings, self._seed = settings, seed
        if settings.table is not None and not settings.table.is_file():
            raise StellarError(f"there is no table {settings.table} (extinction.table)")
        of_table = "" if settings.table is None or settings.map else file_hash(settings.table)
        # a map wins over a table, and a seed matters for a map alone: what changes nothing must not make another landing
        self.key = (settings.map, of_table, seed if settings.map else 0)

    def write(self, landing: Landing) -> None:
        """Write the parts that are not there yet: one for each part of ``gaia_source``, one of a table, or none.

        Raises
        ------
        StellarError
            If the map or the table cannot be used.
        """
        if self._settings.map:
            for manifest in landing.manifests():
                if manifest.table == "gaia_source" and not landing.has(TABLE, manifest.part):
                    self._ask_map(landing, manifest.part)
        elif self._settings.table is not None:
            if not landing.has(TABLE, "part-00000"):
                self._read(landing, self._settings.table)
        else:
            landing.write_not_given(TABLE, REDDENING.empty(), "no reddenings are given")

    def _ask_map(self, landing: Landing, part: str) -> None:
        write_map_part(landing, part, self._settings.map, self._seed)

    def _read(self, landing: Landing, path: Path) -> None:
        with open_database() as con:
            opened = open_table(con, path, "given")
            relation = opened.relation
            close_off(con, [path])
            found = [name.lower() for name in con.sql(f"from {relation}").columns]
            schema = REDDENING if "logebv" in found else EBV
            casts, _ = plan_casts(con, relation, schema, {}, f"extinction: {path}", opened.units)
            try:
                data = con.sql(select(casts, relation) + " order by source_id").to_arrow_table()
            except Exception as error:
                raise explain(con, casts, relation, f"extinction: {path}") or error from error
        if schema is EBV:
            # a column of NULLs is no column: the errors are unknown then, not 0
            known = data["ebv_error"].null_count < len(data)
            numbers = [data[name].to_numpy().astype(float) for name in ("ebv", "ebv_error")]
            data = tokens_of_ebv(data["source_id"].to_numpy(), numbers[0], numbers[1] if known else None, path.stem)
        landing.write(TABLE, "part-00000", data, f"the table {path.name}", "")


def write_map_part(landing: Landing, part: str, name: str, seed: int) -> None:
    """Ask a map for the stars of one part of ``gaia_source``, and write the part of the same name.

    Parameters
    ----------
    landing
        Holds the part of ``gaia_source``, and gets that of ``extinction``.
    part
        Name of both.
    name
        One of `stellarfm.dust.maps.MAP_NAMES`.
    seed
        Seed of the draws over the parallax error.

    Raises
    ------
    StellarError
        If the map cannot be used, or the stars have no Galactic coordinates.
    """
    reddening = _open_map_once(name)
    files = reader_paths([landing.file("gaia_source", part)])
    with open_database() as con:
        # the SQL of the zero point reads staging.gaia_source: here that is this part alone
        con.execute("create schema staging")
        con.execute(
            "create table staging.gaia_source as from read_parquet($files, hive_partitioning = false)", {"files": files}
        )
        rows, placed = con.execute("select count(*), count(l + b) from staging.gaia_source").fetchall()[0]
        if rows and not placed:
            raise StellarError(f"gaia_source has no l and b, which the map {name} needs; map them")
        con.execute(f"create view zero_points as {read_sql('marts/parallax_zero_point')}")
        # no zero point (two-parameter solutions, or outside its range of validity): nothing is subtracted
        columns = ", ".join("coalesce(zero_point_mas, 0) as " * (c == "zero_point_mas") + c for c in STAR_COLUMNS)
        stars = con.sql(f"select {columns} from staging.gaia_source left join zero_points using (source_id)")  # noqa: S608

        # streamed through the writer: the draws of one batch are in memory, never those of a part
        def tokens() -> Iterator[pa.RecordBatch]:
            for batch in stars.to_arrow_reader(_ROWS_AT_ONCE):
                yield from reddening_tokens(
                    pa.Table.from_batches([batch]), reddening, seed=seed, map_name=name
                ).to_batches()

        landing.write(TABLE, part, pa.RecordBatchReader.from_batches(TOKENS, tokens()), f"E(B-V) of {name}", "")


@lru_cache(maxsize=1)
def _open_map_once(name: str) -> Any:
    return open_map(name)
