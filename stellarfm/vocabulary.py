"""The tokens a model knows, as data: a vocabulary is read from TOML and names no survey in code.

Needs the standard library alone, so that the model trains on a bare GPU machine.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from stellarfm.errors import StellarError
from stellarfm.resources import resource_folder
from stellarfm.suggestions import near

_TOKEN_KEYS = {"name", "value", "error", "unit", "description", "kind", "requestable", "optional", "count"}
KINDS = ("label", "colour", "spectrum")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_MOST_TOKENS = 100_000


@dataclass(frozen=True)
class Token:
    """One kind of scalar that may be known of a star.

    Attributes
    ----------
    name
        The name used in requests and outputs, e.g. ``teff`` or ``bp0``.
    value, error
        DuckDB expressions over the columns of a table; `error` is 1 sigma in the unit of the value, "" if none
        is known. For a series they give an array, and `element` is the 0-based place in it.
    unit
        VOUnits string, "" if dimensionless.
    kind
        ``label``, ``colour`` or ``spectrum``; the sampler balances labels against spectra.
    requestable
        Whether training asks for it (a token that is not requestable is an input only).
    optional
        Whether a table may lack its columns; the token is unknown for all stars then.
    """

    name: str
    value: str
    error: str = ""
    unit: str = ""
    description: str = ""
    kind: str = "label"
    requestable: bool = True
    optional: bool = False
    element: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no token, wherever it was read from: names stand in requests, in queries and in files."""
        _refuse_odd_name(self.name, "the name of a token")
        texts = (self.value, self.error, self.unit, self.description)
        if self.kind not in KINDS or not all(isinstance(text, str) for text in texts):
            raise StellarError(
                f"the token {self.name!r} has kind {self.kind!r}; kinds are {_listing(KINDS)}, and all but its switches is text"
            )


@dataclass(frozen=True)
class Task:
    """A question that a report puts to held-out stars.

    Attributes
    ----------
    name
        What is asked, in a few words.
    inputs, requests
        Names of the tokens that are shown, and of those that are asked for.
    """

    name: str
    inputs: tuple[str, ...]
    requests: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """An ordered set of tokens; token i has id i + 1 and id 0 is padding.

    Attributes
    ----------
    name
        Short name, the stem of the TOML file.
    identifier
        Column that identifies a star in a training table; "" if rows have no identity.
    tokens
        The tokens in id order.
    tasks
        What a report asks; the first is the one that the gate looks at.
    """

    name: str
    identifier: str
    tokens: tuple[Token, ...]
    tasks: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an identifier that is no name."""
        if self.identifier != "":
            _refuse_odd_name(self.identifier, "the identifier of a vocabulary")

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Token names in id order."""
        return tuple(token.name for token in self.tokens)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what a model depends on: names, units and kinds in order (not where a survey keeps them)."""
        what = [(token.name, token.unit, token.kind, token.requestable) for token in self.tokens]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]

    def index(self, name: str) -> int:
        """Return the 0-based place of a token.

        Raises
        ------
        StellarError
            If the vocabulary has no such token.
        """
        try:
            return self.names.index(name)
        except ValueError:
            known = near(name, self.names) or f"; it has {_listing(self.names)}"
            raise StellarError(f"the vocabulary {self.name!r} has no token {name!r}{known}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form that `from_dict` reads back."""
        return {
            "name": self.name,
            "identifier": self.identifier,
            "tokens": [asdict(token) for token in self.tokens],
            "tasks": [asdict(task) for task in self.tasks],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Vocabulary":
        """Read the form that `to_dict` writes."""
        tasks = tuple(
            Task(task["name"], tuple(task["inputs"]), tuple(task["requests"])) for task in data.get("tasks", [])
        )
        return cls(data["name"], data["identifier"], tuple(Token(**token) for token in data["tokens"]), tasks)


def load_vocabulary(name_or_path: str | Path) -> Vocabulary:
    """Read a vocabulary: a name that stellarfm ships (``leung_bovy``, ``photometry``) or the path of a TOML file.

    Raises
    ------
    StellarError
        If there is no such vocabulary, or the file is not one.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = resource_folder("vocabularies") / f"{name_or_path}.toml"
    if not path.is_file():
        shipped = sorted(p.stem for p in resource_folder("vocabularies").glob("*.toml"))
        raise StellarError(
            f"there is no vocabulary {str(name_or_path)!r}{near(str(name_or_path), shipped)}; "
            f"use one of {', '.join(shipped)}, or the path of a .toml file"
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise StellarError(f"the vocabulary {path} is not valid TOML: {error}") from error
    tokens = tuple(token for entry in data.get("token", []) for token in _expand(entry, path))
    names = [token.name for token in tokens]
    if not tokens or len(set(names)) != len(names):
        raise StellarError(f"the vocabulary {path} needs at least one [[token]] and each name only once")
    if len(tokens) < 2 or not any(token.requestable for token in tokens):
        raise StellarError(
            f"the vocabulary {path} leaves nothing to learn: it needs two tokens, one to show and one to ask for "
            "(requestable = true)"
        )
    vocabulary = Vocabulary(path.stem, data.get("identifier", ""), tokens)
    tasks = tuple(_read_task(entry, vocabulary, path) for entry in data.get("task", []))
    return replace(vocabulary, tasks=tasks or (_default_task(vocabulary),))


def _expand(entry: dict[str, Any], path: Path) -> list[Token]:
    """Return the token of a TOML entry, or the tokens name0, name1, … of a series (an entry with `count`)."""
    unknown = set(entry) - _TOKEN_KEYS
    if unknown or not {"name", "value"} <= set(entry):
        wrong = f"the unknown key {sorted(unknown)[0]!r}" if unknown else "no name or no value"
        raise StellarError(
            f"a [[token]] of the vocabulary {path} has {wrong}; keys are {_listing(sorted(_TOKEN_KEYS))}"
        )
    if entry.get("kind", "label") not in KINDS:
        raise StellarError(
            f"the token {entry['name']!r} of {path} has kind {entry['kind']!r}; kinds are {_listing(KINDS)}"
        )
    rest = {key: value for key, value in entry.items() if key not in ("count", "name")}
    if "count" not in entry:
        return [Token(name=entry["name"], **rest)]
    count = entry["count"]
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_TOKENS:
        raise StellarError(
            f"the count of the token {entry['name']!r} of {path} is {count!r}; it may be 1 to {_MOST_TOKENS:,}"
        )
    return [Token(name=f"{entry['name']}{i}", element=i, **rest) for i in range(count)]


def _read_task(entry: dict[str, Any], vocabulary: Vocabulary, path: Path) -> Task:
    if set(entry) != {"name", "inputs", "requests"}:
        raise StellarError(f"a [[task]] of {path} needs the keys name, inputs and requests, and no others")
    inputs = tuple(name for word in entry["inputs"] for name in expand_names(word))
    for name in (*inputs, *entry["requests"]):
        vocabulary.index(name)
    return Task(entry["name"], inputs, tuple(entry["requests"]))


def _default_task(vocabulary: Vocabulary) -> Task:
    """Return the question of every survey: the labels from everything that is measured.

    Where there are no labels, or nothing else, it is the spectrum from the colours; of a single kind, every second token
    from the others.
    """
    tokens = vocabulary.tokens
    for kind, name in (("label", "labels from measurements"), ("spectrum", "spectrum from colours")):
        inputs = tuple(token.name for token in tokens if token.kind != kind)
        requests = tuple(token.name for token in tokens if token.kind == kind and token.requestable)
        if inputs and requests:
            return Task(name, inputs, requests)
    requests = tuple(token.name for token in tokens if token.requestable)[-1::-2][::-1]
    return Task("half from the other half", tuple(name for name in vocabulary.names if name not in requests), requests)


def default_request(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return what is asked for where nobody says what: the labels, else what the first task asks for."""
    labels = tuple(token.name for token in vocabulary.tokens if token.kind == "label" and token.requestable)
    return labels or vocabulary.tasks[0].requests


def request_names(request: str | Iterable[str]) -> tuple[str, ...]:
    """Return the tokens of a request: text with commas, or names; ranges such as ``bp0:4`` are written out."""
    words = request.split(",") if isinstance(request, str) else request
    return tuple(name for word in words for name in expand_names(word.strip()))


def expand_names(word: str) -> list[str]:
    """Return the names of a range such as ``bp0:29`` (both ends included), or the word itself."""
    match = re.fullmatch(r"([a-z_]+)(\d+):(\d+)", word)
    if match is None:
        return [word]
    return [f"{match[1]}{i}" for i in range(int(match[2]), int(match[3]) + 1)]


def _refuse_odd_name(name: Any, called: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise StellarError(
            f"{called} is {str(name)[:80]!r}; it must be letters of ASCII, digits and _, at most 63, no digit first"
        )


def _listing(names: tuple[str, ...] | list[str], limit: int = 12) -> str:
    """Return names for a sentence, shortened when there are many."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
