"""What comes in and what goes out, apart from how it travels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from archive_front.faults import Fault

VOTABLE = "application/x-votable+xml"


@dataclass(frozen=True)
class Request:
    """A request of a client; `fault` is one that the answer itself must show, if any."""

    method: str
    path: str
    query: str
    content_type: str
    headers: dict[str, str]
    body: bytes
    fault: Fault | None = None

    @property
    def base_url(self) -> str:
        """How the client calls this server."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    def suffers(self, *kinds: str) -> Fault | None:
        """Return the fault if it is of one of these kinds."""
        return self.fault if self.fault and self.fault.kind in kinds else None


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is not bytes is sent as it comes, with its length in front if that is known."""

    status: int
    body: bytes | Iterable[bytes] = b""
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


def votable_error(message: str, status: int = 400) -> Reply:
    """Return the answer of a TAP service that refuses a request, which is a VOTable."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO></RESOURCE></VOTABLE>'
    )
    return Reply(status, text.encode(), VOTABLE)
