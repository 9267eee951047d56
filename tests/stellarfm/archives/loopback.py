"""Settings of the archives on loopback, and the comparison of two landings: what the tests of archives share."""

from pathlib import Path
from typing import Any

import duckdb

from stellarfm.archives.esa import Esa
from stellarfm.config import Settings
from stellarfm.landing.parts import Landing
from tests.archive_server import ALLSTAR, SPECTRA, ArchiveServer

KEYS = {
    "apogee_allstar": "APOGEE_ID",
    "gaia_source": "source_id",
    "xp_continuous_mean_spectrum": "source_id",
    "twomass_psc": "designation",
}
"""Tables that the archives serve, and what names their rows."""


def settings_of(server: ArchiveServer, **sections: dict[str, Any]) -> Settings:
    """Settings that ask a server on loopback, one part a table, with short waits: a job takes that server a second."""
    values: dict[str, dict[str, Any]] = {
        "archive": {"name": "esa", "rows_per_part": 5000, "spectra_per_part": 700},
        "retry": {"attempts": 4, "wait_s": 0.01, "timeout_s": 3, "deadline_s": 30},
        "gaia": {
            "tap_url": server.tap_url,
            "data_url": server.data_url.removesuffix("/data"),
            "bulk_url": f"{server.cdn_url}/{SPECTRA}",
            "where": "source_id > 0",
        },
        "twomass": {"by": "position", "irsa_url": server.irsa_url},
        "apogee": {"url": f"{server.sas_url}/{ALLSTAR}"},
    }
    for section, changed in sections.items():
        values[section] = values.get(section, {}) | changed
    return Settings(**values)


def fetch(settings: Settings, root: Path) -> Landing:
    """Fill the landing that the settings describe, as `stellarfm ingest` does."""
    source = Esa(settings)
    landing = Landing(root, source.folder)
    landing.verify()
    source.fetch(landing, lambda _done, _total, _remark: None)
    return landing


def differences(ours: Landing, theirs: Landing, tables: tuple[str, ...] = tuple(KEYS)) -> dict[str, int]:
    """Count the rows of each table that one landing has and the other has not, whatever their order; NULL equals NULL.

    Of 2MASS only what lies near a Gaia source is asked for, so there only rows that `theirs` has not count.
    """
    found = {}
    for table in tables:
        a, b = (f"read_parquet('{landing.folder}/{table}/*.parquet')" for landing in (ours, theirs))
        ways = [(a, b)] if table == "twomass_psc" else [(a, b), (b, a)]
        found[table] = sum(
            duckdb.sql(f"select count(*) from (from {x} except all from {y})").fetchall()[0][0] for x, y in ways
        )
    return found


def content(landing: Landing) -> dict[str, str]:
    """The hash of every part."""
    return {f"{m.table}/{m.part}": m.sha256 for m in landing.manifests()}
