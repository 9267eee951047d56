"""Pages for a browser: every text escaped, nothing that runs, nothing from elsewhere; the one place that makes them."""

from typing import Any

from stellarfm.resources import read_template

CONTENT_POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'\">"
)
"""What a page tells the browser that it may do: show itself. The second lock, where escaping is the first."""


def render_page(template: str, **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template
        Name of a file of ``templates/``.
    **values
        What stands in it; texts may come from outside.
    """
    # it takes long to import, and few commands make a page
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(read_template(template))
    return with_policy(page.render(values))


def with_policy(page: str) -> str:
    """Return a page that says at its head what it may do."""
    return page.replace("<head>", f"<head>{CONTENT_POLICY}", 1)
