"""Killed anywhere and started again, a product ends with the same content as an unbroken one."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stellarfm.home import Home
from tests.conftest import Made, small_settings, start, stellarfm, succeed


def _kill_when(arguments: list[str], folder: Path, reached: Callable[[Path], bool]) -> None:
    """Start a command and kill it, without a chance to clean up, as soon as it has got somewhere."""
    with _started(arguments, folder) as process:
        _wait(process, lambda: reached(folder / "stellarfm-home"))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


@contextmanager
def _started(arguments: list[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that is at work; it does not outlive the test."""
    process = start(arguments, folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _some(home: Path, pattern: str) -> bool:
    return any(home.glob(pattern))


def test_killed_while_ingesting_training_and_publishing_it_ends_with_the_same_release(
    made: Made, tmp_path: Path
) -> None:
    settings = small_settings()
    _kill_when(["ingest", *settings], tmp_path, lambda home: _some(home, "landing/*/*/*.parquet"))
    succeed(["ingest", *settings], tmp_path)
    _kill_when(["prepare", *settings], tmp_path, lambda home: _some(home, ".warehouse.duckdb.partial"))
    assert not (tmp_path / "stellarfm-home" / "warehouse.duckdb").exists()
    often = [*settings, "--set", "training.checkpoint_every=5"]
    succeed(["prepare", *settings], tmp_path)
    _kill_when(["train", *often], tmp_path, lambda home: _some(home, "runs/.*.partial/checkpoints/*/state.json"))
    assert not _some(tmp_path / "stellarfm-home", "runs/[0-9a-f]*")
    succeed(["train", *often], tmp_path)
    succeed(["promote", *often], tmp_path)
    _kill_when(["publish", *settings], tmp_path, lambda home: _some(home, "releases/.r1-*.partial"))
    assert not _some(tmp_path / "stellarfm-home", "releases/latest")
    again = succeed(["run", *settings], tmp_path)
    unbroken = succeed(["run", *settings], made.folder)
    assert again["content_hash"] == unbroken["content_hash"]
    assert again["release"] == unbroken["release"]


@pytest.mark.parametrize("command", ["run", "ingest", "publish"])
def test_two_runs_at_once_on_one_home_are_one_too_many(tmp_path: Path, command: str) -> None:
    with Home.open(tmp_path / "stellarfm-home").lock():
        done = stellarfm([command, *small_settings()], tmp_path)
    assert done.returncode == 1
    assert "another run is at work on the home" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_landing_part_that_no_longer_fits_its_hash_is_fetched_anew_and_until_then_not_used(tmp_path: Path) -> None:
    succeed(["ingest", *small_settings()], tmp_path)
    part = next((tmp_path / "stellarfm-home").glob("landing/*/gaia_source/*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused = stellarfm(["prepare", *small_settings()], tmp_path)
    assert refused.returncode == 1
    assert f"{part} is damaged" in refused.stderr and "run `stellarfm ingest`" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert not (tmp_path / "stellarfm-home" / "warehouse.duckdb").exists()
    done = stellarfm(["ingest", *small_settings()], tmp_path)
    assert "is damaged" in done.stderr and "it is fetched anew" in done.stderr
    assert part.read_bytes() == content


def test_a_termination_signal_lets_training_write_a_checkpoint_first(tmp_path: Path) -> None:
    settings = small_settings()
    for earlier in ("ingest", "prepare"):
        succeed([earlier, *settings], tmp_path)
    often = ["--set", "training.max_steps=100000", "--set", "training.checkpoint_every=5"]
    home = tmp_path / "stellarfm-home"
    with _started(["train", *settings, *often], tmp_path) as process:
        _wait(process, lambda: _some(home, "runs/.*.partial/checkpoints/*/state.json"))
        process.terminate()
        _, told = process.communicate(timeout=100)
    assert process.returncode == 143, told
    state = next(home.glob("runs/.*.partial/checkpoints/*/state.json"))
    assert json.loads(state.read_text())["step"] >= 5
