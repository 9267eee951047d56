"""Repairing a home: what is wrong is found in every corner, mended where it can be, and listed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stellarfm.atomic import fresh_folder
from stellarfm.commands.repair import repair_home
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.integrity import seal
from stellarfm.landing.parts import Landing
from stellarfm.repair import find_faults
from tests.stellarfm.landing.test_landing import _part


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_a_home_in_order_has_no_fault(home: Home) -> None:
    assert list(find_faults(home)) == []


def test_leftovers_are_listed_and_removed(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for left in (
        ".warehouse.duckdb.partial",
        ".warehouse.duckdb.partial.wal",
        "releases/.r3-abc.partial/catalog.duckdb",
    ):
        (home.path / left).parent.mkdir(parents=True, exist_ok=True)
        (home.path / left).touch()
    repair_home(home.path, as_json=True)
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert [path.name for path in home.path.rglob("*") if "partial" in path.name] == []


def test_a_damaged_part_is_withdrawn_and_a_damaged_evaluation_removed(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    landing = Landing(home.landing, "somewhere")
    landing.write("gaia_source", "part-0000", _part(2), query="", release="DR3")
    landing.files("gaia_source")[0].write_bytes(b"PAR1")
    evaluation = home.runs / "key" / "evaluation-1"
    with fresh_folder(evaluation) as folder:
        (folder / "metrics.json").write_text("{}")
        seal(folder)
    (evaluation / "metrics.json").write_text("{ }")
    repair_home(home.path, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [fault["done"] for fault in told] == [True, True]
    assert landing.parts("gaia_source") == []
    assert not evaluation.exists()


def test_a_release_that_only_a_person_can_mend_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.releases / "r1-abc").mkdir(parents=True)
    (home.releases / "r1-abc" / "release.json").write_text("{")
    with pytest.raises(StellarError, match=r"1 of 1 things remain, first .*release\.json is damaged .*put back a copy"):
        repair_home(home.path, as_json=True)


def test_a_training_that_was_ended_early_is_listed_and_kept(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.runs / ".key.partial" / "checkpoints" / "step-000000400").mkdir(parents=True)
    repair_home(home.path, as_json=True)
    assert "step 400" in json.loads(capsys.readouterr().out)[0]["what"]
    assert (home.runs / ".key.partial").is_dir()


def test_a_home_that_is_held_is_not_repaired(home: Home) -> None:
    held = "import sys; from pathlib import Path; from stellarfm.home import Home\n"
    held += f"with Home(Path({str(home.path)!r})).lock(): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(StellarError, match="another run is at work"):
            repair_home(home.path, as_json=True)
        process.communicate()
