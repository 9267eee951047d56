"""The whole way through the archives' own protocols: what arrives is what they have, whatever happens on the way."""

import random
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from stellarfm.config import Archive, Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.landing.parts import Landing
from stellarfm.stages.ingest import ingest
from stellarfm.stages.prepare import prepare
from tests.archive_server import ArchiveServer
from tests.archives_fixture import NUM_STARS, SEED
from tests.stellarfm.archives.loopback import content, differences, fetch, settings_of


@pytest.fixture
def server(archive_server: ArchiveServer) -> ArchiveServer:
    archive_server.clear()
    return archive_server


@pytest.fixture(scope="module")
def whole(archive_server: ArchiveServer, tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """A landing that was filled without any trouble."""
    archive_server.clear()
    return fetch(settings_of(archive_server), tmp_path_factory.mktemp("whole"))


def test_what_arrives_is_what_the_archives_have_bit_by_bit(whole: Landing, archive_landing: Landing) -> None:
    assert set(differences(whole, archive_landing).values()) == {0}
    near = whole.rows()["twomass_psc"] / archive_landing.rows()["twomass_psc"]
    assert near > 0.97  # the others have no Gaia source within reach


def test_the_training_set_is_the_same_as_from_the_tables_themselves(
    server: ArchiveServer, archive_landing: Landing, tmp_path: Path
) -> None:
    reddenings = {"table": str(archive_landing.files("extinction")[0])}
    through = Home.open(tmp_path / "through")
    settings = settings_of(server, extinction=reddenings)
    made = prepare(settings, through, ingest(settings, through))
    direct = Home.open(tmp_path / "direct")
    shutil.copytree(archive_landing.folder, direct.landing / archive_landing.folder.name)
    simulated = Settings(archive=Archive(num_stars=NUM_STARS), seed=SEED)
    assert made.training_set_hash == prepare(simulated, direct, ingest(simulated, direct)).training_set_hash


def test_a_second_run_asks_for_nothing(server: ArchiveServer, whole: Landing) -> None:
    before = content(whole)
    again = fetch(settings_of(server), whole.folder.parent)
    assert content(again) == before
    assert server.log() == []


def test_a_manifest_tells_what_was_asked_of_whom_and_how_long_it_took(whole: Landing) -> None:
    (manifest,) = (manifest for manifest in whole.manifests() if manifest.table == "gaia_source")
    assert manifest.query.endswith("FROM gaiadr3.gaia_source WHERE (source_id > 0)")
    assert (manifest.release, bool(manifest.job_id), manifest.seconds > 0) == ("Gaia DR3", True, True)


def test_a_large_selection_comes_in_parts_of_the_sky(server: ArchiveServer, whole: Landing, tmp_path: Path) -> None:
    """Given at most 600 rows a part, expect pixels of HEALPix with as many or fewer, together all the stars."""
    alone = {"twomass": {"by": "none"}, "apogee": {"source": "none"}}
    settings = settings_of(
        server, archive={"rows_per_part": 600}, gaia={"xp": "none", "where": "phot_g_mean_mag < 13"}, **alone
    )
    landing = fetch(settings, tmp_path)
    rows = {manifest.part: manifest.rows for manifest in landing.manifests() if manifest.table == "gaia_source"}
    assert len(rows) > 1
    assert all(part.startswith("healpix-") and number <= 600 for part, number in rows.items())
    files = [str(file) for file in whole.files("gaia_source")]
    magnitudes = pq.read_table(files, columns=["phot_g_mean_mag"]).column(0).to_numpy()
    assert sum(rows.values()) == (magnitudes < np.float32(13)).sum() > 600


def test_the_stars_of_apogee_are_asked_for_by_their_identifiers(server: ArchiveServer, tmp_path: Path) -> None:
    settings = settings_of(server, gaia={"where": "", "xp": "none"}, twomass={"by": "neighbours"})
    landing = fetch(settings, tmp_path)
    allstar = pq.read_table([str(f) for f in landing.files("apogee_allstar")])["GAIAEDR3_SOURCE_ID"].to_pylist()
    gaia = pq.read_table([str(f) for f in landing.files("gaia_source")])["source_id"].to_pylist()
    assert sorted(gaia) == sorted({i for i in allstar if i and i > 0})
    assert landing.rows()["twomass_psc"] > 0.9 * len(gaia)
    assert landing.not_given() == {"xp_continuous_mean_spectrum", "extinction"}


@pytest.mark.parametrize("xp", ["tap", "bulk"])
def test_spectra_are_the_same_by_every_way(xp: str, server: ArchiveServer, whole: Landing, tmp_path: Path) -> None:
    landing = fetch(settings_of(server, gaia={"xp": xp}, twomass={"by": "none"}, apogee={"source": "none"}), tmp_path)
    assert differences(landing, whole, ("xp_continuous_mean_spectrum",)) == {"xp_continuous_mean_spectrum": 0}


# every row of the table of failures in the README of the archive server: kind, where, argument
FAULTS = [
    ("status", "", 503),
    ("status", "", 500),
    ("reset", "", None),
    ("kill", "", None),
    ("truncate", "", None),
    ("cut", "", None),
    ("garbage", "", None),
    ("drop_rows", "", None),
    ("limit", "", None),
    ("delay", "", 4),
    ("error", "", "out of memory"),
]


@pytest.mark.parametrize(("kind", "path", "arg"), FAULTS, ids=lambda value: str(value or ""))
def test_a_stumbling_archive_is_asked_again(
    kind: str, path: str, arg: str | None, server: ArchiveServer, whole: Landing, tmp_path: Path
) -> None:
    """Given one fault at a request drawn by its name; expect what arrives without it, or one sentence and a run that ends it."""
    skip = random.Random(f"{kind}{arg}").randrange(25)
    server.fault(kind, path=path, skip=skip, arg=arg)
    settings = settings_of(server)
    try:
        landing = fetch(settings, tmp_path)
    except StellarError as error:
        assert "\n" not in str(error)
        server.clear()
        landing = fetch(settings, tmp_path)
    assert content(landing) == content(whole)


def test_an_archive_that_stays_away_is_told_in_one_sentence_and_the_next_run_completes(
    server: ArchiveServer, whole: Landing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fault("status", path="/data-server", n=100, arg=503)
    with pytest.raises(StellarError, match=r"DataLink .* failed 4 times, .*503.*run the same command again"):
        fetch(settings_of(server), tmp_path)
    assert capsys.readouterr().out == ""  # results alone go there
    server.clear()
    landing = fetch(settings_of(server), tmp_path)
    assert content(landing) == content(whole)
    assert not [request for request in server.log() if "POST" in request["method"] and "async" in request["path"] and
                "gaia_source WHERE" in request["body"]]  # fmt: skip


def test_stars_that_do_not_come_are_noted_and_asked_for_once_more(server: ArchiveServer, tmp_path: Path) -> None:
    settings = settings_of(server, twomass={"by": "none"}, apogee={"source": "none"})
    server.fault("drop_rows", path="/data-server", n=2, arg=3)  # the first time, and the second
    landing = fetch(settings, tmp_path)
    missing = landing.missing("xp_continuous_mean_spectrum")
    assert len(missing.ids()) == 3
    before = landing.rows()["xp_continuous_mean_spectrum"]
    landing = fetch(settings, tmp_path)
    assert landing.rows()["xp_continuous_mean_spectrum"] == before + 3
    assert len(missing.ids()) == 0


def test_a_job_that_an_interrupted_run_started_is_taken_up_again(server: ArchiveServer, tmp_path: Path) -> None:
    settings = settings_of(server, retry={"attempts": 1}, twomass={"by": "none"}, apogee={"source": "none"})
    server.fault("reset", path="results/result")
    with pytest.raises(StellarError):
        fetch(settings, tmp_path)
    assert len([request for request in server.log() if request["path"].endswith("/async")]) == 1
    landing = fetch(settings, tmp_path)
    assert not [request for request in server.log() if request["path"].endswith("/async")]
    assert landing.rows()["gaia_source"] > 0
