"""The code blocks of the README and of the documentation, as tests take them apart."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*$", re.DOTALL)
_PROGRAMS = ("stellarfm", ".venv/bin/stellarfm")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    file, line
        Where it stands: the file in the repository, and the line of its fence.
    language
        The word after the fence.
    text
        What is inside.
    not_run
        Why it is neither run nor parsed, from the comment ``<!-- not run: … -->`` above it; "" if it is.
    """

    file: str
    line: int
    language: str
    text: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def commands(self) -> list[list[str]]:
        """Return the words of each command of a block of the shell, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def pages() -> list[Path]:
    """Return the pages that people wrote: the documentation, and what it includes or stands beside it."""
    written = [path for path in (REPOSITORY / "docs").rglob("*.md") if not {"_build", "_generated"} & {*path.parts}]
    beside = ("README.md", "CONTRIBUTING.md", "deployment/archive-server/README.md")
    return [*(REPOSITORY / name for name in beside), *sorted(written)]


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page that have a language; directives of MyST, in braces, have none."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        reason = _NOT_RUN.search(text[: found.start()])
        line = text.count("\n", 0, found.start()) + 1
        name = str(path.relative_to(REPOSITORY))
        yield Block(name, line, found[1], found[2], " ".join(reason[1].split()) if reason else "")


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for path in pages() for block in read_blocks(path)]


def is_ours(words: list[str]) -> bool:
    """Whether a command is of the command line of stellarfm."""
    return words[0] in _PROGRAMS
