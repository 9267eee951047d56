"""The home folder and its lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.home import Home


def test_a_home_is_made_where_it_is_asked_for(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "a" / "b")
    assert home.path.is_dir()
    assert home.landing.parent == home.path


def test_a_home_that_cannot_be_written_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StellarError, match=r"cannot be written .* --home"):
        Home.open(tmp_path / "file" / "home")


def test_two_runs_cannot_hold_one_home(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    imports = "from stellarfm.home import Home; from pathlib import Path"
    code = f"{imports}\nwith Home.open(Path({str(tmp_path)!r})).lock(): pass"
    with home.lock():
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert other.returncode != 0
    assert "another run is at work" in other.stderr


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with pytest.raises(RuntimeError), home.lock():
        raise RuntimeError
    with home.lock():
        pass
