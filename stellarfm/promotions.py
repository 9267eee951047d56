"""The history of champions: who put which model into use, when, from whom, why. Appended to, never changed.

Champions are a stack: a promotion puts one on top, a rollback takes off what is above the one that it goes back to, and marks
that as rejected. So going back twice goes back two steps, and nothing that was taken off returns by itself.
"""

import getpass
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Action = Literal["promoted", "rolled back", "refused", "pinned", "unpinned"]


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes
    ----------
    number
        Its place in the history, from 1.
    at, who
        Time (ISO 8601, UTC) and user.
    action
        What happened.
    line
        Name of the vocabulary whose champion it is about.
    version, before
        The version that it is about, and the champion before; None where there was none.
    reason
        Why, in words.
    forced
        Whether a person overrode the gate.
    """

    number: int
    at: str
    who: str
    action: Action
    line: str
    version: int
    before: int | None
    reason: str
    forced: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return asdict(self)

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(self.to_dict())


@dataclass(frozen=True)
class History:
    """What the history of one vocabulary says now.

    Attributes
    ----------
    champion
        The version in use, None if there is none.
    stack
        The champions that are still one above the other, the present one last.
    former
        Every version that was champion and that nobody rejected.
    rejected
        Versions that no run may promote again, with the reason.
    pinned
        The version that stays champion whatever comes, None if none is pinned.
    """

    champion: int | None
    stack: tuple[int, ...]
    former: tuple[int, ...]
    rejected: Mapping[int, str]
    pinned: int | None


def history_of(entries: Sequence[Entry], line: str) -> History:
    """Return what a history says of a vocabulary."""
    stack = stack_of(entries, line)
    former = tuple(former_champions(entries, line))
    return History(champion_of(entries, line), tuple(stack), former, rejected(entries, line), pinned(entries, line))


def entry_after(
    entries: Sequence[Entry], action: Action, line: str, version: int, reason: str, *, forced: bool = False
) -> Entry:
    """Return what happens next, by whom and now."""
    before = champion_of(entries, line)
    return Entry(len(entries) + 1, _now(), _who(), action, line, version, before, reason, forced)


def read_entries(lines: Sequence[str]) -> list[Entry]:
    """Read a history, by number.

    Raises
    ------
    ValueError, TypeError
        If a line is not an entry.
    """
    return sorted((Entry(**json.loads(line)) for line in lines if line.strip()), key=lambda entry: entry.number)


def stack_of(entries: Sequence[Entry], line: str) -> list[int]:
    """Return the champions of a vocabulary that are still one above the other, the present one last."""
    stack: list[int] = []
    for entry in _of(entries, line):
        if entry.action == "promoted":
            # one that comes back, by a person's word, stands on top alone
            stack = [*(version for version in stack if version != entry.version), entry.version]
        elif entry.action == "rolled back" and entry.version in stack:
            stack = stack[: stack.index(entry.version) + 1]
    return stack


def champion_of(entries: Sequence[Entry], line: str) -> int | None:
    """Return the present champion of a vocabulary, None if there is none."""
    stack = stack_of(entries, line)
    return stack[-1] if stack else None


def former_champions(entries: Sequence[Entry], line: str) -> list[int]:
    """Return every version that ever was champion and was not rejected since, without the present one."""
    promoted = dict.fromkeys(entry.version for entry in _of(entries, line) if entry.action == "promoted")
    out = rejected(entries, line)
    return [version for version in promoted if version not in out and version != champion_of(entries, line)]


def rejected(entries: Sequence[Entry], line: str) -> dict[int, str]:
    """Return the versions that no run may promote again, with the reason: a rollback left them, and nobody took them back."""
    found: dict[int, str] = {}
    stack: list[int] = []
    for entry in _of(entries, line):
        if entry.action == "promoted":
            stack = [*(version for version in stack if version != entry.version), entry.version]
            found.pop(entry.version, None)
        elif entry.action == "rolled back" and entry.version in stack:
            place = stack.index(entry.version) + 1
            found |= dict.fromkeys(stack[place:], f"rolled back on {entry.at[:10]}: {entry.reason}")
            stack = stack[:place]
    return found


def pinned(entries: Sequence[Entry], line: str) -> int | None:
    """Return the version that stays champion whatever comes, None if none is pinned."""
    held: int | None = None
    for entry in _of(entries, line):
        if entry.action == "pinned":
            held = entry.version
        elif entry.action == "unpinned":
            held = None
    return held


def _of(entries: Sequence[Entry], line: str) -> list[Entry]:
    return [entry for entry in entries if entry.line == line]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    """Return the user's name; a container may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
