"""Which model is in use: aliases in MLflow, and their history, which MLflow does not keep.

The history lies twice: in the home, and in MLflow for those who share a server. An entry is written to the home first and to
MLflow last, with the alias between: what a kill leaves undone is seen by that, and done at the next opening.
"""

import json
import os
from typing import Any

from stellarfm.errors import StellarError
from stellarfm.gate import GateVerdict
from stellarfm.home import Home
from stellarfm.integrity import checked, signed
from stellarfm.progress import tell
from stellarfm.promotions import (
    Action,
    Entry,
    History,
    entry_after,
    history_of,
    read_entries,
)
from stellarfm.registry import CHAMPION, ModelVersion, Registry, alias_of

CANDIDATE = "candidate"
"""Alias of a version that passed the gate and waits for a person."""

PREVIOUS = "previous"
"""Alias of the champion before."""

_LOG = "promotions.jsonl"
_TAG = "history."
_FIRST_LINE = "leung_bovy"
"""The vocabulary that the plain alias ``champion`` stands for, where it has a champion; else that of the first model."""


class Champions:
    """Who is in use in a home, by vocabulary.

    Parameters
    ----------
    registry
        The home's versions.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._log = registry.home.path / _LOG
        self._finish()

    def entries(self) -> list[Entry]:
        """Return everything that happened, in order.

        Raises
        ------
        StellarError
            If the log of the home is damaged and MLflow has none.
        """
        shared = read_entries(list(self._in_mlflow().values()))
        own = self._in_home()
        return shared if len(shared) >= len(own) else own

    def history(self, line: str) -> History:
        """Return what the history says of a vocabulary."""
        return history_of(self.entries(), line)

    def champion(self, line: str) -> ModelVersion | None:
        """Return the version in use of a vocabulary, None if there is none.

        Raises
        ------
        StellarError
            If MLflow's alias says another than the history: somebody changed it by hand.
        """
        said, aliased = self.history(line).champion, self.registry.aliases().get(alias_of(line))
        if said != aliased:
            raise StellarError(
                f"the alias {alias_of(line)} in MLflow stands for version {aliased}, and the history of this home says "
                f'{said}: settle it with `stellarfm model promote VERSION --force --reason "…"`'
            )
        return None if said is None else self.registry.version(said)

    def promote(self, version: int, reason: str, *, forced: bool = False) -> ModelVersion:
        """Make a version the champion of its vocabulary and write down why.

        Raises
        ------
        StellarError
            If there is no such version.
        """
        with self.registry.home.lock():
            chosen = self.registry.version(version)
            line = line_of(chosen)
            # by force also where MLflow was changed by hand: that is how it is settled
            if self.history(line).champion != version or forced:
                self._happens("promoted", line, version, reason, forced=forced)
            self.registry.drop_alias(CANDIDATE, version)
            return self.registry.version(version)

    def rollback(self, line: str, to: int | None = None, reason: str = "rolled back by hand") -> ModelVersion:
        """Go back to an earlier champion, and mark what is left behind as rejected.

        Parameters
        ----------
        line
            The vocabulary.
        to
            An earlier champion; the one before the present if not given.
        reason
            Why.

        Raises
        ------
        StellarError
            If there is no such earlier champion.
        """
        with self.registry.home.lock():
            stack = self.history(line).stack
            earlier = stack[:-1]
            if not earlier:
                raise StellarError(
                    "there is no earlier champion to go back to; `stellarfm model list` shows the versions"
                )
            target = earlier[-1] if to is None else to
            if target not in earlier:
                known = ", ".join(str(version) for version in earlier)
                raise StellarError(f"version {target} is no earlier champion; {known} can be gone back to")
            self._happens("rolled back", line, target, reason)
            for version in stack[stack.index(target) + 1 :]:
                self.registry.set_tag(version, "rejected", reason)
            return self.registry.version(target)

    def refuse(self, version: ModelVersion, verdict: GateVerdict) -> None:
        """Write down that a candidate did not pass; what was written of it before stays in the history."""
        reason = f"{verdict.outcome}: {'; '.join(verdict.reasons)}"
        if version.tags.get("gate") == _tag("failed", reason):
            return  # a repeated run says nothing new
        with self.registry.home.lock():
            self._happens("refused", line_of(version), version.version, reason)
            self.registry.set_tag(version.version, "gate", _tag("failed", reason))

    def accept(self, version: ModelVersion, verdict: GateVerdict, *, wait: bool) -> None:
        """Make a candidate that passed the champion, or let it wait for a person's word."""
        reason = f"{verdict.outcome}: {'; '.join(verdict.reasons)}"
        with self.registry.home.lock():
            self.registry.set_tag(version.version, "gate", _tag("passed", reason))
            if wait:
                self.registry.set_alias(CANDIDATE, version.version)
            else:
                self.promote(version.version, reason)

    def pin(self, version: int) -> None:
        """Keep a champion whatever comes.

        Raises
        ------
        StellarError
            If it is not the champion.
        """
        with self.registry.home.lock():
            line = line_of(self.registry.version(version))
            if self.history(line).champion != version:
                raise StellarError(f"version {version} is not champion; promote it first")
            self._happens("pinned", line, version, "pinned by hand")

    def unpin(self, line: str) -> None:
        """Let candidates replace the champion again."""
        with self.registry.home.lock():
            if (held := self.history(line).pinned) is not None:
                self._happens("unpinned", line, held, "let go by hand")

    def _happens(self, action: Action, line: str, version: int, reason: str, *, forced: bool = False) -> None:
        entries = self.entries()
        entry = entry_after(entries, action, line, version, reason, forced=forced)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(signed(entry.to_dict())) + "\n")
            log.flush()
            os.fsync(log.fileno())
        self._apply([*entries, entry], line)
        self.registry.set_model_tag(f"{_TAG}{entry.number:06d}", entry.to_json())

    def _apply(self, entries: list[Entry], line: str) -> None:
        """Let the aliases say what the history says."""
        stack = history_of(entries, line).stack
        wanted = {alias_of(line): stack[-1] if stack else None}
        lines = list(dict.fromkeys(entry.line for entry in entries if entry.action == "promoted"))
        if lines and line == (_FIRST_LINE if _FIRST_LINE in lines else lines[0]):
            wanted |= {CHAMPION: stack[-1] if stack else None, PREVIOUS: stack[-2] if len(stack) > 1 else None}
        for alias, version in wanted.items():
            if version is None:
                self.registry.drop_alias(alias)
            else:
                self.registry.set_alias(alias, version)

    def _finish(self) -> None:
        """Do what a killed process left undone: an entry that the home has and MLflow does not."""
        known = self._in_mlflow()
        missing = [entry for entry in self._in_home() if f"{_TAG}{entry.number:06d}" not in known]
        if not missing or not self.registry.versions():
            return
        with self.registry.home.lock():
            for entry in missing:
                self._apply([one for one in self._in_home() if one.number <= entry.number], entry.line)
                self.registry.set_model_tag(f"{_TAG}{entry.number:06d}", entry.to_json())

    def _in_mlflow(self) -> dict[str, str]:
        return {name: value for name, value in self.registry.model_tags().items() if name.startswith(_TAG)}

    def _in_home(self) -> list[Entry]:
        """Return the log of the home without the lines that are damaged, which are said: MLflow has them as well."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n") if self._log.is_file() else []
        entries = []
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    entries.append(_entry(checked(json.loads(line)), number, self.registry))
                except (ValueError, TypeError, KeyError) as error:
                    tell(f"line {number} of {self._log} is damaged ({error}) and passed over")
        return entries


def champion_in_use(home: Home, line: str) -> ModelVersion:
    """Return the champion of a vocabulary.

    Raises
    ------
    StellarError
        If there is none.
    """
    found = Champions(Registry(home)).champion(line)
    if found is None:
        raise StellarError(
            f"the home {home.path} has no champion of the vocabulary {line!r}; `stellarfm run` makes one, and "
            "`stellarfm model list` shows what there is"
        )
    return found


def line_of(version: ModelVersion) -> str:
    """Return the vocabulary whose champion a version may be."""
    return version.tags.get("vocabulary", "")


def _entry(data: dict[str, Any], number: int, registry: Registry) -> Entry:
    """Return an entry; those from before 0.2 know neither action nor vocabulary."""
    if "action" in data:
        return Entry(**data)
    line = line_of(registry.version(data["version"]))
    return Entry(number, data["at"], "", "promoted", line, data["version"], data["before"], data["reason"])


def _tag(outcome: str, reason: str) -> str:
    # MLflow keeps 5,000 characters of a tag
    return f"{outcome}: {reason}"[:4000]
