"""Faults that tests arm: the next requests that match go wrong, each in its own way."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

KINDS = {
    # before anything is answered
    "status": "an HTML page with the HTTP status of arg (503; 401 and 403 refuse credentials)",
    "reset": "the connection closes without an answer",
    "delay": "the answer comes after arg seconds (5)",
    "silence": "no answer for arg seconds (3600), longer than any deadline",
    "refuse": "nothing listens for arg seconds (2), from this request on",
    # in the body
    "truncate": "the body ends after arg bytes (half), shorter than its Content-Length",
    "cut": "the body ends after arg bytes (half) and Content-Length agrees: valid HTTP, broken content",
    "kill": "the connection is reset after arg bytes (half) of the body",
    "garbage": "a maintenance page in HTML with status 200",
    # in what is answered, in a valid format
    "drop_rows": "arg rows or stars (1) are missing, and nothing says so",
    "limit": "no more than arg rows or stars (1), as if a row limit were hit",
    "error": "a VOTable that says error, with the message of arg; an asynchronous job ends in phase ERROR",
    "zip_slip": "the zip of DataLink has a member whose name climbs out of the folder",
}


@dataclass
class Fault:
    """One armed fault.

    Attributes
    ----------
    kind
        One of `KINDS`.
    path
        Text that the path and query string of a request must contain.
    n
        How many requests it still hits.
    skip
        How many matching requests it still lets pass.
    arg
        What the kind means by it.
    """

    kind: str
    path: str = ""
    n: int = 1
    skip: int = 0
    arg: str | None = None

    def number(self, default: float) -> float:
        """Return the argument as a number."""
        return float(self.arg) if self.arg else default

    def count(self, default: int) -> int:
        """Return the argument as a whole number."""
        return int(self.number(default))


class Faults:
    """All armed faults; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def arm(self, fields: Mapping[str, str]) -> Fault:
        """Arm a fault from the fields of a request.

        Raises
        ------
        ValueError
            If a field is not known or not a number where one is needed.
        """
        unknown = set(fields) - {"kind", "path", "n", "skip", "arg"}
        if unknown or fields.get("kind") not in KINDS:
            what = f"field {sorted(unknown)[0]!r}" if unknown else f"kind {fields.get('kind')!r}"
            raise ValueError(f"unknown {what}; kinds: {', '.join(KINDS)}; fields: kind, path, n, skip, arg")
        counts = {name: int(fields[name]) for name in ("n", "skip") if name in fields}
        fault = Fault(fields["kind"], fields.get("path", ""), arg=fields.get("arg"), **counts)
        if fault.kind != "error":
            fault.number(0)
        with self._lock:
            self._armed.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every armed fault."""
        with self._lock:
            self._armed.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault that hits a request, if any: the first armed one that matches and does not let it pass."""
        with self._lock:
            for fault in self._armed:
                if fault.path not in path or fault.n <= 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.n -= 1
                return fault
        return None
