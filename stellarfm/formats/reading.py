"""A file becomes a relation of DuckDB: every table of a person comes in here, whatever its format."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from stellarfm.errors import StellarError
from stellarfm.formats.databases import open_database_table
from stellarfm.formats.kinds import READABLE, Kind, kind_of
from stellarfm.formats.opened import Opened
from stellarfm.formats.parquet import open_parquet, view_shared
from stellarfm.formats.paths import Address, find
from stellarfm.formats.text_tables import open_text

if TYPE_CHECKING:
    from stellarfm.formats.arrow import Columns


def open_table(con: duckdb.DuckDBPyConnection, address: str | Path, name: str, *, as_written: bool = False) -> Opened:
    """Make a file known to a connection.

    Parameters
    ----------
    con
        Connection to make the table known to.
    address
        A Parquet, CSV, ECSV, FITS, VOTable or DuckDB file, or a folder or pattern of Parquet files; ``file.duckdb#table``
        names one of several tables, ``file.fits#2`` an extension.
    name
        A name for it that the connection does not use yet.
    as_written
        Whether all columns of text are text: who casts them sees what cannot be cast.

    Raises
    ------
    StellarError
        If there is no such file, or it is not a table.
    """
    return open_address(con, find(address), name, as_written=as_written)


def open_numbered(con: duckdb.DuckDBPyConnection, address: str | Path, name: str) -> Opened:
    """Make a file known as `open_table` does, with one more column, `ROW`, that numbers its rows.

    Text is parsed once, into a temporary table; everything else is read where it lies. Beside the relation `name` there
    is one with ``_shared`` behind its name, the same rows in any order, which all cores can read at once.

    Raises
    ------
    StellarError
        If there is no such file, or it is not a table.
    """
    found = find(address)
    opened = open_address(con, found, name, numbered=True)
    with_slices = kind_of(found.path) == "parquet" and found.is_file
    if with_slices:
        view_shared(con, found, name, opened)
    else:
        con.execute(f"create temp view {name}_shared as from {opened.relation}")
    return opened


def open_address(
    con: duckdb.DuckDBPyConnection, address: Address, name: str, *, numbered: bool = False, as_written: bool = False
) -> Opened:
    """Make a table known whose files are found already; see `open_table` and `open_numbered`."""
    kind: Kind = kind_of(address.path) if address.is_file else "parquet"
    try:
        match kind:
            case "text":
                return open_text(con, address.path, name, numbered=numbered, as_written=as_written)
            case "parquet":
                return open_parquet(con, address, name, numbered)
            case "duckdb":
                return open_database_table(con, address, name, numbered)
            case "":
                raise StellarError(f"{address.path} has an unknown format; known are {', '.join(READABLE)}")
        columns = read_columns(address.path, kind, address.part)
        return columns.register(con, name, str(address.path), numbered=numbered)
    except duckdb.OutOfMemoryException:
        raise  # nothing is wrong with the file
    except MemoryError as error:
        raise StellarError(
            f"{address.path} does not fit into memory ({error}); it may claim more rows than it has"
        ) from error
    except (duckdb.Error, OSError, ValueError, TypeError, IndexError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise StellarError(
            f"{address.path} cannot be read as a table ({first}); it may be cut short or of another kind"
        ) from error


def read_columns(path: Path, kind: Literal["fits", "votable"], part: str = "") -> "Columns":
    """Read a FITS or VOTable file into memory; see `stellarfm.formats.fits` and `stellarfm.formats.votable`."""
    # astropy takes long to import, and most tables do without
    if kind == "fits":
        from stellarfm.formats.fits import read_fits

        return read_fits(path, part)
    from stellarfm.formats.votable import read_votable

    return read_votable(path, part)
