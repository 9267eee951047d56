"""DataLink of the Gaia archive: XP spectra of up to 5000 stars at a time, in a zip."""

import base64
import io
import re
import struct
import zipfile
from dataclasses import dataclass

from archive_front.forms import Form
from archive_front.messages import Reply, Request, votable_error
from archive_front.tap import QUERY_ERROR
from archive_front.upstream import ask

MAX_IDS = 5000
FORMATS = {
    "votable": ("votableb2", "xml"),
    "votable_plain": ("votabletd", "xml"),
    "fits": ("fits", "fits"),
    "csv": ("csv", "csv"),
}
_BOUNDARY = "archive-front-boundary"
_SOURCE = re.compile(r"(?:Gaia DR\d+ )?(\d{1,19})$")


@dataclass(frozen=True)
class Release:
    """The words of a release.

    Attributes
    ----------
    retrieval_type, structures
        The product of mean spectra, and its DATA_STRUCTUREs.
    table
        Where its rows are.
    wrong_word
        Status with which a word of another release is refused, and how its sentence begins.
    """

    retrieval_type: str
    structures: tuple[str, ...]
    table: str
    wrong_word: tuple[int, str] = (400, "Invalid")


_EARLIER = Release("XP_CONTINUOUS", ("RAW", "DATAMODEL_GAIA"), "gaiadr3.xp_continuous_mean_spectrum")
RELEASES = {
    "": _EARLIER,
    "Gaia DR3": _EARLIER,
    "Gaia DR4": Release(
        "MEAN_SPECTRUM_XP", ("DATAMODEL_GAIA", "DATAMODEL_STANDARD"), "gaiadr4.xp_mean_spectrum", (500, "Unknown")
    ),
}


def load_data(request: Request) -> Reply:
    """Answer ``load_data``: a star without a spectrum is left out silently, as in the archive."""
    form = Form(request.content_type, request.body, request.query)
    words = [word.strip() for word in form.get("ID").split(",") if word.strip()]
    ids = [found.group(1) for word in words if (found := _SOURCE.match(word))]
    refusal = _refusal(form, len(words), len(ids))
    if refusal:
        return votable_error(*refusal)
    release = RELEASES[form.get("RELEASE")]
    if fault := request.suffers("error"):
        return votable_error(fault.arg or "injected error", 500)
    if fault := request.suffers("drop_rows"):
        ids = ids[: max(len(ids) - fault.count(1), 0)]
    if fault := request.suffers("limit"):
        ids = ids[: fault.count(1)]
    dachs_format, suffix = FORMATS[form.get("FORMAT", "votable")]
    status, table = _spectra(ids, dachs_format, release.table)
    if status != 200:
        return Reply(500, table, "text/xml")
    members = {f"{release.retrieval_type}_{form.get('DATA_STRUCTURE')}.{suffix}": table}
    if request.suffers("zip_slip"):
        members["../../escaped.txt"] = b"outside"
    return Reply(
        200, _zipped(members), "application/zip", {"Content-Disposition": 'attachment;filename="datalink.zip"'}
    )


def _refusal(form: Form, num_words: int, num_ids: int) -> tuple[str, int] | None:
    """Return why a request is refused and with which status, if it is."""
    if form.get("RELEASE") not in RELEASES:
        return f"Invalid RELEASE '{form.get('RELEASE')}': this archive has {', '.join(filter(None, RELEASES))}", 400
    release = RELEASES[form.get("RELEASE")]
    status, begins = release.wrong_word
    expected = {"DATA_STRUCTURE": release.structures, "RETRIEVAL_TYPE": (release.retrieval_type,)}
    for name, values in expected.items():
        if form.get(name) not in values:
            what = name if status == 400 else name.replace("_", " ").lower()
            return f"{begins} {what} '{form.get(name)}': this archive has {', '.join(values)}", status
    if form.get("FORMAT") not in ("", *FORMATS):
        return f"Invalid FORMAT '{form.get('FORMAT')}': this archive has {', '.join(FORMATS)}", 400
    if num_words > MAX_IDS:
        return f"Maximum number of ids is {MAX_IDS}, found {num_words}", 400
    if not num_ids or num_ids < num_words:
        return "ID must be a list of source_id", 400
    return None


def _spectra(ids: list[str], dachs_format: str, table: str) -> tuple[int, bytes]:
    """Return the spectra of stars; their ids go as an uploaded table, as DaCHS reads a long list in ADQL slowly."""
    form = Form(f"multipart/form-data; boundary={_BOUNDARY}", f"--{_BOUNDARY}--\r\n".encode())
    fields = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": dachs_format, "MAXREC": str(MAX_IDS)}
    for name, value in fields.items():
        form.set(name, value)
    form.set("QUERY", f"SELECT x.* FROM {table} AS x JOIN TAP_UPLOAD.ids AS i ON x.source_id = i.source_id")  # noqa: S608
    form.set("UPLOAD", "ids,param:ids")
    form.set("ids", _votable([int(source_id) for source_id in dict.fromkeys(ids)]), filename="ids.xml")
    answer = ask("POST", "/tap/sync", form.encode(), form.content_type)
    failed = answer.status != 200 or QUERY_ERROR.search(answer.head())
    return 500 if failed else 200, answer.read()


def _votable(ids: list[int]) -> str:
    numbers = base64.b64encode(struct.pack(f">{len(ids)}q", *ids)).decode()
    return (
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        '<FIELD name="source_id" datatype="long"/><DATA><BINARY><STREAM encoding="base64">'
        f"{numbers}</STREAM></BINARY></DATA></TABLE></RESOURCE></VOTABLE>"
    )


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
