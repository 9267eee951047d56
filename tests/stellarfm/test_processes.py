"""What a process started does not outlive it, and a signal ends a process in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE)
print(child.pid, flush=True)
child.wait()
"""
_CHILD = "from stellarfm.processes import end_with_input; import time; end_with_input(); time.sleep(600)"

_POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from stellarfm.processes import end_with_parent

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=end_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("program", [_PARENT.format(child=_CHILD), _POOL], ids=["server", "pool"])
def test_a_child_ends_when_its_parent_is_killed(program: str, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(program)
    with subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    assert _ends(child)


def test_sigterm_unwinds_the_stack(tmp_path: Path) -> None:
    program = (
        "import time; from stellarfm.processes import end_in_order_when_terminated; end_in_order_when_terminated()\n"
        "try: print('ready', flush=True); time.sleep(600)\n"
        "finally: print('cleared', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.stdout.readline() == "cleared\n"
    assert process.returncode == 143


def _ends(process: psutil.Process) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False
