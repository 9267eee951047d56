"""Files of one's own as an archive: a mapping says which files hold which table, and what their columns are called."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from stellarfm.archives.mapping import FilesMapping, TableMapping, read_mapping, schema_of
from stellarfm.archives.source import Query
from stellarfm.atomic import cached_file_hash, content_key
from stellarfm.database import close_off, open_database
from stellarfm.dust.draws import SCHEMA, tokens_of_ebv
from stellarfm.dust.reddening import write_map_part
from stellarfm.errors import StellarError
from stellarfm.formats.opened import Opened, named
from stellarfm.formats.paths import Address
from stellarfm.formats.reading import open_address
from stellarfm.landing.casting import Cast, explain, plan_casts, select
from stellarfm.landing.expected import Expected
from stellarfm.landing.parts import NOT_GIVEN, Landing
from stellarfm.landing.schema import EBV, landing_schemas
from stellarfm.landing.selection import Selection
from stellarfm.landing.xp_raw import TABLE as XP_TABLE
from stellarfm.landing.xp_raw import RawFormat, read_raw
from stellarfm.progress import ProgressCallback, tell
from stellarfm.surveys.selection import Surveys

RELEASE = "files of one's own"

_RAW_FORMATS: dict[str, RawFormat] = {
    ".csv": "csv", ".ecsv": "ecsv", ".fits": "fits", ".fit": "fits", ".xml": "votable", ".vot": "votable", ".votable": "votable",
}  # fmt: skip
_EXPECTED = {
    "gaia_source": "gaia_sources", XP_TABLE: "xp_spectra", "twomass_psc": "twomass_sources", "apogee_allstar": "apogee_stars",
}  # fmt: skip
"""What the rows of a table are called in `Expected`."""
_ROWS_AT_ONCE = 65_536
_VERSION = 1
"""Raised whenever the same files give other parts."""


class Files:
    """The files that a mapping names, as a source.

    Parameters
    ----------
    path
        The mapping, TOML.
    surveys
        Profiles of the releases that the files are from.
    seed
        Seed of the draws of reddenings from a map.
    memory_limit, threads
        What DuckDB may take.

    Raises
    ------
    StellarError
        If the mapping says something that cannot be, or a file is not there.
    """

    unit = "files"

    def __init__(self, path: Path, surveys: Surveys, seed: int, *, memory_limit: str = "2GB", threads: int = 2) -> None:
        self._path, self._seed, self._surveys = path, seed, surveys
        self._schemas = landing_schemas(surveys)
        self._mapping = read_mapping(path, self._schemas)
        self._database = partial(open_database, memory_limit=memory_limit, threads=threads)
        # tables of one's own are whatever their owner selected
        self.selection = Selection(asked=dict.fromkeys(self._schemas, "selection"))
        self.folder = f"files-{_key(self._mapping, seed)}"

    def plan(self) -> list[Query]:
        """Return the files that would be read, and the tables that are not given."""
        return [Query(table, part, text) for table, part, text, _ in self._parts()]

    def expect(self, landing: Landing) -> Expected:
        """Return the rows of Parquet files, which their own ends tell; those of others only reading can tell."""
        rows: dict[str, Any] = {field: self._rows_of(table) for table, field in _EXPECTED.items()}
        notes = {
            field: "known when the files are read" if rows[field] is None else "rows of the files" for field in rows
        }
        notes |= {field: "not given" for table, field in _EXPECTED.items() if table not in self._mapping.tables}
        notes |= {"labelled_stars": "known when the files are read", "size_bytes": "of the files"}
        labelled = None if "apogee_allstar" in self._mapping.tables else 0
        size = sum(
            file.stat().st_size for table in self._mapping.tables.values() for one in table.files for file in one.files
        )
        return Expected(**rows, labelled_stars=labelled, requests=0, size_bytes=size, notes=notes)

    def _rows_of(self, table: str) -> int | None:
        """Return the rows of a table whose files are all Parquet."""
        mapping = self._mapping.tables.get(table)
        paths = [] if mapping is None else [file for one in mapping.files for file in one.files]
        if any(path.suffix.lower() != ".parquet" for path in paths):
            return None
        return sum(int(pq.read_metadata(path).num_rows) for path in paths)

    def fetch(self, landing: Landing, progress: ProgressCallback) -> None:
        """Read the files whose parts are not there yet."""
        parts = list(self._parts())
        for done, (table, part, text, address) in enumerate(parts):
            progress(done, len(parts), text)
            if landing.has(table, part):
                continue
            if address is not None:
                self._read(landing, table, part, address)
            elif part == NOT_GIVEN:
                landing.write(table, part, self._schemas[table].empty(), text, RELEASE)
            else:
                self._ask_map(landing, part)
        progress(len(parts), len(parts), "")

    def _parts(self) -> Iterator[tuple[str, str, str, Address | None]]:
        """Yield table, part, what is read in words, and the file; gaia_source comes first, the map needs it."""
        for table in self._schemas:
            mapping = self._mapping.tables.get(table)
            if mapping is not None:
                for place, address in enumerate(mapping.files):
                    yield table, f"part-{place:05d}", _text(self._mapping.folder, address, mapping), address
            # one part a part of gaia_source, under its name, so that each can be made and resumed by itself
            elif table == "extinction" and self._mapping.dust_map:
                for place, _ in enumerate(self._mapping.tables["gaia_source"].files):
                    yield table, f"part-{place:05d}", f"E(B-V) of {self._mapping.dust_map}", None
            else:
                yield table, NOT_GIVEN, f"{table} is not given: no rows", None

    def _read(self, landing: Landing, table: str, part: str, address: Address) -> None:
        """Read one file into one part."""
        mapping = self._mapping.tables[table]
        called = f"{table}: {_relative(self._mapping.folder, address)}"
        with self._database() as con:
            opened = self._open(con, table, address, mapping)
            relation = opened.relation
            close_off(con, address.files)
            schema = schema_of(table, self._schemas[table], mapping, list(opened.columns))
            casts, lacking = plan_casts(con, relation, schema, mapping.columns, called, opened.units)
            tell(*opened.notes, *([f"{called} lacks {', '.join(lacking)}: NULL for all rows"] if lacking else []))
            text = _text(self._mapping.folder, address, mapping) + (f"; NULL: {', '.join(lacking)}" if lacking else "")
            # without its folder: nothing in a home says where something lay
            text += "".join(f"; {note.replace(str(address.path), address.path.name)}" for note in opened.notes)
            try:
                data = con.sql(select(casts, relation)).to_arrow_reader(_ROWS_AT_ONCE)
                if schema is EBV:
                    data = _tokens(data, address.path.stem)
                landing.write(table, part, data, text, RELEASE)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise _reason(con, casts, relation, called, error) from error

    def _open(self, con: duckdb.DuckDBPyConnection, table: str, address: Address, mapping: TableMapping) -> Opened:
        """Make a file known to a connection; the raw form of spectra has a reader of its own."""
        raw = _RAW_FORMATS.get(address.path.suffix.lower())
        if table == XP_TABLE and raw is not None and not mapping.columns and address.is_file:
            try:
                con.register("given", read_raw(str(address.path), raw, self._surveys.gaia))
                return named("given", str(address.path), list(self._schemas[table].columns), {})
            except StellarError:
                # text may hold arrays in other forms, which the general reader knows, or names by row
                if raw != "csv":
                    raise
        # as text: who casts says which value of which row is none
        return open_address(con, address, "given", as_written=True)

    def _ask_map(self, landing: Landing, part: str) -> None:
        """Ask the dust map for the stars of one part of gaia_source."""
        try:
            write_map_part(landing, part, self._mapping.dust_map, self._seed)
        except StellarError as error:
            raise StellarError(f"{self._path}: {error}") from error


def _tokens(data: pa.RecordBatchReader, name: str) -> pa.RecordBatchReader:
    """Turn rows of E(B-V) into rows of the table ``extinction``."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in data:
            ebv, error = (batch[c].to_numpy(zero_copy_only=False).astype(float) for c in ("ebv", "ebv_error"))
            named = next((one for one in batch["map"].to_pylist() if one), name)
            yield from tokens_of_ebv(batch["source_id"].to_numpy(), ebv, error, named).to_batches()

    return pa.RecordBatchReader.from_batches(SCHEMA, batches())


def _reason(con: duckdb.DuckDBPyConnection, casts: list[Cast], relation: str, called: str, error: Any) -> StellarError:
    """Return why a file could not be read: a value that cannot be cast, or what the reader says."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    try:
        found = explain(con, casts, relation, called)
    except duckdb.Error:
        found = None  # the file itself cannot be read to its end
    return found or StellarError(f"{called} cannot be read ({first}); it may be cut short or of another kind")


def _key(mapping: FilesMapping, seed: int) -> str:
    """Return the key of everything that the parts depend on: mapping, content of files, and the draws of a map."""
    tables = {
        name: (
            # relative names and content: the same files in another folder give the same landing
            [(_relative(mapping.folder, one), *map(cached_file_hash, one.files)) for one in table.files],
            {column: repr(value) for column, value in table.columns.items()},
        )
        for name, table in mapping.tables.items()
    }
    return content_key(_VERSION, tables, mapping.dust_map, seed if mapping.dust_map else None)


def _text(folder: Path, address: Address, mapping: TableMapping) -> str:
    named = ", ".join(f"{name} = {column}" for name, column in mapping.columns.items())
    return _relative(folder, address) + (f" with {named}" if named else "")


def _relative(folder: Path, address: Address) -> str:
    part = f"#{address.part}" if address.part else ""
    return str(address.path).removeprefix(f"{folder}/") + part
