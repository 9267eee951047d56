"""What FITS and VOTable have no type for becomes what holds its values, or is refused by name."""

from dataclasses import dataclass

import duckdb

from stellarfm.errors import StellarError
from stellarfm.sql_text import identifier

_EXACT = "9007199254740992"
"""2^53, up to which a double holds every whole number."""

_CASTS = {
    "DATE": "varchar", "TIME": "varchar", "UUID": "varchar", "UINTEGER": "bigint", "USMALLINT": "integer", "TINYINT": "smallint",
    "NULL": "double", '"NULL"': "double", "BIT": "varchar", "ENUM": "varchar",
}  # fmt: skip
_PLAIN = ("BOOLEAN", "UTINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT", "FLOAT", "DOUBLE", "VARCHAR")
_NUMBERS = ("UTINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")


@dataclass(frozen=True)
class Storable:
    """One column as it will be stored.

    Attributes
    ----------
    name
        The column.
    sql
        Its values as SQL.
    kind
        DuckDB type of these: one of `_PLAIN`, or of the elements if it is a list.
    is_list
        Whether it holds lists.
    """

    name: str
    sql: str
    kind: str
    is_list: bool = False


def storable_columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[Storable]:
    """Return how each column is stored.

    Parameters
    ----------
    con, relation
        Connection, and what stands after ``from``.

    Raises
    ------
    StellarError
        If a column is of a kind that has no place, such as a structure.
    """
    found = con.execute(f"describe from {relation}").fetchall()
    return [_column(con, relation, name, kind) for name, kind, *_ in found]


def _column(con: duckdb.DuckDBPyConnection, relation: str, name: str, kind: str) -> Storable:
    quoted = identifier(name)
    if kind.endswith("]"):
        element = kind[: kind.rindex("[")]
        stored = (
            element if element in _PLAIN else "DOUBLE" if element.startswith("DECIMAL") else _CASTS.get(element, "")
        )
        if not stored or element.endswith("]"):
            raise _refused(name, kind)
        return Storable(name, f"cast({quoted} as {stored}[])", stored.upper(), is_list=True)
    base = kind.split("(")[0]
    if base in _PLAIN:
        return Storable(name, quoted, base)
    if base in ("HUGEINT", "UHUGEINT", "DECIMAL"):
        return _wide(con, relation, name, base)
    stored = "varchar" if base.startswith("TIMESTAMP") else _CASTS.get(base, "")
    if not stored:
        raise _refused(name, kind)
    return Storable(name, f"cast({quoted} as {stored})", stored.upper())


def _refused(name: str, kind: str) -> StellarError:
    return StellarError(
        f"the column {name} is {kind}, which neither FITS nor VOTable can hold; write Parquet or leave it out"
    )


def keeping_wide(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Return a relation for a format whose widest whole number has 64 bits: wider ones as what keeps all their digits."""
    found = con.execute(f"describe from {relation}").fetchall()
    wide = [_wide(con, relation, name, kind) for name, kind, *_ in found if kind in ("HUGEINT", "UHUGEINT")]
    listed = ", ".join(f"{column.sql} as {identifier(column.name)}" for column in wide)
    return f"(select * replace ({listed}) from {relation})" if wide else relation


def _wide(con: duckdb.DuckDBPyConnection, relation: str, name: str, base: str) -> Storable:
    """Return a number of more than 64 bits as the smallest type that holds all its values, else as text with all digits."""
    quoted = identifier(name)
    kinds = {"DOUBLE": f"abs({quoted}) < {_EXACT} and cast(cast({quoted} as double) as decimal(38, 10)) = {quoted}"}
    if base != "DECIMAL":
        kinds = {kind: f"try_cast({quoted} as {kind}) is not null" for kind in ("BIGINT", "UBIGINT")}
    for kind, is_kept in kinds.items():
        lost = con.execute(
            f"select count(*) from {relation} where not coalesce({is_kept}, {quoted} is null)"
        ).fetchall()
        if not lost[0][0]:
            return Storable(name, f"cast({quoted} as {kind})", kind)
    return Storable(name, f"cast({quoted} as varchar)", "VARCHAR")


def first_with(
    con: duckdb.DuckDBPyConnection, relation: str, column: Storable, condition: str
) -> tuple[int, str] | None:
    """Return row (from 1) and value, as text, of the first row whose value `v` meets a condition; None if none does."""
    values = f"select row_number() over () as place, {column.sql} as v from {relation}"
    found = con.execute(f"select place, v::varchar from ({values}) where {condition} order by place limit 1").fetchall()
    return found[0] if found else None
