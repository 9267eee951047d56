"""Data Docs that open without a network: nothing is fetched from elsewhere, and nothing counts its readers."""

import re
from pathlib import Path

_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=\"https?://[^>]*>\s*</script>"
    r"|<link[^>]*\bhref=\"https?://[^>]*>"
    r"|<img[^>]*\bsrc=\"https?://[^>]*>"
    r"|<p>Stay current on everything GX.*?</p>"
    r"|background: url\('https?://[^;]*;",
    re.DOTALL,
)
"""What a browser would fetch when a page is opened; links that a person must click stay."""

_STYLE = """<style>
body { font-family: system-ui, sans-serif; margin: 1.5rem; max-width: 80rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; table-layout: fixed; }
td, th { border-bottom: 1px solid #ddd; padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.list-unstyled, .nav { list-style: none; padding-left: 0.5rem; }
.table-danger, .text-danger { color: #b00020; }
.dropdown, .modal, .alert-dismissible .close, nav button { display: none; }
</style>
</head>"""


def make_offline(folder: Path) -> None:
    """Take everything out of the pages of a folder that is fetched from elsewhere.

    Parameters
    ----------
    folder
        Data Docs as Great Expectations wrote them.
    """
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if _STYLE not in text:
            page.write_text(_OUTSIDE.sub("", text).replace("</head>", _STYLE, 1), encoding="utf-8")
