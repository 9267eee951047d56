"""Writes the generated parts of the documentation into ``docs/_generated``, before Sphinx reads its pages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pages_of_checks import checks_page
from pages_of_commands import commands_page
from pages_of_dictionary import dictionary_page, vocabularies_page
from pages_of_rules import flags_page, rules_page
from pages_of_settings import settings_page
from pages_of_surveys import surveys_page

PAGES: Mapping[str, Callable[[], str]] = {
    "checks": checks_page,
    "commands": commands_page,
    "dictionary": dictionary_page,
    "flags": flags_page,
    "rules": rules_page,
    "settings": settings_page,
    "surveys": surveys_page,
    "vocabularies": vocabularies_page,
}
"""What is generated, by the name of its file."""


def write_pages(folder: Path) -> None:
    """Write every generated part; one that has not changed keeps its time, so that Sphinx does not read it again."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        text, path = page(), folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx call `write_pages` at the start of a build."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "_generated"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
