"""What was asked of the archives: which stars, and how each table was asked for. The checks judge a sample by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Asked = Literal["all", "selection", "ids", "position", "none"]
"""How a table was asked for: all of it, a selection of its own, by the identifiers or the positions of selected stars, or not."""


@dataclass(frozen=True)
class Selection:
    """What was asked of the archives.

    Attributes
    ----------
    where
        ADQL condition on the sources of Gaia, "" for none.
    asked
        How each table of the landing was asked for; one that is not here: all of it.
    """

    where: str = ""
    asked: Mapping[str, Asked] = field(default_factory=dict)

    def how(self, table: str) -> Asked:
        """Return how a table of the landing was asked for."""
        return self.asked.get(table, "all")

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {"where": self.where, "asked": dict(self.asked)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Selection":
        """Read the form that `to_dict` writes.

        Raises
        ------
        ValueError
            If a table was asked for in a way that is not known.
        """
        unknown = set(data["asked"].values()) - set(get_args(Asked))
        if unknown:
            raise ValueError(f"a table cannot be asked for by {sorted(unknown)[0]!r}")
        return cls(data["where"], dict(data["asked"]))
