"""One hash for the content of a table, whatever file, machine or DuckDB version it lies in."""

import hashlib

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE = 100_000


def table_hash(con: duckdb.DuckDBPyConnection, table: str, order_by: str) -> str:
    """Return the sha256 of a table's rows in a stated order, in flat memory.

    Parameters
    ----------
    con
        Connection that knows the table.
    table
        Its name.
    order_by
        Column whose values are unique, so that the order is one.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    rows = con.sql(f"select * from {table} order by {order_by}")  # noqa: S608
    # one hash a column, fed batch by batch: the order of the columns in the table does not matter, their names do
    hashers = {name: hashlib.sha256(name.encode()) for name in rows.columns}
    for batch in rows.to_arrow_reader(_ROWS_AT_ONCE):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            hashers[name].update(_bytes(column))
    return hashlib.sha256("".join(hashers[name].hexdigest() for name in sorted(hashers)).encode()).hexdigest()


def _bytes(column: pa.Array) -> bytes:
    """Return values and NULLs of a column in a form that does not depend on how Arrow laid it out."""
    # NULLs first: what lies under a NULL in memory is arbitrary, so it is told apart here and filled below
    valid: bytes = pc.is_valid(column).to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        # the unit separator keeps "ab", "c" from being "a", "bc"
        return valid + "\x1f".join(text or "" for text in column.to_pylist()).encode()
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        # lengths and flat values: the same whether lists are of fixed length or not
        return valid + _bytes(pc.fill_null(pc.list_value_length(column), 0)) + _bytes(pc.list_flatten(column))
    if not (pa.types.is_boolean(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return _bytes(column.cast(pa.string()))  # decimals, dates: numpy would give addresses of objects
    filled = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
    values: bytes = filled.to_numpy(zero_copy_only=False).tobytes()
    return valid + values
