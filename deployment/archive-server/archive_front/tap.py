"""TAP as ESA and as IRSA speak it, in front of the plain TAP of DaCHS."""

import re
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from archive_front.faults import Fault
from archive_front.forms import FORM, Form
from archive_front.messages import Reply, Request, votable_error
from archive_front.upstream import ask

QUERY_ERROR = re.compile(rb'name="QUERY_STATUS" value="ERROR"|value="ERROR" name="QUERY_STATUS"')
OVERFLOW = b'<INFO name="QUERY_STATUS" value="OVERFLOW"/>'
_TOP = re.compile(r"(?i)^(\s*SELECT(?:\s+DISTINCT|\s+ALL)?)(?:\s+TOP\s+\d+)?\s+")
_DACHS_LINK = re.compile(rb"https?://[^/\"'<>\s]+/(?:tap|__system__/tap/run)(?=[/\"'<?\s]|$)")
_PHASE = re.compile(rb"(<(?:\w+:)?phase>)\w+(</)")
_JOB = re.compile(r"/async/([^/]+)(/.*)?$")


@dataclass(frozen=True)
class Dialect:
    """How an archive's TAP differs from that of DaCHS.

    Attributes
    ----------
    prefix
        Where it is.
    formats
        Names of formats and what DaCHS calls them.
    gzipped
        Whether tables in FITS and in binary VOTables are sent compressed, whatever the client accepts.
    tables
        Names without a schema that stand for tables of DaCHS.
    """

    prefix: str
    formats: dict[str, str]
    gzipped: bool = False
    tables: tuple[tuple[str, str], ...] = ()

    def to_dachs(self, query: str) -> str:
        """Return a query with the names of tables that DaCHS knows."""
        for name, full_name in self.tables:
            query = re.sub(rf'(?i)(?<![\w."]){name}\b', full_name, query)
        return query

    def from_dachs(self, document: bytes, base_url: str) -> bytes:
        """Return a document with our addresses and names of tables."""
        document = _DACHS_LINK.sub((base_url + self.prefix).encode(), document)
        for name, full_name in self.tables:
            document = document.replace(full_name.encode(), name.encode())
        return document

    def compresses(self, content_type: str) -> bool:
        """Whether a table of this type is sent compressed."""
        plain = "csv" in content_type or "TABLEDATA" in content_type.upper()
        return self.gzipped and not plain and ("votable" in content_type or "fits" in content_type)


ESA = Dialect(
    "/tap-server/tap",
    {"votable": "votableb2", "votable_gzip": "votableb2", "votable_plain": "votabletd"},
    gzipped=True,
)
IRSA = Dialect("/irsa/TAP", {"votable": "votabletd"}, tables=(("fp_psc", "irsa.fp_psc"),))


class Tap:
    """One archive's TAP service."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._lock = threading.Lock()
        self._faulty_jobs: dict[str, tuple[Fault, Form]] = {}
        self._forms: dict[str, Form] = {}

    def answer(self, request: Request) -> Reply:
        """Answer a request whose path begins with the dialect's prefix."""
        path = request.path.removeprefix(self.dialect.prefix)
        if path.startswith("/notification"):  # astroquery asks for the news of the day
            return Reply(200)
        if path == "/sync":
            return self._sync(self._form(request), request.fault)
        if path == "/async" and request.method == "POST":
            return self._create(request)
        if job := _JOB.match(path):
            return self._job(request, path, job.group(1), job.group(2) or "")
        return self._pass_on(request, path)

    def _form(self, request: Request) -> Form:
        form = Form(request.content_type, request.body, request.query)
        name = form.get("FORMAT")
        if name in self.dialect.formats:
            form.set("FORMAT", self.dialect.formats[name])
        if query := form.get("QUERY"):
            form.set("QUERY", self.dialect.to_dachs(query))
        return form

    def _sync(self, form: Form, fault: Fault | None) -> Reply:
        if fault and fault.kind == "error":
            return votable_error(fault.arg or "injected error")
        if fault and fault.kind in ("drop_rows", "limit"):
            return self._fewer_rows(form, fault)
        answer = ask("POST", "/tap/sync", form.encode(), form.content_type)
        if QUERY_ERROR.search(answer.head()):
            return Reply(400, answer.read(), answer.content_type)
        return self._table(answer.status, answer.content_type, answer.stream())

    def _fewer_rows(self, form: Form, fault: Fault) -> Reply:
        """Answer with fewer rows in a valid format; a VOTable says so of a limit and not of lost rows."""
        form = form.copy()
        rows = fault.count(1) if fault.kind == "limit" else max(_num_rows(form) - fault.count(1), 0)
        form.set("QUERY", _TOP.sub(rf"\g<1> TOP {rows} ", form.get("QUERY"), count=1))
        answer = ask("POST", "/tap/sync", form.encode(), form.content_type)
        body = answer.read()
        if fault.kind == "limit":
            body = body.replace(b"</RESOURCE>", OVERFLOW + b"</RESOURCE>")
        return self._table(answer.status, answer.content_type, [body])

    def _table(self, status: int, content_type: str, body: Iterable[bytes]) -> Reply:
        if status == 200 and self.dialect.compresses(content_type):
            return Reply(status, gzipped(body), content_type, {"Content-Encoding": "gzip"})
        return Reply(status, body, content_type)

    def _create(self, request: Request) -> Reply:
        """Make a job; ESA also starts it when asked to in the same request, which DaCHS does not do."""
        form = self._form(request)
        starts = form.get("PHASE") == "RUN"
        if starts:
            form.set("PHASE", "")
        answer = ask("POST", "/tap/async", form.encode(), form.content_type)
        if "location" not in answer.headers:
            return Reply(answer.status, answer.read(), answer.content_type)
        job = urlsplit(answer.headers["location"]).path.rsplit("/", 1)[1]
        answer.read()
        with self._lock:
            self._forms[job] = form
            if request.suffers("error", "drop_rows", "limit") and request.fault:
                self._faulty_jobs[job] = request.fault, form
        if starts:
            ask("POST", f"/tap/async/{job}/phase", b"PHASE=RUN", FORM).read()
        return Reply(303, headers={"Location": f"{request.base_url}{self.dialect.prefix}/async/{job}"})

    def _job(self, request: Request, path: str, job: str, part: str) -> Reply:
        with self._lock:
            if request.suffers("error", "drop_rows", "limit") and request.fault and job in self._forms:
                self._faulty_jobs[job] = request.fault, self._forms[job]
            fault, form = self._faulty_jobs.get(job, (None, None))
        if fault is None or form is None:
            return self._pass_on(request, path)
        if fault.kind != "error":
            return self._fewer_rows(form, fault) if part == "/results/result" else self._pass_on(request, path)
        if part == "/phase" and request.method == "GET":
            return Reply(200, b"ERROR")
        if part.startswith("/results") or part == "/error":
            return votable_error(fault.arg or "injected error", 200 if part == "/error" else 404)
        reply = self._pass_on(request, path)
        if reply.status == 200 and isinstance(reply.body, bytes):
            return replace(reply, body=_PHASE.sub(rb"\1ERROR\2", reply.body))
        return reply

    def _pass_on(self, request: Request, path: str) -> Reply:
        target = f"/tap{path}?{request.query}" if request.query else f"/tap{path}"
        answer = ask(request.method, target, request.body, request.content_type)
        if "location" in answer.headers:
            answer.read()
            location = self.dialect.from_dachs(answer.headers["location"].encode(), request.base_url)
            return Reply(answer.status, headers={"Location": location.decode()})
        if "/results/" in path:
            return self._table(answer.status, answer.content_type, answer.stream())
        document = self.dialect.from_dachs(answer.read(), request.base_url)
        return Reply(answer.status, document, answer.content_type)


def _num_rows(form: Form) -> int:
    """Return how many rows a query gives, from the lines of its table in text, less the heading."""
    form = form.copy()
    form.set("FORMAT", "csv")
    return max(len(ask("POST", "/tap/sync", form.encode(), form.content_type).read().splitlines()) - 1, 0)


def gzipped(body: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a body as it comes, fast rather than small."""
    compressor = zlib.compressobj(level=1, wbits=31)
    for chunk in body:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()
