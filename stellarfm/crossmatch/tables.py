"""Two files in, one file of matched rows out."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from stellarfm.crossmatch.neighbours import count_distinct, keep_nearest, keep_one_to_one
from stellarfm.crossmatch.pairs import find_pairs
from stellarfm.crossmatch.sides import Inspected, Side
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats import ROW, Opened, check_output, open_numbered, refuse_unwritable, write_table
from stellarfm.sql_paths import folder_path
from stellarfm.sql_text import identifier

SEPARATION = "separation_arcsec"
STEPS = ("opening the tables", "finding pairs", "choosing", "writing")


@dataclass(frozen=True)
class Columns:
    """Which columns of one table hold what; "" for a motion that is there only if a column of its usual name is.

    Attributes
    ----------
    ra, dec
        Position, degrees.
    pmra, pmdec
        Proper motion, mas/yr.
    epoch
        A Julian year, or the column of years; "" if it is not known.
    """

    ra: str = "ra"
    dec: str = "dec"
    pmra: str = ""
    pmdec: str = ""
    epoch: str = ""


@dataclass(frozen=True)
class Matched:
    """What a crossmatch of two tables made.

    Attributes
    ----------
    rows_left, rows_right
        Number of rows of the inputs.
    pairs
        Number of rows of the output.
    unmatched_left, unmatched_right
        Number of rows without a pair.
    without_position_left, without_position_right
        Number of rows whose position is NULL or not a number, among the unmatched.
    moving_left, moving_right
        Number of rows with a proper motion that was used.
    notes
        Sentences on the inputs that a person should read.
    """

    rows_left: int
    rows_right: int
    pairs: int
    unmatched_left: int
    unmatched_right: int
    without_position_left: int
    without_position_right: int
    moving_left: int
    moving_right: int
    notes: tuple[str, ...] = ()


def match_tables(
    con: duckdb.DuckDBPyConnection,
    left: tuple[str | Path, Columns],
    right: tuple[str | Path, Columns],
    target: Path,
    *,
    radius_arcsec: float,
    find: str = "best",
    one_to_one: bool = False,
    proper_motions: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> Matched:
    """Write the pairs of two tables, all columns of both and ``separation_arcsec``, in the order of the left rows.

    Parameters
    ----------
    con
        A connection to an empty database in memory, with its limits set.
    left, right
        Address of each table, and its columns.
    target
        File to write; its suffix gives the format.
    radius_arcsec
        Largest separation, itself included, in arcsec.
    find
        ``best``: the nearest right row of each left row; ``all``: every pair.
    one_to_one
        Use each row at most once, the closest pairs first.
    proper_motions
        Whether rows are carried to the epoch of the other side.
    on_step
        Called at the start of each of the `STEPS`.

    Returns
    -------
    Matched
        How many rows there were, and how many of them were matched.

    Raises
    ------
    StellarError
        If a table, a column or a value is not what it should be.
    """
    on_step(STEPS[0])
    check_output(target, (left[0], right[0]))
    opened = {
        "left_table": open_numbered(con, left[0], "left_table"),
        "right_table": open_numbered(con, right[0], "right_table"),
    }
    for table in opened.values():
        refuse_unwritable(con, table, target)
    sides = [
        _side(table, columns, str(address), proper_motions=proper_motions)
        for table, (address, columns) in zip(opened.values(), (left, right), strict=True)
    ]
    _check_epochs(*sides)
    on_step(STEPS[1])
    # the pairs may come in any order, and to keep one would cost memory
    con.execute("set preserve_insertion_order = false")
    found = find_pairs(con, *sides, radius_arcsec=radius_arcsec)
    on_step(STEPS[2])
    if one_to_one:
        keep_one_to_one(con)
    elif find == "best":
        keep_nearest(con)
    on_step(STEPS[3])
    # where each left row has one pair at most, the pairs are the matched left rows, and only the right ones are counted
    once = one_to_one or find == "best"
    matched_right = count_distinct(con, "right_row", "pairs")
    names = _output_names(opened)
    query = _select(names, by_separation=not once, few=matched_right < found[1].rows / 2)
    pairs = _write(con, query, target, _output_fields(opened, names))
    matched_left = pairs if once else count_distinct(con, "left_row", "pairs")
    notes = tuple(note for table in opened.values() for note in table.notes)
    notes += tuple(note for side, counts in zip(sides, found, strict=True) for note in _fill_notes(side, counts))
    return _matched(pairs, matched_left, matched_right, *found, notes)


def _fill_notes(side: Side, counts: Inspected) -> Iterator[str]:
    """Yield a sentence on each kind of number that was read as unknown."""
    for rows, what in ((counts.filled_positions, "position"), (counts.filled_motions, "proper motion")):
        if rows:
            has = "row has" if rows == 1 else "rows have"
            yield f"{side.label}: {rows:,} {has} a {what} that stands for none, such as -9999, which is read as unknown"


def _matched(
    pairs: int, matched_left: int, matched_right: int, left: Inspected, right: Inspected, notes: tuple[str, ...]
) -> Matched:
    return Matched(
        rows_left=left.rows,
        rows_right=right.rows,
        pairs=pairs,
        unmatched_left=left.rows - matched_left,
        unmatched_right=right.rows - matched_right,
        without_position_left=left.without_position,
        without_position_right=right.without_position,
        moving_left=left.moving,
        moving_right=right.moving,
        notes=notes,
    )


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path, fields: Mapping[str, Field]) -> int:
    """Write the matched rows in the order of the left ones and return their number.

    Only a sort makes that order: a join passes rows on as it finds them. If memory runs short, it is tried again on one core,
    which needs the least.
    """
    # the query is written in the order that holds the smaller table. The planner would turn it round: it takes the bounds of
    # slices for a sign of few rows
    con.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        return write_table(con, query, target, fields)
    except duckdb.OutOfMemoryException:
        con.execute("set threads = 1")
        return write_table(con, query, target, fields)
    finally:
        con.execute("reset disabled_optimizers")


def _output_fields(opened: Mapping[str, Opened], names: Mapping[str, Mapping[str, str]]) -> dict[str, Field]:
    """Return what is known of the columns of the output; units stay those of the inputs, as the values do."""
    fields = {names[table][column]: about for table, one in opened.items() for column, about in one.fields.items()}
    return fields | {SEPARATION: Field("arcsec", "pos.angDistance", "Separation of the two, at the epoch of the match")}


def _side(table: Opened, columns: Columns, address: str, *, proper_motions: bool) -> Side:
    """Return a table as a side; its proper motions count if it has both columns."""
    pmra, pmdec = columns.pmra or "pmra", columns.pmdec or "pmdec"
    # a table may have no motions at all, or both; one that was named, or stands alone, is a mistake
    asked = bool(columns.pmra or columns.pmdec)
    has = [name for name in (pmra, pmdec) if proper_motions and table.find(name)]
    if proper_motions and (asked or has) and len(has) < 2:
        missing = pmra if pmra not in has else pmdec
        raise StellarError(
            f"{address} has no column {missing}; a proper motion needs two columns: name them, or leave motions out "
            "with --no-proper-motions"
        )
    named = {name: table.find(name) or name for name in (columns.ra, columns.dec, pmra, pmdec, columns.epoch) if name}
    return Side(
        f"{table.relation}_shared",
        epoch=named.get(columns.epoch, ""),
        ra=named[columns.ra],
        dec=named[columns.dec],
        pmra=named[pmra],
        pmdec=named[pmdec],
        moves=len(has) == 2,
        row=ROW,
        name=address,
        units=table.units,
    )


def _check_epochs(left: Side, right: Side) -> None:
    for side, other in ((left, right), (right, left)):
        if side.epoch and not other.epoch:
            raise StellarError(
                f"{other.label} has no epoch, but {side.label} has ({side.epoch}): give both, a year or a column of "
                "years each, or none"
            )


def _select(names: Mapping[str, Mapping[str, str]], *, by_separation: bool, few: bool) -> str:
    """Return the query of the output.

    The left rows are streamed past the pairs and past the right rows, which are held. Where `few` of those have a pair
    the others are left out first.
    """
    left, right = (
        ", ".join(f"{identifier(name)} as {identifier(shown)}" for name, shown in names[side].items())
        for side in ("left_table", "right_table")
    )
    order = "__left, separation_arcsec, __right" if by_separation else "__left"
    kept = f"where {ROW} in (select right_row from pairs)" if few else ""
    return f"""(
        select left_rows.* exclude (__left), right_rows.* exclude (__right), pairs.separation_arcsec
        from (select {ROW} as __left, {left} from left_table_shared) as left_rows
        inner join pairs on left_rows.__left = pairs.left_row
        inner join (select {ROW} as __right, {right} from right_table_shared {kept}) as right_rows
            on pairs.right_row = right_rows.__right
        order by {order}
    )"""


def _output_names(opened: Mapping[str, Opened]) -> dict[str, dict[str, str]]:
    """Return for each table its columns and what they are called in the output.

    A name that both have, in whatever case, gets the suffix _left or _right.
    """
    columns = {table: list(one.columns) for table, one in opened.items()}
    counts = Counter(name.lower() for names in columns.values() for name in names)
    counts[SEPARATION] += 1
    used = {SEPARATION}
    names: dict[str, dict[str, str]] = {}
    for table, listed in columns.items():
        names[table] = {}
        suffix = "_" + table.removesuffix("_table")
        for name in listed:
            shown = name + suffix if counts[name.lower()] > 1 else name
            # a suffixed name may be taken by a third column: suffixes are added until it is free
            while shown.lower() in used or (shown != name and shown.lower() in counts):
                shown += suffix
            used.add(shown.lower())
            names[table][name] = shown
    return names


@contextmanager
def workspace(memory_limit: str, threads: int, temporary: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database in memory that may spill into a folder, which is removed afterwards.

    Parameters
    ----------
    memory_limit
        As DuckDB writes it, e.g. ``1GB``.
    threads
        Cores to use, 0 for all.
    temporary
        Where to make the folder; the system's place for temporary files by default.

    Yields
    ------
    DuckDBPyConnection
        Closed at the end of the block.

    Raises
    ------
    StellarError
        If the limit is not an amount of memory, the folder cannot be made, or both are too small for the work.
    """
    with TemporaryDirectory(prefix="stellarfm-", dir=temporary) as folder:
        try:
            if memory_limit.strip().startswith("-"):  # DuckDB takes it for no limit at all
                raise duckdb.InvalidInputException("it must be above 0")
            con = open_database(
                memory_limit=memory_limit,
                threads=threads or os.cpu_count() or 1,
                temp_directory=folder_path(folder),
                # it lets every core read whole column chunks: of a file of one large row group that is the file itself
                disable_parquet_prefetching="true",
            )
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise StellarError(f"the memory limit {memory_limit} cannot be set ({first}); give e.g. 1GB") from error
        # so that the command line can ask how far a step is; printed, it would stand among the results on stdout
        con.execute("set enable_progress_bar = true")
        con.execute("set enable_progress_bar_print = false")
        try:
            yield con
        except duckdb.OutOfMemoryException as error:
            raise StellarError(
                f"the crossmatch does not fit into {memory_limit} with {threads or 'all'} threads; give a larger --memory-limit, "
                "fewer --threads or a larger folder with --temporary"
            ) from error
        finally:
            con.close()
