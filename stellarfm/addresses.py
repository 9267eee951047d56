"""Addresses without what may be secret in them: an account before the host, keys behind a question mark."""

import re
from urllib.parse import urlsplit, urlunsplit

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]}]+", re.IGNORECASE)


def public_url(url: str) -> str:
    """Return an address as it may be shown: without account, query and fragment; what is no address is returned as it is."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def public_text(text: str) -> str:
    """Return a text whose addresses are as they may be shown, such as what a library says of a request."""
    return _ADDRESS.sub(lambda found: public_url(found[0]), text)
