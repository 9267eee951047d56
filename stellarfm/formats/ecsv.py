"""The header of ECSV, which says types, units and descriptions; Gaia's bulk files have one."""

import warnings
from dataclasses import dataclass

from stellarfm.errors import StellarError
from stellarfm.fields import Field

_MARK = "%ECSV"
_FLOATS = {"float16": "FLOAT", "float32": "FLOAT", "float64": "DOUBLE", "float128": "DOUBLE"}


@dataclass(frozen=True)
class EcsvColumn:
    """What a header says of one column; `type` is DuckDB's, "" where the values are to tell, ``LIST`` for arrays."""

    type: str
    field: Field


def read_ecsv_header(comments: list[str], called: str) -> tuple[str, dict[str, EcsvColumn]] | None:
    """Return the delimiter and the columns of an ECSV header, None if the comments are none.

    Parameters
    ----------
    comments
        The lines before the names, without their line breaks.
    called
        What a person calls the file.

    Raises
    ------
    StellarError
        If it begins like a header but is none.
    """
    lines = [line[1:].removeprefix(" ") for line in comments]
    if not lines or not lines[0].startswith(_MARK):
        return None
    from astropy.table import meta

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = meta.get_header_from_yaml(lines)
            columns = {str(one["name"]): _column(one) for one in header["datatype"]}
        except (meta.YamlParseError, KeyError, TypeError, AttributeError) as error:
            raise StellarError(
                f"{called} begins like ECSV, but its header cannot be read; mend it or leave it out"
            ) from error
    return str(header.get("delimiter", " ")), columns


def _column(entry: dict[str, object]) -> EcsvColumn:
    kind = str(entry.get("datatype", ""))
    if entry.get("subtype"):
        kind = "LIST" if "[" in str(entry["subtype"]) else "VARCHAR"
    elif kind == "string":
        kind = "VARCHAR"
    else:  # whole numbers and logicals are looked at: a header may promise what the values do not keep
        kind = _FLOATS.get(kind, "")
    about = entry.get("meta")
    ucd = about.get("ucd", "") if isinstance(about, dict) else ""
    unit = entry.get("unit")
    return EcsvColumn(
        kind,
        Field(str(getattr(unit, "to_string", lambda: unit or "")()), str(ucd), str(entry.get("description") or "")),
    )
