"""What runs that ended early leave is removed, and what another run still needs is not."""

from pathlib import Path

import pytest

from stellarfm.home import Home
from stellarfm.leftovers import forget_checks, forget_unfinished


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path)


def test_trainings_of_other_settings_are_removed_and_said_and_ones_own_is_kept(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.runs / ".mine.partial" / "checkpoints" / "step-000000100").mkdir(parents=True)
    (home.runs / ".other.partial" / "checkpoints" / "step-000001200").mkdir(parents=True)
    assert [found.step for found in forget_unfinished(home, "mine")] == [1200]
    assert [path.name for path in home.runs.iterdir()] == [".mine.partial"]
    assert "step 1,200: runs/other" in capsys.readouterr().err


def test_checks_of_both_warehouses_and_of_releases_stay_and_those_of_no_warehouse_go(home: Home) -> None:
    for name in ("learning", "publishing", "before", "failed", "r1-abc"):
        (home.checks / name).mkdir(parents=True)
    (home.releases / "r1-abc").mkdir(parents=True)
    (home.checks / "accepted.json").touch()
    forget_checks(home, {"learning", "publishing"})
    left = {path.name for path in home.checks.iterdir()}
    assert left == {"learning", "publishing", "failed", "r1-abc", "accepted.json"}
