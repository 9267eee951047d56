"""Pages of Great Expectations in which no text of the data is markup.

Its templates do not escape: a name or a value with ``<script>`` would run in the browser of whoever opens the page.
"""

from typing import Any

from great_expectations.render.view import DefaultJinjaPageView

_OWN_MARKUP = {"html_success_icon", "formatted_json"}
"""Keys under which Great Expectations puts markup of its own."""


class EscapedPageView(DefaultJinjaPageView):  # type: ignore[misc]  # Great Expectations has no types
    """The page view of Great Expectations, with every text escaped before it is drawn."""

    def render(self, document: Any, template: str | None = None, **kwargs: Any) -> str:
        """Return a page.

        Parameters
        ----------
        document
            What Great Expectations made of results or rules.
        template
            Name of its template; the page's own if not given.
        **kwargs
            What the template takes beside it.
        """
        self._validate_document(document)
        page = self._get_template(template or self._template)
        return str(page.render(escaped(document.to_json_dict()), **kwargs))

    @staticmethod
    def _escape_template_param_value(value: Any) -> Any:
        # escaped with everything else already; twice would show
        return value


def escaped(content: Any, key: str = "") -> Any:
    """Return content with every text, and every key, without signs of markup."""
    if isinstance(content, dict):
        return {escaped(name): escaped(value, name) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [escaped(one, key) for one in content]
    if isinstance(content, str) and key not in _OWN_MARKUP:
        # quotes as well: a text may stand in an attribute
        return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return content
