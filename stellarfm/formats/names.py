"""Names of columns: as they are written first, then without looking at their case."""

from collections.abc import Sequence

from stellarfm.errors import StellarError


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names for DuckDB, which knows no case: each once, and as much as it is written as can be.

    Of names that differ in case alone the one in lower case keeps its name, since SQL is written so; else the first.
    The others get a number.
    """
    cleaned = [name.strip() or f"column{place}" for place, name in enumerate(names)]
    keeps: dict[str, int] = {}
    for place, name in enumerate(cleaned):
        key = name.lower()
        if key not in keeps or (name == key and cleaned[keeps[key]] != key):
            keeps[key] = place
    taken, found = set(keeps), []
    for place, name in enumerate(cleaned):
        number, free = 0, name
        while keeps.get(name.lower()) != place and free.lower() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.lower())
        found.append(free)
    return found


def match_name(name: str, found: Sequence[str]) -> str | None:
    """Return the column of a name: as it is written, or the only one but for its case; None if there is none."""
    if name in found:
        return name
    # DuckDB knows no case, files do: two names that differ in case alone are not guessed between
    alike = [one for one in found if one.strip().lower() == name.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def refuse_clash(name: str, found: Sequence[str], called: str) -> None:
    """Refuse a name that several columns have but for its case.

    Raises
    ------
    StellarError
        If none is written like it, and more than one is but for its case.
    """
    alike = [one for one in found if one.lower() == name.lower()]
    if name not in found and len(alike) > 1:
        raise StellarError(
            f"{called} has the columns {', '.join(alike)}, and none is written {name}; name the one that is meant"
        )
