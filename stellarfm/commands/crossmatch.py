"""`stellarfm crossmatch`: two tables on the sky."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stellarfm.commands.options import Json
from stellarfm.commands.printing import print_facts, print_json

if TYPE_CHECKING:
    import duckdb

Table = Annotated[str, typer.Argument(help="Parquet, CSV, FITS, VOTable or DuckDB (file.duckdb#table).")]
Epoch = Annotated[str, typer.Option(help="Epoch of its positions: a year, or the column of years.")]
Ra = Annotated[str, typer.Option(help="Column of right ascension, degrees.")]
Dec = Annotated[str, typer.Option(help="Column of declination, degrees.")]
PmRa = Annotated[str, typer.Option(help="Column of proper motion in right ascension, mas/yr; pmra if it is there.")]
PmDec = Annotated[str, typer.Option(help="Column of proper motion in declination, mas/yr; pmdec if it is there.")]


def crossmatch(
    left: Table,
    right: Table,
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write; its suffix gives the format.")],
    radius_arcsec: Annotated[float, typer.Option("--radius-arcsec", help="Largest separation.")] = 1.0,
    find: Annotated[
        Literal["best", "all"], typer.Option(help="The nearest right row of each left row, or every pair.")
    ] = "best",
    one_to_one: Annotated[
        bool, typer.Option("--one-to-one", help="Use each row at most once, the closest pairs first.")
    ] = False,
    left_epoch: Epoch = "",
    right_epoch: Epoch = "",
    no_proper_motions: Annotated[
        bool, typer.Option("--no-proper-motions", help="Take the positions as they are.")
    ] = False,
    left_ra: Ra = "ra",
    left_dec: Dec = "dec",
    right_ra: Ra = "ra",
    right_dec: Dec = "dec",
    left_pmra: PmRa = "",
    left_pmdec: PmDec = "",
    right_pmra: PmRa = "",
    right_pmdec: PmDec = "",
    memory_limit: Annotated[str, typer.Option(help="What the join may take; more goes to disk.")] = "1GB",
    threads: Annotated[int, typer.Option(min=0, help="Cores to use; 0 for all.")] = 2,
    temporary: Annotated[Path | None, typer.Option(help="Folder for what does not fit into memory.")] = None,
    as_json: Json = False,
) -> None:
    """Match two tables on the sky, with proper motions; all columns of both and the separation are written.

    Example: stellarfm crossmatch gaia.parquet 2mass.fits --radius-arcsec 1.5 --left-epoch 2016 --right-epoch 1999 -o out.parquet
    """
    from stellarfm.crossmatch.tables import Columns, match_tables, workspace
    from stellarfm.progress import tell

    with workspace(memory_limit, threads, temporary) as con, _bar(con) as on_step:
        matched = match_tables(
            con,
            (left, Columns(left_ra, left_dec, left_pmra, left_pmdec, left_epoch)),
            (right, Columns(right_ra, right_dec, right_pmra, right_pmdec, right_epoch)),
            out,
            radius_arcsec=radius_arcsec,
            find=find,
            one_to_one=one_to_one,
            proper_motions=not no_proper_motions,
            on_step=on_step,
        )
    tell(*matched.notes)
    if as_json:
        return print_json(vars(matched))
    counts = {name.replace("_", " "): f"{value:,}" for name, value in vars(matched).items() if name != "notes"}
    return print_facts({**counts, "written": out})


@contextmanager
def _bar(con: "duckdb.DuckDBPyConnection") -> Iterator[Callable[[str], None]]:
    """Show on a terminal how much of each step DuckDB has done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from stellarfm.crossmatch.tables import STEPS
    from stellarfm.progress import progress_bar

    step, ended = [STEPS[0]], Event()
    with progress_bar("crossmatch", "%") as progress:

        def watch() -> None:
            while not ended.wait(0.25):
                done = 100 * STEPS.index(step[0]) + max(0.0, con.query_progress())
                progress(round(done / len(STEPS)), 100, step[0])

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield lambda name: step.__setitem__(0, name)
            progress(100, 100, "")
        finally:
            ended.set()
            watcher.join()
