"""Data Docs that open without a network: nothing is fetched from elsewhere, nothing runs, and nothing counts its readers."""

import re
import shutil
from pathlib import Path

from stellarfm.checks.report import read_record
from stellarfm.pages import render_page, with_policy

_OUTSIDE = re.compile(
    # all scripts: those that are left would call others that are fetched from elsewhere
    r"<script\b.*?</script>"
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
.row { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.col-lg-2 { flex: 0 0 15rem; overflow-wrap: anywhere; } .col-lg-10 { flex: 1 1 40rem; min-width: 0; }
.col-12 { flex: 1 1 100%; } .alert { margin: 0.6rem 0; padding: 0.3rem 0.6rem; background: #eef1f6; }
a { color: #2563a8; text-decoration: none; } .breadcrumb { padding-left: 0; } .breadcrumb li { display: inline; }
.breadcrumb li + li::before { content: " / "; } .sticky { position: static; }
.fa-check-circle::before { content: "✓"; color: #1b7f3b; } .fa-times::before { content: "✗"; color: #b00020; }
.fa-exclamation-triangle::before { content: "!"; color: #b00020; }
.dropdown, .modal, .alert-dismissible .close, nav button { display: none; }
</style>
</head>"""


def write_index(folder: Path) -> None:
    """Write the first page: every table with what was found, and links to its results and rules.

    The index of Great Expectations is drawn by scripts that it fetches from elsewhere; without them it is empty.

    Parameters
    ----------
    folder
        Folder of checks with ``docs/`` and the record.
    """
    report, docs = read_record(folder), folder / "docs"
    pages = {table.table: _pages(docs, table.table) for table in report.tables}
    text = render_page("checks.html", report=report, pages=pages)
    (docs / "index.html").write_text(text, encoding="utf-8")


def _pages(docs: Path, table: str) -> dict[str, str]:
    """Return the pages of a table relative to the first page: its results, comparison and rules."""
    schema, name = table.split(".")
    folders = {"results": f"validations/{schema}/{name}", "drift": f"validations/{schema}/{name} drift"}
    found = {title: sorted((docs / folder).rglob("*.html")) for title, folder in folders.items()}
    found["rules"] = list((docs / "expectations" / schema).glob(f"{name}.html"))
    # sorted by run, and the last is the newest
    return {title: files[-1].relative_to(docs).as_posix() for title, files in found.items() if files}


def make_offline(folder: Path) -> None:
    """Take everything out of the pages of a folder that is fetched from elsewhere.

    Parameters
    ----------
    folder
        Data Docs as Great Expectations wrote them.
    """
    # images and fonts of Great Expectations' own pages, 4 MB of them: ours use the icon alone
    for path in [*folder.glob("static/*"), *folder.glob("static/images/*")]:
        if path.is_dir() and path.name != "images":
            shutil.rmtree(path)
        elif path.is_file() and path.name != "favicon.ico":
            path.unlink()
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        # a second call of the same run finds pages that are done already
        if _STYLE not in text:
            page.write_text(with_policy(_OUTSIDE.sub("", text)).replace("</head>", _STYLE, 1), encoding="utf-8")
