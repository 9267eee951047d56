"""The lock file says the same as the constraints, with a hash of every file, and names no place to fetch them from."""

import re

from tests.conftest import REPOSITORY

_FOLDER = REPOSITORY / "deployment"
_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in _PIN.findall(text)}


def test_the_lock_pins_what_the_constraints_pin() -> None:
    locked, constrained = _pins("requirements.lock"), _pins("constraints.txt")
    # what the lock has beyond them: CUDA's libraries, which a torch without a CPU build needs
    assert {name: locked.get(name) for name in constrained} == constrained


def test_every_package_of_the_lock_has_a_hash_and_no_address() -> None:
    text = (_FOLDER / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text[text.index("\n\n") if text.startswith("\n") else text.index("==") :])
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|index-url|find-links", text)
