"""A terminal of a given width, to see what a person sees."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import environment

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(arguments: Sequence[str], folder: Path, columns: int = 80) -> list[str]:
    """Return the lines that a command shows on a terminal, without their colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in environment(folder).items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "stellarfm", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:  # how Linux says that the other end has closed
        pass
    os.close(ours)
    process.wait(timeout=60)
    return _STYLE.sub("", seen.decode()).replace("\r", "").splitlines()
