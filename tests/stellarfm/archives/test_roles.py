"""Two roles of a selection: a model learns from the stars of APOGEE, a catalogue is published for others."""

from pathlib import Path

import pytest

from stellarfm.catalog.reader import open_catalog
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.evaluate import evaluate
from stellarfm.stages.ingest import ingest
from stellarfm.stages.prepare import prepare, prepared_of
from stellarfm.stages.promote import promote
from stellarfm.stages.publish import publish
from stellarfm.stages.roles import each_role, learning_role
from stellarfm.stages.train import read_split, train
from stellarfm.vocabulary import load_vocabulary
from tests.archive_server import ArchiveServer
from tests.stellarfm.archives.loopback import settings_of

FAINT = "phot_g_mean_mag > 13.5"
QUICK = {"training": {"max_steps": 40}, "gate": {"open": True}}


def test_without_a_condition_both_roles_have_the_same_stars(tmp_path: Path) -> None:
    settings, home = Settings(archive={"name": "esa"}), Home(tmp_path)
    assert learning_role(settings, home) == (settings, home)
    assert each_role(settings, home) == [(settings, home)]


@pytest.mark.parametrize(
    ("sections", "others"),
    [
        ({}, True),
        ({"training": {"stars": "selection"}}, False),
        ({"apogee": {"source": "none"}}, False),
        ({"archive": {"name": "simulated"}}, False),
    ],
)
def test_stars_to_learn_from_are_those_of_apogee_unless_it_is_said_otherwise(
    sections: dict[str, dict[str, str]], others: bool
) -> None:
    settings = Settings(**{"archive": {"name": "esa"}, "gaia": {"where": FAINT}} | sections)  # type: ignore[arg-type]
    assert settings.learns_from_others is others


def test_the_stars_to_learn_from_have_a_landing_and_a_warehouse_of_their_own(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = Settings(archive={"name": "esa"}, gaia={"where": FAINT})
    learning, learned = learning_role(settings, home)
    assert (learning.gaia.where, learning.learns_from_others) == ("", False)
    assert (learned.landing, learned.runs, learned.releases) == (home.landing, home.runs, home.releases)
    assert learned.warehouse != home.warehouse


def test_a_model_that_learned_from_apogee_publishes_for_faint_stars(
    archive_server: ArchiveServer, tmp_path: Path
) -> None:
    """Given a condition that few stars of APOGEE fulfil, expect a model of theirs and a catalogue of those it selects."""
    archive_server.clear()
    settings, home = settings_of(archive_server, gaia={"where": FAINT}, **QUICK), Home.open(tmp_path)
    for role in each_role(settings, home):
        prepare(*role, ingest(*role))
    # 4 GB in the world: the second role takes the table of the first
    assert sum("allStar" in line["path"] and ".fits" in line["path"] for line in archive_server.log()) == 1
    run = train(settings, home)
    promote(settings, home, run, evaluate(settings, home, run))
    publish(settings, home)

    catalog = open_catalog(tmp_path)
    rows = catalog.query("select source_id, phot_g_mean_mag, in_training_set from stars").fetchall()
    assert len(rows) > 100
    assert min(row[1] for row in rows) > 13.5
    learned = set(read_split(home.for_learning, load_vocabulary("leung_bovy"), "train").ids.tolist())
    assert len(learned - {row[0] for row in rows}) > 100
    assert all(row[2] is (row[0] in learned) for row in rows)
    provenance = catalog.query("select value from provenance where name = 'training_set_hash'")
    assert provenance.fetchall() == [(prepared_of(home.for_learning).training_set_hash,)]
