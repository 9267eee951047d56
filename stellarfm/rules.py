"""The rules of ``sql/macros.sql``: given to every connection that builds, and read by Python where it needs one.

A rule is a DuckDB macro with a comment that gives its source. It is temporary, so that no database file depends on one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.resources import resource_folder
from stellarfm.sql_text import literal
from stellarfm.surveys.selection import Surveys, choose_surveys

# one statement ends with a semicolon at the end of its line: an own parser for an own file, which `read_rules` keeps strict
_MACRO = re.compile(r"create macro (\w+)\(([^)]*)\) as\s+(.*?);$", re.DOTALL | re.MULTILINE)
_FILE = "sql/macros.sql"


@dataclass(frozen=True)
class Macro:
    """One macro.

    Attributes
    ----------
    name, parameters
        How it is called.
    definition
        Its SQL.
    source
        The comment above it: what it is and where it comes from.
    """

    name: str
    parameters: tuple[str, ...]
    definition: str
    source: str


def macros_text() -> str:
    """Return the file of macros, for content keys."""
    return (resource_folder("sql") / "macros.sql").read_text(encoding="utf-8")


@cache
def read_rules() -> tuple[Macro, ...]:
    """Return the macros in their order, each with the comment above it; one without has that of the macro before it.

    Raises
    ------
    StellarError
        If a statement of the file is no macro, or two have one name.
    """
    rules: list[Macro] = []
    text = macros_text()
    end = 0
    for found in _MACRO.finditer(text):
        between = text[end : found.start()]
        block = between.rpartition("\n\n")[2] if "\n\n" in between else between  # what stands right above
        source = " ".join(line.removeprefix("--").strip() for line in block.splitlines() if line.startswith("-- "))
        if any(line.strip() and not line.startswith("--") for line in between.splitlines()):
            raise StellarError(f"{_FILE}: {between.strip().splitlines()[-1]!r} is no `create macro name(…) as …;`")
        name, parameters = found[1], tuple(p.strip() for p in found[2].split(",") if p.strip())
        if any(rule.name == name for rule in rules):
            raise StellarError(f"{_FILE} makes the macro {name} twice")
        rules.append(Macro(name, parameters, " ".join(found[3].split()), source or (rules[-1].source if rules else "")))
        end = found.end()
    if text[end:].strip():
        raise StellarError(f"{_FILE}: {text[end:].strip().splitlines()[0]!r} is no `create macro name(…) as …;`")
    return tuple(rules)


def install_rules(con: duckdb.DuckDBPyConnection, surveys: Surveys | None = None) -> None:
    """Make the macros of the releases and of ``sql/macros.sql`` known to a connection.

    Parameters
    ----------
    con
        Connection that builds or checks.
    surveys
        The releases; those of Gaia DR3 if not given.

    Raises
    ------
    StellarError
        If a macro is not valid; names file and macro.
    """
    # those of the releases first, because macros of the file call them
    for statement in _survey_macros(surveys or choose_surveys()):
        con.execute(statement)
    for rule in read_rules():
        try:
            # temporary: a permanent macro would be written into whatever database is in use, the release among them
            con.execute(f"create or replace temp macro {rule.name}({', '.join(rule.parameters)}) as {rule.definition}")
        except duckdb.Error as error:
            raise StellarError(f"{_FILE}: the macro {rule.name} is not valid ({str(error).splitlines()[0]})") from error


def _survey_macros(surveys: Surveys) -> list[str]:
    """Return what the SQL needs to know of the releases, as macros."""
    gaia = surveys.gaia
    assert gaia.xp is not None and gaia.identifier is not None, "every profile of Gaia has both"
    lacking = ", ".join(literal(name) for name in sorted(gaia.lacking("gaia_source")))
    bits, level = gaia.identifier.num_bits_below_healpix, gaia.identifier.healpix_level
    macros = {
        "num_bp()": gaia.xp.num_bp,
        "num_rp()": gaia.xp.num_rp,
        "gaia_epoch_year()": gaia.epoch_year,
        "bits_below_healpix(level)": f"{bits} + 2 * ({level} - level)",
        "gaia_lacks(column_name)": f"column_name in ({lacking})" if lacking else "false",
        "has_crosswalk()": "true" if gaia.crosswalk is not None else "false",
    }
    return [f"create or replace temp macro {name} as {definition}" for name, definition in macros.items()]


@cache
def rule_value(name: str) -> Any:
    """Return the value of a macro without parameters, such as ``max_ruwe``; numbers are floats.

    Raises
    ------
    StellarError
        If there is no such macro.
    """
    if name not in {rule.name for rule in read_rules()}:
        raise StellarError(f"{_FILE} has no macro {name}")
    with open_database() as con:
        install_rules(con)
        value = con.execute(f"select {name}()").fetchall()[0][0]
    return value if isinstance(value, str | list) else float(value)


def split_of(ids: NDArray[np.int64] | Sequence[Any]) -> NDArray[np.str_]:
    """Return ``train``, ``validation`` or ``test`` for each identifier, by the macro of that name.

    Parameters
    ----------
    ids
        Identifiers, shape (N,).

    Returns
    -------
    numpy.ndarray
        Words, shape (N,), in the order of `ids`.
    """
    with open_database() as con:
        install_rules(con)
        con.register("stars", pa.table({"place": pa.array(range(len(ids)), pa.int64()), "id": pa.array(ids)}))
        # by SQL, not once more in Python: a star must be on one side wherever it is asked for
        found = con.sql("select split_of(id) as split from stars order by place").to_arrow_table()
    return np.asarray(found["split"].to_pylist(), dtype=np.str_)
