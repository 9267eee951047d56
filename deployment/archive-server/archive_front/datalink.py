"""DataLink of the Gaia archive: XP spectra of up to 5000 stars at a time, in a zip."""

import io
import zipfile

from archive_front.forms import FORM, Form
from archive_front.messages import Reply, Request, votable_error
from archive_front.tap import QUERY_ERROR
from archive_front.upstream import ask

MAX_IDS = 5000
RELEASES = ("", "Gaia DR3")
STRUCTURES = ("RAW", "DATAMODEL_GAIA")
RETRIEVAL_TYPE = "XP_CONTINUOUS"
FORMATS = {
    "votable": ("votableb2", "xml"),
    "votable_plain": ("votabletd", "xml"),
    "fits": ("fits", "fits"),
    "csv": ("csv", "csv"),
}
TABLE = "gaiadr3.xp_continuous_mean_spectrum"


def load_data(request: Request) -> Reply:
    """Answer ``load_data``: a star without a spectrum is left out silently, as in the archive."""
    form = Form(request.content_type, request.body, request.query)
    ids = [word.split()[-1] for word in form.get("ID").split(",") if word.strip()]
    refusal = _refusal(form, ids)
    if refusal:
        return votable_error(refusal)
    if fault := request.suffers("error"):
        return votable_error(fault.arg or "injected error", 500)
    if fault := request.suffers("drop_rows"):
        ids = ids[: max(len(ids) - fault.count(1), 0)]
    if fault := request.suffers("limit"):
        ids = ids[: fault.count(1)]
    dachs_format, suffix = FORMATS[form.get("FORMAT", "votable")]
    status, table = _spectra(ids, dachs_format)
    if status != 200:
        return Reply(500, table, "text/xml")
    members = {f"{RETRIEVAL_TYPE}_{form.get('DATA_STRUCTURE')}.{suffix}": table}
    if request.suffers("zip_slip"):
        members["../../escaped.txt"] = b"outside"
    return Reply(
        200, _zipped(members), "application/zip", {"Content-Disposition": 'attachment;filename="datalink.zip"'}
    )


def _refusal(form: Form, ids: list[str]) -> str | None:
    """Return why a request is refused, if it is."""
    expected = {"RELEASE": RELEASES, "DATA_STRUCTURE": STRUCTURES, "RETRIEVAL_TYPE": (RETRIEVAL_TYPE,)}
    expected["FORMAT"] = ("", *FORMATS)
    for name, values in expected.items():
        if form.get(name) not in values:
            return f"Invalid {name} '{form.get(name)}': this archive has {', '.join(filter(None, values))}"
    if len(ids) > MAX_IDS:
        return f"Maximum number of ids is {MAX_IDS}, found {len(ids)}"
    if not ids or not all(source_id.isdigit() for source_id in ids):
        return "ID must be a list of source_id"
    return None


def _spectra(ids: list[str], dachs_format: str) -> tuple[int, bytes]:
    form = Form(FORM, b"")
    fields = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": dachs_format, "MAXREC": str(MAX_IDS)}
    fields["QUERY"] = f"SELECT * FROM {TABLE} WHERE source_id IN ({','.join(ids) or -1})"  # noqa: S608 - digits only
    for name, value in fields.items():
        form.set(name, value)
    answer = ask("POST", "/tap/sync", form.encode(), form.content_type)
    failed = answer.status != 200 or QUERY_ERROR.search(answer.head())
    return 500 if failed else 200, answer.read()


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
