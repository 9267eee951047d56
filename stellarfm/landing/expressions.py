"""Arithmetic on columns of a file, as a mapping may ask for it: numbers, columns, + - * / and a few functions.

It is taken apart and put together again as SQL, so that nothing else reaches the database.
"""

import re
from collections.abc import Callable

from stellarfm.errors import StellarError

FUNCTIONS = frozenset(
    [
        "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "degrees", "exp", "floor", "greatest", "least", "ln",
        "log10", "mod", "nullif", "pow", "radians", "round", "sin", "sqrt", "tan",
    ]
)  # fmt: skip
"""Functions that may be called, each as DuckDB has it."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
        | (?P<name>[A-Za-z_]\w*)
        | (?P<quoted>"[^"]+")
        | (?P<sign>[-+*/(),])
    )""",
    re.VERBOSE,
)


def to_sql(expression: str, column: Callable[[str], str]) -> str:
    """Return an expression as SQL.

    Parameters
    ----------
    expression
        E.g. ``"plx / 1000"``; a column whose name is no word stands in double quotes.
    column
        Returns the SQL of a column, or raises if there is none of that name.

    Returns
    -------
    str
        SQL whose numbers are doubles.

    Raises
    ------
    StellarError
        If there is anything but numbers, columns, + - * / ( ) and the functions above.
    """
    parts: list[str] = []
    place, text = 0, expression.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise StellarError(
                f"the expression {expression!r} has {text[place:].strip()[:1]!r}; it may have numbers, columns, "
                f"+ - * / ( ) and {', '.join(sorted(FUNCTIONS))}"
            )
        place = found.end()
        # a column may be called like a function: the parenthesis behind it tells
        if found["name"] and found["name"].lower() in FUNCTIONS and text[place:].lstrip().startswith("("):
            parts.append(found["name"].lower())
        elif found["name"] or found["quoted"]:
            parts.append(column(found["name"] or found["quoted"].strip('"')))
        elif found["number"]:
            # as double: DuckDB would take 1.0 for DECIMAL(2,1), whose arithmetic rounds and overflows
            parts.append(f"{float(found['number'])!r}::double")
        else:
            parts.append(found["sign"])
    if not parts:
        raise StellarError("an expression is empty; name a column, or leave it out")
    # spaces keep two signs from becoming a comment
    return " ".join(parts)
