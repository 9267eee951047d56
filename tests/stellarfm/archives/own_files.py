"""Files of one's own for tests: the simulated sky's tables in any format, and a mapping of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from stellarfm.archives.files import Files
from stellarfm.database import open_database
from stellarfm.formats import write_table
from stellarfm.landing.parts import Landing
from stellarfm.surveys.selection import choose_surveys

GAIA, XP, TWOMASS, APOGEE, DUST = (
    "gaia_source", "xp_continuous_mean_spectrum", "twomass_psc", "apogee_allstar", "extinction",
)  # fmt: skip


def write(table: pa.Table, target: Path) -> str:
    """Write a table in the format of a name's suffix, and return the name."""
    with open_database() as con:
        con.register("given", table)
        write_table(con, "given", target)
    return target.name


def mapping(folder: Path, tables: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a mapping of tables, each a dictionary of keys."""
    path = folder / "mapping.toml"
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
        for name, keys in tables.items()
    ]
    path.write_text("\n".join(lines))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def fetch(path: Path, folder: Path, seed: int = 7) -> Landing:
    """Fill the landing of a mapping."""
    source = Files(path, choose_surveys(), seed)
    landing = Landing(folder / "landing", source.folder)
    source.fetch(landing, lambda done, total, remark: None)
    return landing


def read(landing: Landing, table: str) -> pa.Table:
    """Return all rows of a table of a landing."""
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.read_table(file) for file in landing.files(table)])
