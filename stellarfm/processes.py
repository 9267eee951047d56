"""Processes: a signal ends them in order, and what was started never outlives who started it."""

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

_GRACE_S = 10
"""Seconds that a process which was asked to end may take."""


def end_in_order_when_terminated() -> None:
    """Let SIGTERM, and the end of the terminal, unwind the stack: what is half made is cleared, what was started is stopped."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # nohup ignores it, and is meant
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _unwind)


def _unwind(number: int, _frame: Any) -> NoReturn:
    raise SystemExit(128 + number)


def end_with_parent() -> None:
    """End this process of `multiprocessing` as soon as the one that started it is gone, killed or not.

    A worker of a pool waits for work on a pipe whose other end it holds itself, so that it would wait for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        _in_background(lambda: _end_after(parent))


def _end_after(parent: Any) -> NoReturn:
    parent.join()
    os._exit(1)


def end_with_input() -> None:
    """End this process as soon as its standard input is closed, which the system does where the parent is killed.

    Works on Linux and macOS alike; Linux's own parent-death signal would also come when a thread of the parent ends.
    """
    _in_background(_end_after_input)


def _end_after_input() -> None:
    sys.stdin.buffer.read()
    timer = threading.Timer(_GRACE_S, os._exit, [1])
    timer.daemon = True
    timer.start()
    os.kill(os.getpid(), signal.SIGTERM)


def _in_background(work: Any) -> None:
    threading.Thread(target=work, daemon=True).start()


def servers_left(folder: Path) -> list[int]:
    """Return the temporary Prefect servers that keep their history in a folder and whose run is gone.

    Whoever calls this holds the home, so that no run of it is alive.
    """
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "flows.server" not in words and "prefect.server.api.server" not in words:
            continue
        with suppress(psutil.Error):  # it ended meanwhile, or is somebody else's
            if Path(process.environ().get("PREFECT_HOME", "")).absolute() == folder.absolute():
                found.append(process.pid)
    return found


def end(process: int) -> None:
    """Ask a process to end."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
