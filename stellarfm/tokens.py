"""From a relation in DuckDB to what the model reads: a vocabulary's tokens as arrays, at once or streamed."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.expression_language import value_language
from stellarfm.expressions import Expression, parse
from stellarfm.formats.names import match_name
from stellarfm.limits import Room
from stellarfm.model.token_table import TokenTable
from stellarfm.rules import install_rules, read_rules
from stellarfm.sql_text import identifier
from stellarfm.vocabulary import Token, Vocabulary

# names by which tables of the field call their rows: they go through to the answers as they are
_IDENTIFIER = re.compile(r"(?i)(row_?)?(id|name|designation|objid|source_id|apogee_id)|\w+_(id|name|designation)")


_ROWS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class TokenQuery:
    """How the tokens of a vocabulary are read from one relation.

    Attributes
    ----------
    sql
        A select that gives ``id`` and, for each column group g, ``v<g>`` (values) and ``e<g>`` (errors).
    groups
        For each group the places of its tokens in the vocabulary; a series shares one group.
    missing
        Names of tokens that the relation has no columns for.
    num_tokens
        Tokens of the vocabulary, found or not.
    kept
        Columns of the relation that go along as they are.
    """

    sql: str
    groups: tuple[tuple[int, ...], ...]
    missing: tuple[str, ...]
    num_tokens: int
    kept: tuple[str, ...] = ()


def plan_tokens(
    con: duckdb.DuckDBPyConnection, relation: str, vocabulary: Vocabulary, keep: Sequence[str] = ()
) -> TokenQuery:
    """Find the columns of each token: one named like the token wins over the vocabulary's expression.

    Parameters
    ----------
    con
        Connection that knows the relation.
    relation
        What stands after ``from``: a table name, or a function such as ``read_parquet('x.parquet')``.
    vocabulary
        The tokens to look for.
    keep
        Columns that go along as they are.

    Returns
    -------
    TokenQuery
        What to run; tokens without columns are among its ``missing``, see `refuse_missing`.

    Raises
    ------
    StellarError
        If the vocabulary has more than expressions over columns.
    """
    columns = set(con.sql(f"select * from {relation} limit 0").columns)  # noqa: S608
    given = _judged(con, vocabulary)
    # tokens of one array are read as one column: 110 columns of their own would cost 110 casts a row
    series: dict[tuple[str, str], list[int]] = {}
    selects: list[str] = []
    groups: list[tuple[int, ...]] = []
    missing: list[str] = []
    for place, token in enumerate(vocabulary.tokens):
        if token.name in columns:
            error = f"{token.name}_error" if f"{token.name}_error" in columns else ""
            selects.append(_scalar(len(groups), identifier(token.name), identifier(error) if error else ""))
            groups.append((place,))
        elif not (value := _bound(con, relation, columns, given[token.value])):
            missing.append(token.name)
        elif token.element is not None:
            series.setdefault((token.value, token.error), []).append(place)
        else:
            selects.append(_scalar(len(groups), value, _bound(con, relation, columns, given.get(token.error))))
            groups.append((place,))
    for (named, error), places in series.items():
        value, error = (_bound(con, relation, columns, given.get(one)) for one in (named, error))
        selects.append(_array(len(groups), value, error, len(places)))
        groups.append(tuple(places))
    star = match_name(vocabulary.identifier, sorted(columns))
    # under another name: a kept column may be called id, as the select calls its own
    kept = [f"{identifier(name)} as {identifier('kept ' + name)}" for name in keep]
    sql = ", ".join([f"{_row_id(con, relation, star)} as id", *selects, *kept])
    return TokenQuery(f"select {sql} from {relation}", tuple(groups), tuple(missing), len(vocabulary), tuple(keep))  # noqa: S608


def identifiers(con: duckdb.DuckDBPyConnection, relation: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the columns that tell whose row it is: the vocabulary's identifier, and names or ids of other surveys."""
    columns = con.sql(f"select * from {relation} limit 0").columns  # noqa: S608
    star = match_name(vocabulary.identifier, columns)
    return tuple(name for name in columns if name == star or _IDENTIFIER.fullmatch(name))


def _row_id(con: duckdb.DuckDBPyConnection, relation: str, star: str | None) -> str:
    """Return what a row is known by, as SQL of type BIGINT: equal identifiers are equal, whatever their type."""
    if star is None:
        return "row_number() over () - 1"
    quoted = identifier(star)
    kind = str(con.sql(f"select {quoted} from {relation} limit 0").types[0])  # noqa: S608
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"):
        return f"cast({quoted} as bigint)"
    # names, and numbers beyond 2^63: 62 bits of a hash that no version of DuckDB changes
    hashed = f"cast(md5_number({quoted}::varchar) % 4611686018427387904 as bigint)"
    return f"coalesce(try_cast({quoted} as bigint), {hashed})" if kind != "DOUBLE" else f"cast({quoted} as bigint)"


def read_tokens(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    vocabulary: Vocabulary,
    *,
    allow_missing: bool = False,
    called: str | None = None,
) -> TokenTable:
    """Read all rows of a relation.

    Parameters
    ----------
    con, relation, vocabulary
        As in `plan_tokens`.
    allow_missing
        Whether tokens without columns are simply unknown.
    called
        What a person calls the relation.

    Returns
    -------
    TokenTable
        Identifiers (N,), values and errors (N, T) for the T tokens of the vocabulary, each in the unit of its token; NaN is
        unknown, and an unknown error is 0.

    Raises
    ------
    StellarError
        If a token that is not optional has no column (or, with `allow_missing`, if none has), or there are no rows.
    """
    query = plan_tokens(con, relation, vocabulary)
    refuse_missing(query, called or relation, vocabulary, allow_missing=allow_missing)
    table = _run(con, query, called or relation)
    if len(table) == 0:
        raise StellarError(
            f"{called or relation} has no rows: there is nothing to learn or predict from an empty selection"
        )
    return table


def stream_tokens(
    con: duckdb.DuckDBPyConnection, query: TokenQuery, batch_size: int
) -> Iterator[tuple[TokenTable, pa.Table]]:
    """Yield the rows of a planned query in order with their kept columns, `batch_size` at a time, in flat memory.

    Parameters
    ----------
    con, query
        Connection that the query was planned on, and the query.
    batch_size
        Rows of one piece, B; the last may have fewer.

    Yields
    ------
    stars, kept
        Tokens with values and errors of shape (B, T), and the columns that go along.
    """
    # DuckDB keeps the order of the rows, whatever the number of its threads
    reader = con.sql(query.sql).to_arrow_reader(batch_size)
    for batch in reader:
        if batch.num_rows:
            table = pa.Table.from_batches([batch])
            yield _to_tokens(table, query), pa.table({name: table[f"kept {name}"] for name in query.kept})


def refuse_missing(query: TokenQuery, relation: str, vocabulary: Vocabulary, *, allow_missing: bool) -> None:
    """Say which tokens cannot be read.

    Raises
    ------
    StellarError
        If a token that is not optional has no column (or, with `allow_missing`, if none has).
    """
    needed = [name for name in query.missing if not vocabulary.tokens[vocabulary.index(name)].optional]
    if query.groups and (allow_missing or not needed):
        return
    if allow_missing:
        raise StellarError(
            f"{relation} has no column for any of the {len(vocabulary)} tokens of the vocabulary {vocabulary.name!r}; "
            f"`stellarfm vocabulary show {vocabulary.name}` lists them and the columns that they come from"
        )
    name = (needed or query.missing)[0]
    token = vocabulary.tokens[vocabulary.index(name)]
    more = f" (and {len(needed) - 1} more tokens)" if len(needed) > 1 else ""
    raise StellarError(
        f"{relation} has no column for the token {name!r}{more}: it needs a column of that name or {token.value!r}; "
        f"add it, or use another vocabulary"
    )


def _run(con: duckdb.DuckDBPyConnection, query: TokenQuery, called: str) -> TokenTable:
    room, batches = Room(called), []
    try:
        reader = con.sql(query.sql).to_arrow_reader(_ROWS_AT_ONCE)
        for batch in reader:
            # a file may claim any number of rows: what is read, and values and errors of as many rows, 4 bytes each
            room.take(batch.nbytes + 8 * query.num_tokens * batch.num_rows)
            batches.append(batch)
        return _to_tokens(pa.Table.from_batches(batches, reader.schema), query)
    except duckdb.ConversionException as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"a column of the table is not a number where a token needs one: {first}") from error


def _to_tokens(table: pa.Table, query: TokenQuery) -> TokenTable:
    values = np.full((table.num_rows, query.num_tokens), np.nan, dtype=np.float32)
    errors = np.zeros_like(values)
    for group, places in enumerate(query.groups):
        values[:, list(places)] = _column(table, f"v{group}", len(places))
        if f"e{group}" in table.column_names:
            # an unknown error counts as none, as where a token has no column of errors
            errors[:, list(places)] = np.nan_to_num(_column(table, f"e{group}", len(places)))
    # of what is unknown there is no error: an expression may give one all the same, even a negative one
    errors[np.isnan(values)] = 0
    return TokenTable(table["id"].to_numpy().astype(np.int64), values, errors)


def _column(table: pa.Table, name: str, width: int) -> NDArray[np.float32]:
    """Return one group's column as (N, width)."""
    column = table[name].combine_chunks()
    # flattening leaves NULL arrays out; there are none, see `_array`
    if pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    array: NDArray[np.float32] = column.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return array.reshape(table.num_rows, width)


def _scalar(group: int, value: str, error: str) -> str:
    selects = [f"cast({value} as float) as v{group}"]
    return ", ".join([*selects, f"cast({error} as float) as e{group}"] if error else selects)


def _array(group: int, value: str, error: str, width: int) -> str:
    """Return the select of a series: a NULL array becomes one of NaN, so that every row has its `width` places."""
    unknown = f"repeat(['nan'::float], {width})::float[{width}]"
    selects = [f"coalesce(cast({value} as float[{width}]), {unknown}) as v{group}"]
    return ", ".join(
        [*selects, f"coalesce(cast({error} as float[{width}]), {unknown}) as e{group}"] if error else selects
    )


def expression_columns(vocabulary: Vocabulary) -> list[str]:
    """Return the columns that the expressions of a vocabulary read, each once."""
    with open_database() as con:
        judged = _judged(con, vocabulary)
    return list(dict.fromkeys(column for expression in judged.values() for column in expression.columns))


def _judged(con: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> dict[str, Expression]:
    """Return the expressions of a vocabulary, which may be a stranger's; the rules that they call become known to `con`.

    Raises
    ------
    StellarError
        If one is more than an expression; names the token.
    """
    found: dict[str, Expression] = {}
    # all of them, bound or not: what is refused must not depend on the table at hand
    for token in vocabulary.tokens:
        for kind, text in (("value", token.value), ("error", token.error)):
            if (text or kind == "value") and text not in found:
                found[text] = parse(text, f"the {kind} of the token {token.name!r}", value_language())
    called = {name for expression in found.values() for name in expression.functions}
    if any(rule.name in called for rule in read_rules()):
        install_rules(con)
    return found


def _bound(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Collection[str], expression: Expression | None
) -> str:
    """Return the SQL of an expression where the relation has its columns, else "".

    Raises
    ------
    StellarError
        If the columns are there and DuckDB refuses the expression all the same; its reason is told.
    """
    # by name first: DuckDB would take rowid or current_user for a column
    known = {name.lower() for name in columns}
    if expression is None or not all(name.lower() in known for name in expression.columns):
        return ""
    try:
        # the binder of DuckDB judges names, types and functions, without reading a row
        con.sql(f"select {expression.sql} from {relation} limit 0")  # noqa: S608
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        first = str(error).splitlines()[0]
        raise StellarError(f"DuckDB refuses {expression.sql!r} of the vocabulary for this table: {first}") from error
    return expression.sql


def describe(token: Token) -> str:
    """Return a token with its unit, for tables and axis labels."""
    return f"{token.name} [{token.unit}]" if token.unit else token.name
