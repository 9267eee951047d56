"""What a selection will bring is told before anything is fetched, and what speaks against it in one sentence."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_plus

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from stellarfm.archives.counting import labelled_here, refuse_unfit
from stellarfm.archives.esa import Esa
from stellarfm.archives.files import Files
from stellarfm.archives.leung_bovy import DATASETS, LeungBovy
from stellarfm.archives.simulated import SimulatedSky
from stellarfm.cli import app
from stellarfm.config import Archive, Gaia, Settings
from stellarfm.errors import StellarError
from stellarfm.landing.expected import (
    Expected,
    in_bytes,
    in_time,
    size_of,
    time_of,
    too_few_labels,
)
from stellarfm.landing.parts import Landing
from stellarfm.surveys.selection import choose_surveys
from tests.archive_server import ArchiveServer
from tests.stellarfm.archives.loopback import fetch, settings_of
from tests.stellarfm.archives.training_file import write_datasets

BRIGHT = "phot_g_mean_mag < 13"


def ask(*words: str) -> Any:
    """Return what a command prints with --dry-run and --json."""
    answer = CliRunner().invoke(app, [*words, "--dry-run", "--json"], catch_exceptions=False)
    return json.loads(answer.stdout)


def options_of(settings: Settings, home: Path) -> list[str]:
    """The options of a command for settings of a test, in a file beside its home."""
    file = home.with_suffix(".toml")
    file.write_text(settings.to_toml(), encoding="utf-8")
    return ["--config", str(file), "--home", str(home)]


def column(landing: Landing, table: str, name: str) -> pa.ChunkedArray:
    return pq.read_table([str(file) for file in landing.files(table)], columns=[name])[name]


# ------------------------------------------------------------------------------------------------- without a server


def test_too_few_labelled_stars_are_warned_of_and_unknown_ones_are_not() -> None:
    assert too_few_labels(50) == Expected(labelled_stars=None).warnings == []
    (few,) = Expected(labelled_stars=5).warnings
    assert few.startswith("only 5 labelled stars are among the selected Gaia sources, and a model needs at least 50")
    assert Expected(labelled_stars=0).warnings[0].startswith("no labelled star is among the selected Gaia sources")


def test_sizes_and_times_are_told_in_units_of_people() -> None:
    assert [in_bytes(n) for n in (None, 3_200_000, 250e9, 2.3e12)] == [
        "",
        "about 3.2 MB",
        "about 250 GB",
        "about 2.3 TB",
    ]
    assert [in_time(s) for s in (None, 12.4, 130, 9000, 86400 * 60)] == [
        "", "about 12 s", "about 2.2 min", "about 2.5 h", "about 60 days",
    ]  # fmt: skip


def test_spectra_are_most_of_the_size_and_of_the_time() -> None:
    with_spectra = {"gaia_source": 1000, "xp_continuous_mean_spectrum": 1000}
    without = {"gaia_source": 1000}
    assert size_of(with_spectra) > 5 * size_of(without)
    assert time_of(with_spectra, requests=0, xp="datalink", twomass="none") == pytest.approx(3.0 + 1000 / 14_000)
    assert time_of(without, requests=2, xp="none", twomass="none") == pytest.approx(2.0 + 1000 / 14_000)


def gaia_of(rows: int) -> Any:
    """An archive of Gaia that counts."""
    return SimpleNamespace(identifier=choose_surveys().gaia.identifier, count=lambda _part: rows)


def test_a_selection_of_nothing_is_refused() -> None:
    settings = Settings(archive=Archive(name="esa"), gaia=Gaia(where="parallax > 1000000"))
    with pytest.raises(StellarError, match=r"^no star fulfils gaia\.where = 'parallax > 1000000'; widen it$"):
        refuse_unfit(settings, gaia_of(0))


def test_the_whole_sky_needs_a_confirmation_and_the_sentence_says_how_large_it_is() -> None:
    whole = {"where": "source_id > 0"}
    with pytest.raises(StellarError) as refused:
        refuse_unfit(Settings(archive=Archive(name="esa"), gaia=Gaia(**whole)), gaia_of(1_811_709_771))
    assert str(refused.value) == (
        "gaia.where = 'source_id > 0' selects 1,811,709,771 stars, more than gaia.max_rows = 5,000,000: up to 2.8 TB and "
        "80 days; narrow it, or confirm with --set gaia.max_rows=1811709771"
    )
    confirmed = Settings(archive=Archive(name="esa"), gaia=Gaia(**whole, max_rows=1_811_709_771))
    refuse_unfit(confirmed, gaia_of(1_811_709_771))


def test_of_the_simulated_sky_its_stars_are_known_and_the_home_is_not_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for command in ("run", "ingest"):
        found = ask(command, "--home", str(home), "--set", "archive.num_stars=3000")
        assert (found["expected"]["gaia_sources"], found["expected"]["requests"]) == (3000, 0)
        assert found["expected"]["labelled_stars"] is None
        assert set(found["queries"][0]) == {"table", "part", "text", "rows"}
        assert found["warnings"] == []
    assert not home.exists()


def test_a_simulated_sky_that_is_made_takes_no_more_time(tmp_path: Path) -> None:
    sky, landing = SimulatedSky(300, 7, 1), Landing(tmp_path, "sky")
    assert sky.expect(landing).time_s == pytest.approx(0.1)
    sky.fetch(landing, lambda _done, _total, _remark: None)
    assert sky.expect(landing).time_s == 0


def test_the_counts_stand_above_the_queries_for_people(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["run", "--dry-run", "--home", str(tmp_path)], catch_exceptions=False).stdout
    assert shown.index("Gaia sources") < shown.index("labelled stars") < shown.index("gaia_source part-00000")


def test_parquet_files_of_ones_own_tell_their_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"source_id": [1, 2, 3]}), tmp_path / "gaia.parquet")
    (tmp_path / "apogee.csv").write_text("APOGEE_ID\n2M1\n", encoding="utf-8")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        '[gaia_source]\nfiles = "gaia.parquet"\n\n[apogee_allstar]\nfiles = "apogee.csv"\n', encoding="utf-8"
    )
    expected = Files(mapping, choose_surveys(), 7).expect(Landing(tmp_path, "files"))
    assert (expected.gaia_sources, expected.xp_spectra, expected.apogee_stars) == (3, 0, None)
    assert expected.notes["apogee_stars"] == "known when the files are read"
    assert expected.size_bytes == sum((tmp_path / name).stat().st_size for name in ("gaia.parquet", "apogee.csv"))


def test_the_authors_file_tells_its_rows_and_how_many_have_a_teff(tmp_path: Path) -> None:
    path = tmp_path / "training_set.h5"
    kinds = {"S": "S16", "iu": np.int64, "biu": np.int8, "f": np.float32}
    rows = {name: np.zeros((4, width) if width > 1 else 4, kinds[kind]) for name, width, kind in DATASETS.values()}
    rows[DATASETS["teff"][0]][1] = np.nan
    write_datasets(path, rows)
    expected = LeungBovy(path).expect(Landing(tmp_path, "file"))
    assert (expected.gaia_sources, expected.labelled_stars, expected.size_bytes) == (4, 3, path.stat().st_size)


# ------------------------------------------------------------------------------------------- at the archives on loopback


@pytest.fixture
def server(archive_server: ArchiveServer) -> ArchiveServer:
    archive_server.clear()
    return archive_server


def test_what_is_expected_is_what_comes(server: ArchiveServer, archive_landing: Landing, tmp_path: Path) -> None:
    settings = settings_of(server, gaia={"where": BRIGHT}, twomass={"by": "neighbours"})
    first = Esa(settings).expect(Landing(tmp_path, Esa(settings).folder))
    assert first.apogee_stars == archive_landing.rows()["apogee_allstar"]
    assert (first.labelled_stars, first.notes["labelled_stars"]) == (None, "known after APOGEE's table is here")
    landing = fetch(settings, tmp_path)
    rows = landing.rows()
    assert (first.gaia_sources, first.xp_spectra) == (rows["gaia_source"], rows["xp_continuous_mean_spectrum"])
    assert first.twomass_sources == pytest.approx(rows["twomass_psc"], rel=0.03)  # one may belong to two of Gaia's
    later = Esa(settings).expect(landing)
    assert later.labelled_stars == labelled_here(landing, choose_surveys()) > 50
    assert (later.requests, later.gaia_sources) == (0, first.gaia_sources)


def test_labels_are_counted_where_apogees_table_is_here_from_another_selection(
    server: ArchiveServer, tmp_path: Path
) -> None:
    """Given a home with APOGEE's table, expect the labelled stars of a new selection: by identifiers that are uploaded."""
    cheap = {"twomass": {"by": "none"}}
    fetch(settings_of(server, gaia={"where": BRIGHT, "xp": "none"}, **cheap), tmp_path)
    bright = Esa(settings_of(server, gaia={"where": "phot_g_mean_mag < 12", "xp": "none"}, **cheap))
    expected = bright.expect(Landing(tmp_path, bright.folder))
    assert expected.labelled_stars == labelled_here(fetch(bright.settings, tmp_path), choose_surveys())
    alone = {"gaia": {"where": f"source_id = {unlabelled(tmp_path)}", "xp": "none"}, **cheap}
    published = Esa(settings_of(server, **alone))
    assert published.expect(Landing(tmp_path, published.folder)).warnings == []  # a model learns from APOGEE's
    learned = Esa(settings_of(server, training={"stars": "selection"}, **alone))
    (warning,) = learned.expect(Landing(tmp_path, learned.folder)).warnings
    assert warning.startswith("no labelled star is among the selected Gaia sources")


def unlabelled(root: Path) -> int:
    """Return a source of Gaia that is none of APOGEE's stars."""
    landing = Landing(root, next(root.glob("esa-*")).name)
    gaia, stars = column(landing, "gaia_source", "source_id"), column(landing, "apogee_allstar", "GAIAEDR3_SOURCE_ID")
    return int(gaia.filter(pc.invert(pc.is_in(gaia, value_set=stars.combine_chunks())))[0].as_py())


def test_of_the_stars_of_apogee_all_is_known_once_its_table_is_here(server: ArchiveServer, tmp_path: Path) -> None:
    settings = settings_of(server, gaia={"where": "", "xp": "none"}, twomass={"by": "none"})
    assert Esa(settings).expect(Landing(tmp_path, "nothing")).gaia_sources is None
    landing = fetch(settings, tmp_path)
    expected = Esa(settings_of(server, gaia={"where": ""})).expect(landing)
    assert expected.gaia_sources == landing.rows()["gaia_source"]
    with_spectra = pc.sum(column(landing, "gaia_source", "has_xp_continuous")).as_py()
    assert (expected.xp_spectra, expected.labelled_stars) == (with_spectra, labelled_here(landing, choose_surveys()))


def test_a_dry_run_asks_for_counts_alone(server: ArchiveServer, tmp_path: Path) -> None:
    words = options_of(settings_of(server, gaia={"where": BRIGHT}), tmp_path / "home")
    found = ask("run", *words)
    assert found["expected"]["gaia_sources"] == found["queries"][1]["rows"] > 0
    assert found == ask("ingest", *words)
    queries = [unquote_plus(request["body"]) for request in server.log() if request["method"] == "POST"]
    assert queries
    assert all("COUNT(*)" in query for query in queries)
    assert not (tmp_path / "home").exists()


def test_without_apogee_there_are_no_labels_and_that_is_warned_of(server: ArchiveServer, tmp_path: Path) -> None:
    words = options_of(settings_of(server, gaia={"where": BRIGHT}, apogee={"source": "none"}), tmp_path / "home")
    found = ask("run", *words)
    assert (found["expected"]["apogee_stars"], found["expected"]["labelled_stars"]) == (0, 0)
    assert found["warnings"][0].startswith("no labelled star is among the selected Gaia sources")


REFUSED = {
    "parallax > 1000000": "no star fulfils gaia.where = 'parallax > 1000000'; widen it",
    "paralax > 20": "paralax.*; 'paralax' is no column that the profile of Gaia DR3 has .near it: parallax",
    "source_id > 0": r"selects \d,\d+ stars, more than gaia.max_rows = 1,000: up to .* MB and \d+ s; narrow it, or confirm",
}


@pytest.mark.parametrize(("where", "sentence"), REFUSED.items())
def test_an_unfit_selection_is_refused_before_anything_is_fetched(
    where: str, sentence: str, server: ArchiveServer, tmp_path: Path
) -> None:
    settings = settings_of(server, gaia={"where": where, "max_rows": 1000})
    for attempt in (lambda: fetch(settings, tmp_path), lambda: Esa(settings).plan()):
        with pytest.raises(StellarError, match=sentence) as refused:
            attempt()
        assert "\n" not in str(refused.value)
    asked = {request["path"].partition("?")[0].rpartition("/")[2] for request in server.log()}
    assert asked <= {"sync", "notification"}  # no job, no spectra, no file
    assert not Landing(tmp_path, Esa(settings).folder).manifests()


@pytest.mark.parametrize("end", ["", "/data", "/data/"])
def test_datalinks_address_is_taken_with_or_without_its_end(
    end: str, server: ArchiveServer, archive_landing: Landing
) -> None:
    address = server.data_url.removesuffix("/data") + end
    client = Esa(settings_of(server, gaia={"data_url": address})).clients.data_link
    ids = np.sort(column(archive_landing, "xp_continuous_mean_spectrum", "source_id").to_numpy()[:3])
    assert sorted(client.ask(ids)["source_id"].to_pylist()) == ids.tolist()
