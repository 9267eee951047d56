"""Words of messages: what a misspelt name may stand for, and how many there are of something."""

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, known: Iterable[str]) -> str:
    """Return a remark on names that a misspelt one may stand for, "" if none is near."""
    folded = {str(one).lower(): str(one) for one in known}
    close = get_close_matches(name.lower(), folded, n=3, cutoff=0.5)
    close += [one for one in folded if one not in close and one.startswith(f"{name.lower()}_")][: 3 - len(close)]
    return f" (near it: {', '.join(folded[one] for one in close)})" if close else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
