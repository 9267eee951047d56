"""On a machine that limits addresses a small run is made in 3 GB, and what cannot end does not begin."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import environment, small_settings


def run_within(num_bytes: int, words: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "stellarfm.cli", *words],
        cwd=folder,
        env=environment(folder),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (num_bytes, num_bytes)),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_too_few_addresses_are_told_at_the_start(tmp_path: Path) -> None:
    done = run_within(1_500_000_000, ["run"], tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "stellarfm: the address space of this process is limited to 1.5 GB, and a run needs 2.5 GB at least; "
        "raise it with `ulimit -v`\n"
    )
    assert not (tmp_path / "stellarfm-home").exists()


@pytest.mark.slow
def test_a_small_run_is_made_in_3_gb(tmp_path: Path) -> None:
    done = run_within(3_000_000_000, ["run", *small_settings()], tmp_path)
    assert done.returncode == 0, done.stderr
