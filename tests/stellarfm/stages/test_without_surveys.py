"""A selection may do without 2MASS, XP spectra, reddenings or APOGEE: warehouse and checks do without them too."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.landing.parts import Landing
from stellarfm.landing.selection import Selection
from stellarfm.sky import simulate as sky
from stellarfm.stages.evaluate import evaluate
from stellarfm.stages.ingest import ingest, snapshot_of
from stellarfm.stages.prepare import Prepared, prepare
from stellarfm.stages.train import train
from tests.stellarfm.archives.own_files import APOGEE, DUST, GAIA, TWOMASS, XP, mapping, write

ALL = (GAIA, XP, TWOMASS, APOGEE, DUST)
COLUMNS = {XP: "bp_gnorm", TWOMASS: "jh", APOGEE: "teff", DUST: "logebv"}


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return sky.simulate_range(7, 0, 1000)


def made_without(
    lacking: tuple[str, ...], tables: dict[str, pa.Table], folder: Path
) -> tuple[Settings, Home, Prepared]:
    """Prepare a warehouse from files of all tables but some."""
    given = {name: {"files": write(tables[name], folder / f"{name}.parquet")} for name in ALL if name not in lacking}
    settings = Settings(
        archive={"name": "files", "path": mapping(folder, given)}, training={"max_steps": 3, "checkpoint_every": 1000}
    )
    home = Home.open(folder / "home")
    return settings, home, prepare(settings, home, ingest(settings, home))


@pytest.mark.parametrize("lacking", [(DUST,), (TWOMASS,), (XP,), (XP, TWOMASS, DUST)], ids=str)
def test_what_is_not_given_is_unknown_and_what_is_learned_is_the_rest(
    lacking: tuple[str, ...], tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    settings, home, prepared = made_without(lacking, tables, tmp_path)
    assert prepared.quarantined_rows == 0
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        known = {name: con.sql(f"select count({column}) > 0 from marts.training_set").fetchall()[0][0]
                 for name, column in COLUMNS.items()}  # fmt: skip
    assert known == {name: name not in lacking for name in COLUMNS}
    run = train(settings, home)
    metrics = evaluate(settings, home, run).metrics
    headline = {row["token"] for row in metrics["rows"] if row["task"] == metrics["headline"] and row["num_stars"]}
    assert (
        headline == {"teff", "logg", "m_h"} | ({"logebv"} if DUST not in lacking else set()) | {"g_fakemag"} & headline
    )


@pytest.mark.parametrize("lacking", [(APOGEE,), (XP, TWOMASS, APOGEE, DUST)], ids=str)
def test_without_labels_there_is_a_warehouse_but_nothing_to_learn(
    lacking: tuple[str, ...], tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    settings, home, _ = made_without(lacking, tables, tmp_path)
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        assert con.sql("select count(*) from marts.stars").fetchall()[0][0] == tables[GAIA].num_rows
    with pytest.raises(
        StellarError,
        match=r"no star of the training set has a label .* give the archive an apogee_allstar .*--use-champion",
    ):
        train(settings, home)


def test_a_few_labels_are_too_few_to_learn_from(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    settings, home, _ = made_without((), tables | {APOGEE: tables[APOGEE].slice(0, 20)}, tmp_path)
    with pytest.raises(StellarError, match=r"only \d+ stars of the training set have a label .* at least 50"):
        train(settings, home)


def test_stars_without_spectra_or_neighbours_are_a_selection_too(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """Given stars that were asked for by name and have neither, expected a warehouse, and rules that are not judged."""
    settings, home, _ = made_without((), tables, tmp_path)
    landing = Landing(home.landing, "bare")
    for name in ALL:
        empty = name in (XP, TWOMASS)
        landing.write(name, "part-00000", tables[name].slice(0, 0 if empty else 20), "a test", "a test")
    landing.note_selection(
        Selection("source_id > 0", {GAIA: "selection", XP: "ids", TWOMASS: "ids", DUST: "selection"})
    )
    prepared = prepare(settings, home, snapshot_of(landing))
    assert "not judged staging.xp_spectrum" in prepared.summary


def test_an_empty_table_that_is_given_still_stops_the_run(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    with pytest.raises(StellarError, match="the table twomass_psc is empty"):
        made_without((), tables | {TWOMASS: tables[TWOMASS].slice(0, 0)}, tmp_path)
