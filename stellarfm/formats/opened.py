"""A table that was opened: its relation, its columns as the file calls them, and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats.names import match_name, refuse_clash, unique_names

ROW = "__row__"
"""Column of a numbered table: a whole number that no other row has, growing in the order of the file."""


@dataclass(frozen=True)
class Opened:
    """A table that a connection knows.

    Attributes
    ----------
    relation
        What stands after ``from``.
    called
        What a person calls the table.
    columns
        Names in the relation, in order, each with the name in the file; they differ only where DuckDB, which knows no
        case, cannot tell two names apart.
    fields
        Units, UCDs and descriptions that the file states, by the name in the relation.
    notes
        Sentences that a person should read: what was left out, renamed, or is incomplete.
    """

    relation: str
    called: str
    columns: Mapping[str, str]
    fields: Mapping[str, Field] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def find(self, name: str) -> str | None:
        """Return the name in the relation of a column: as the file writes it, else but for its case; None if there is none.

        Raises
        ------
        StellarError
            If several columns have the name but for its case, and none is written like it.
        """
        written = {there: here for here, there in self.columns.items()}
        refuse_clash(name, list(written), self.called)
        match = match_name(name, list(written))
        return written[match] if match is not None else name if name in self.columns else None

    @property
    def units(self) -> dict[str, str]:
        """Units that the file states, by the name in the relation."""
        return {name: about.unit for name, about in self.fields.items()}

    def noting(self, *notes: str) -> "Opened":
        """Return the same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def named(
    relation: str, called: str, names: list[str], fields: Mapping[str, Field], notes: tuple[str, ...] = ()
) -> Opened:
    """Return an opened table whose relation has the names that `unique_names` gives.

    Parameters
    ----------
    names
        As the file writes them.
    fields
        By those names.

    Raises
    ------
    StellarError
        If there are no columns.
    """
    if not names:
        raise StellarError(f"{called} has no columns; it may be empty or of another kind")
    columns = dict(zip(unique_names(names), names, strict=True))
    changed = {here: there.strip() for here, there in columns.items() if here != there.strip()}
    if alike := [f"{there} is called {here}" for here, there in changed.items() if there]:
        notes = (*notes, f"{called} has names that are the same but for their case: {', '.join(alike)}")
    if nameless := [here for here, there in changed.items() if not there]:
        notes = (*notes, f"{called} has columns without a name: they are called {', '.join(nameless)}")
    known = {here: fields[there] for here, there in columns.items() if there in fields}
    return Opened(relation, called, columns, known, notes)
