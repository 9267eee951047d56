"""The home folder and its lock."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.home import Home, changes_home


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


def test_who_holds_a_home_may_hold_it_once_more_and_another_thread_may_not(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with home.lock(), home.lock(), ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        with pytest.raises(StellarError, match="another run is at work"):
            pool.submit(lambda: home.lock().__enter__()).result()
        assert time.monotonic() - started < 5
    with home.lock():
        pass


def test_a_function_that_changes_a_home_holds_it_whoever_calls_it(tmp_path: Path) -> None:
    @changes_home
    def work(_name: str, home: Home) -> bool:
        with ThreadPoolExecutor(1) as pool, pytest.raises(StellarError):
            pool.submit(lambda: home.lock().__enter__()).result()
        return True

    assert work("", Home.open(tmp_path)) and work("", home=Home.open(tmp_path))


def test_holding_a_home_clears_what_was_half_made_and_puts_back_what_was_moved(tmp_path: Path) -> None:
    for left in (".warehouse.duckdb.partial.wal", "runs/k/.evaluation-1.partial/a", "checks/.failed.stale/a"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).touch()
    (tmp_path / "runs" / ".k.partial" / "checkpoints").mkdir(parents=True)
    with Home.open(tmp_path).lock():
        left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.name != ".lock")
    assert left == [
        "checks",
        "checks/failed",
        "checks/failed/a",
        "runs",
        "runs/.k.partial",
        "runs/.k.partial/checkpoints",
        "runs/k",
    ]
