"""A mapping: the TOML file that says which files hold which table, and what their columns are called."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stellarfm.dust.maps import MAP_NAMES
from stellarfm.errors import StellarError
from stellarfm.formats.paths import Address, find
from stellarfm.landing.casting import ColumnSource
from stellarfm.landing.schema import EBV, TableSchema
from stellarfm.suggestions import near

REQUIRED = "gaia_source"
"""The one table that cannot be left out."""

_KEYS = ("files", "columns")


@dataclass(frozen=True)
class TableMapping:
    """The files of one table.

    Attributes
    ----------
    files
        In the order of the mapping, patterns resolved; ``file.duckdb#table`` keeps its table, a folder is one table.
    columns
        Columns that do not have the archive's name in the files.
    """

    files: tuple[Address, ...]
    columns: Mapping[str, ColumnSource] = field(default_factory=dict)


@dataclass(frozen=True)
class FilesMapping:
    """What a mapping file says.

    Attributes
    ----------
    folder
        Its folder, to which names of files are relative.
    tables
        By the name of the landing's table.
    dust_map
        Map to take reddenings from, "" for none.
    """

    folder: Path
    tables: Mapping[str, TableMapping]
    dust_map: str


def read_mapping(path: Path, schemas: Mapping[str, TableSchema]) -> FilesMapping:
    """Read a mapping file and find the files.

    Parameters
    ----------
    path
        TOML file.
    schemas
        Tables of the landing.

    Raises
    ------
    StellarError
        If it is not there or not TOML, a key is unknown, a value is of the wrong kind, or a file is not there.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StellarError(f"the mapping {path} cannot be read ({error.strerror}); name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StellarError(f"the mapping {path} is not valid TOML: {error}") from error
    # every key is judged before a file is opened: a misspelt one would leave a table out without a word
    for name, value in data.items():
        if name not in schemas:
            raise StellarError(f"{path}: unknown table [{name}]{near(name, schemas)}; tables are {', '.join(schemas)}")
        if not isinstance(value, dict):
            raise StellarError(f"{path}: {name} must be a table of TOML, [{name}] with the key files")
    if REQUIRED not in data:
        raise StellarError(f"{path} has no table [{REQUIRED}]; without it there are no stars")
    dust_map = _dust_map(path, data.get("extinction", {}))
    tables = {
        name: _table(path, name, value, schemas[name])
        for name, value in data.items()
        if not (name == "extinction" and dust_map)
    }
    return FilesMapping(path.absolute().parent, tables, dust_map)


def _dust_map(path: Path, section: Mapping[str, Any]) -> str:
    if "map" not in section:
        return ""
    if len(section) > 1 or section["map"] not in MAP_NAMES:
        raise StellarError(
            f"{path}: [extinction] has either files or map, one of {', '.join(MAP_NAMES)}, "
            f"not {', '.join(f'{key} = {value!r}' for key, value in section.items())}"
        )
    return str(section["map"])


def _table(path: Path, name: str, section: Mapping[str, Any], schema: TableSchema) -> TableMapping:
    keys = (*_KEYS, "map") if name == "extinction" else _KEYS
    unknown = next((key for key in section if key not in keys), None)
    if unknown is not None:
        raise StellarError(f"{path}: [{name}] has the unknown key {unknown!r}; keys are {', '.join(keys)}")
    files = section.get("files")
    named = [files] if isinstance(files, str) else files
    if not isinstance(named, list) or not named or not all(isinstance(one, str) and one for one in named):
        raise StellarError(f"{path}: [{name}] needs files, a name or a list of names, not {files!r}")
    columns = section.get("columns", {})
    if not isinstance(columns, dict):
        raise StellarError(f"{path}: columns of [{name}] must be {{archive column = file column}}, not {columns!r}")
    known = [*schema.columns, *(EBV.columns if name == "extinction" else ())]
    return TableMapping(
        tuple(found for one in named for found in _find(path, name, one)),
        {key: _column(path, name, key, value, known) for key, value in columns.items()},
    )


def _find(path: Path, table: str, named: str) -> list[Address]:
    """Return the files that a name or pattern means, relative to the folder of the mapping."""
    folder = path.absolute().parent
    try:
        found = find(named, folder)
    except StellarError as error:
        raise StellarError(
            f"{path}: [{table}] names {named!r}, but there is no such file in {folder} ({error})"
        ) from error
    if found.is_file or found.root is not None:
        return [found]
    # files of a pattern are read one by one: each may be of any format and have its own columns
    return [Address(file, found.part, (file,)) for file in found.files]


def _column(path: Path, table: str, key: str, value: Any, known: list[str]) -> ColumnSource:
    where = f"{path}: the column {key} of [{table}]"
    if key not in known:
        raise StellarError(f"{path}: [{table}] has no column {key!r}{near(key, known)}; columns are {', '.join(known)}")
    if isinstance(value, str) and value:
        return ColumnSource(name=value)
    if isinstance(value, bool | int | float):
        return ColumnSource(constant=value)
    if isinstance(value, dict) and len(value) == 1:
        kind, given = next(iter(value.items()))
        if kind == "expression" and isinstance(given, str):
            return ColumnSource(expression=given)
        if kind == "constant" and isinstance(given, str | bool | int | float):
            return ColumnSource(constant=given)
    raise StellarError(
        f"{where} must be the name of a column of the file, a number, "
        f'{{expression = "…"}} or {{constant = "…"}}, not {value!r}'
    )


def schema_of(table: str, schema: TableSchema, mapping: TableMapping, found: list[str]) -> TableSchema:
    """Return the columns that a file of a table gives: for ``extinction`` they may be E(B-V) itself.

    Parameters
    ----------
    table, schema, mapping
        The table.
    found
        Columns of the file.

    Returns
    -------
    TableSchema
        `EBV` (E(B-V) in mag), or `schema` itself (for ``extinction`` ln E(B-V)).
    """
    # ln E(B-V) wins where a file has both: it may have errors that ebv has not
    has_ebv = "ebv" in mapping.columns or ("ebv" in map(str.lower, found) and "logebv" not in map(str.lower, found))
    return EBV if table == "extinction" and has_ebv and "logebv" not in mapping.columns else schema
