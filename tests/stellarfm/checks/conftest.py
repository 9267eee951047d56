"""One small simulated landing for all tests of the checks, and ways to spoil copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stellarfm.checks.report import CheckReport
from stellarfm.checks.run import check_tables
from stellarfm.config import Checks
from stellarfm.sky import simulate as sky
from stellarfm.surveys.selection import choose_surveys
from stellarfm.warehouse.build import STAGING, build_marts, build_staging
from stellarfm.warehouse.connection import connect, scalar

Tables = dict[str, pa.Table]

CHECKED_STAGING = tuple(f"staging.{name}" for name in STAGING)
CHECKED_MARTS = ("crossmatch.gaia_twomass", "crossmatch.gaia_apogee", "marts.stars", "marts.training_set")


@pytest.fixture(scope="session")
def simulated() -> Tables:
    """3,000 simulated stars as the archives give them."""
    return sky.simulate_range(7, 0, 3000)


@pytest.fixture(scope="session")
def clean_warehouse(simulated: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The staging tables of the clean sky, not checked yet."""
    return _stage(simulated, tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def clean_reports(
    simulated: Tables, clean_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CheckReport, CheckReport]:
    """What the checks find in the clean sky: in the archives' tables, and in crossmatch and marts."""
    folder = tmp_path_factory.mktemp("checks")
    database = Path(shutil.copy(clean_warehouse, folder / "warehouse.duckdb"))
    staging = check_tables(database, CHECKED_STAGING, folder, Checks(), parameters=_landing_rows(simulated))
    with connect(database) as con:
        build_marts(con, choose_surveys())
        sources = {"marts.stars": {"source_rows": scalar(con, "select count(*) from staging.gaia_source")}}
    marts = check_tables(database, CHECKED_MARTS, folder, Checks(), parameters=sources)
    return staging, marts


@pytest.fixture
def check_spoilt(
    simulated: Tables, tmp_path: Path, clean_reports: tuple[CheckReport, CheckReport]
) -> Callable[..., CheckReport]:
    """A function that replaces some archive tables by spoilt ones and checks a table as the stage `prepare` does."""

    def check(
        table: str, spoilt: Tables, *, accepted: bool = False, limit: float = 0.02, manifest: Tables | None = None
    ) -> CheckReport:
        tables = simulated | spoilt
        return check_tables(
            _stage(tables, tmp_path),
            [table],
            tmp_path,
            Checks(max_quarantined_share=limit),
            parameters=_landing_rows(tables | (manifest or {})),
            accepted=clean_reports[0].statistics if accepted else {},
        )

    return check


def _stage(tables: Tables, folder: Path) -> Path:
    database = folder / "warehouse.duckdb"
    files = {}
    for name in STAGING.values():
        path = folder / f"{name}.parquet"
        pq.write_table(tables[name], path)
        files[name] = [path]
    with connect(database) as con:
        build_staging(con, files)
    return database


def _landing_rows(tables: Tables) -> dict[str, dict[str, int]]:
    return {f"staging.{table}": {"landing_rows": tables[archive].num_rows} for table, archive in STAGING.items()}
