"""The generated parts of the documentation, without building it."""

import sys
from functools import cache

from tests.conftest import REPOSITORY

_EXTENSIONS = str(REPOSITORY / "docs" / "_ext")


@cache
def generated_page(name: str) -> str:
    """Return a part of the documentation as its generator in ``docs/_ext`` makes it."""
    if _EXTENSIONS not in sys.path:
        sys.path.insert(0, _EXTENSIONS)
    from generated_pages import PAGES

    return PAGES[name]()
