"""Servers that the environment names: none, an empty one, one that is down."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Made, environment, small_settings


def _run(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stellarfm", "run", *small_settings()]
    env = environment(folder) | variables
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=280)


def test_an_empty_address_of_prefect_is_none(made: Made) -> None:
    done = _run(made.folder, PREFECT_API_URL="")
    assert done.returncode == 0, done.stderr
    assert "Release r1-" in done.stdout
    assert "ERROR" not in done.stderr
    assert not (made.folder / ".prefect").exists()  # HOME is that folder
    assert (made.home / "prefect").is_dir()


@pytest.mark.parametrize(
    ("variable", "address"),
    [("PREFECT_API_URL", "http://me:secret@127.0.0.1:{}/api"), ("MLFLOW_TRACKING_URI", "http://127.0.0.1:{}")],
)
def test_a_server_that_is_down_is_named_before_anything_is_made(tmp_path: Path, variable: str, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    done = _run(tmp_path, **{variable: address.format(port)})
    assert done.returncode == 1
    assert time.monotonic() - began < 30  # of which most is Python's start on a busy machine
    assert f"{variable} names http://127.0.0.1:{port}" in done.stderr
    assert "no server answers; start it, or unset the variable" in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_process_of_flows_ends_without_a_page_about_threads_and_with_its_own_code(tmp_path: Path) -> None:
    """Given a thread that holds types of DuckDB at the end, as Prefect's do, expected silence after the last word."""
    code = """
import flows, duckdb, sys, threading, time
held = duckdb.connect().sql("select 1 as a")
threading.Thread(target=lambda types=held.types: time.sleep(100), daemon=True).start()
print("the last word", file=sys.stderr)
sys.exit(3)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment(tmp_path)
    )
    assert (done.returncode, done.stderr) == (3, "the last word\n")
    noisy = subprocess.run(
        [sys.executable, "-c", code.replace("flows, ", "")],
        capture_output=True,
        text=True,
        check=False,
        env=environment(tmp_path),
    )
    assert "nanobind: leaked" in noisy.stderr, "the binding is silent by itself now: what silences it can go"
