"""Fields of a form, whether it came in the query string, form-encoded, or as multipart with files."""

import re
from urllib.parse import parse_qsl, urlencode

FORM = "application/x-www-form-urlencoded"


class Form:
    """The fields of a TAP request; names are in upper case, as TAP does not tell cases apart."""

    def __init__(self, content_type: str, body: bytes, query: str = "") -> None:
        self.content_type = content_type or FORM
        self._multipart = body if self.content_type.startswith("multipart/") else b""
        text = query if self._multipart else "&".join(part for part in (query, body.decode()) if part)
        self._fields = {name.upper(): value for name, value in parse_qsl(text, keep_blank_values=True)}
        for name, value in self._fields.items() if self._multipart else ():
            self.set(name, value)

    def copy(self) -> "Form":
        """Return a form that can be changed by itself."""
        twin = Form(self.content_type, self._multipart)
        twin._fields = dict(self._fields)
        return twin

    def get(self, name: str, default: str = "") -> str:
        """Return a field."""
        if found := self._part(name):
            return found.group(1).decode()
        return self._fields.get(name, default)

    def set(self, name: str, value: str, filename: str = "") -> None:
        """Set a field; only a multipart form has files."""
        if found := self._part(name):
            self._multipart = self._multipart[: found.start(1)] + value.encode() + self._multipart[found.end(1) :]
        elif self._multipart:
            boundary = self._multipart.split(b"\r\n", 1)[0].removesuffix(b"--")
            name += f'"; filename="{filename}' if filename else ""
            part = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            self._multipart = boundary + part.encode() + self._multipart
        else:
            self._fields[name] = value

    def encode(self) -> bytes:
        """Return the body of a POST of `content_type`."""
        return self._multipart or urlencode(self._fields).encode()

    def _part(self, name: str) -> re.Match[bytes] | None:
        pattern = rb'(?i)name="%s"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r]*)\r\n' % name.encode()
        return re.search(pattern, self._multipart) if self._multipart else None
