"""A text that comes from outside is text on every page: no element, no script, whatever a table or a run is called."""

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from stellarfm.checks.page_view import escaped
from stellarfm.checks.suites import Rule
from stellarfm.checks.validator import open_validator
from stellarfm.evaluation.report import _write_page
from stellarfm.pages import CONTENT_POLICY, render_page
from stellarfm.resources import resource_folder

PLANTED = "<script>alert(1)</script><b x='\" onload=alert(1)'>&amp;<img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """What a browser sees: elements, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, value in attrs if name.startswith("on") and "alert" in (value or "")]

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(page: str, *, shown: str = PLANTED) -> None:
    elements = Elements(page)
    assert not {"script", "img", "iframe", "object", "embed", "form"} & set(elements.names)
    assert elements.handlers == []
    assert CONTENT_POLICY in page
    # the text is there as it was given, so nothing is escaped twice either
    assert shown in elements.text


def test_a_page_of_ours_escapes_what_stands_in_it(tmp_path: Path) -> None:
    row = {
        "task": PLANTED,
        "model": PLANTED,
        "token": PLANTED,
        "against": PLANTED,
        "num_stars": 1,
        "scatter": 1.0,
        "bias": 0.0,
    }
    _write_page(tmp_path, {"num_test_stars": 1, "rows": [row]})
    assert_harmless((tmp_path / "report.html").read_text("utf-8"))


def test_the_first_page_of_the_checks_escapes_messages_tables_and_rules() -> None:
    finding = SimpleNamespace(severity="row", rule=PLANTED, found=PLANTED, note=PLANTED)
    table = SimpleNamespace(table=PLANTED, num_rows=1, num_rules=1, not_judged=[(PLANTED, PLANTED)], findings=[finding], set_aside=0)  # noqa: E501 # fmt: skip
    report = SimpleNamespace(error=PLANTED, tables=[table], cuts=[(PLANTED, 1)])
    assert_harmless(render_page("checks.html", report=report, pages={PLANTED: {PLANTED: PLANTED}}))


def test_every_template_has_a_head_for_the_policy() -> None:
    for template in resource_folder("templates").glob("*.html"):
        assert "<head>" in template.read_text("utf-8")


COLUMN = "<script>alert('column')</script>"
RULES = [
    ("expect_column_values_to_be_in_set", {"column": "designation", "value_set": ["x", PLANTED[:-1]]}),
    ("expect_column_values_to_be_unique", {"column": "designation"}),
    ("expect_column_values_to_be_in_set", {"column": COLUMN, "value_set": ["a"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "designation", "value_set": ["y"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["other"]}),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "select * from {batch}"}),
]


@pytest.fixture(scope="module")
def data_docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data Docs of a table whose designations, columns and rules hold markup."""
    folder = tmp_path_factory.mktemp("docs")
    with duckdb.connect(str(folder / "given.duckdb")) as con:
        con.register("given", pa.table({"designation": [PLANTED, "x", PLANTED], COLUMN: ["a", PLANTED, "b"]}))
        con.execute("create table given_table as from given")
    rules = [Rule(f"rule_{i}", "row", PLANTED, kind, kwargs) for i, (kind, kwargs) in enumerate(RULES)]
    with open_validator(folder / "given.duckdb", folder) as validator:
        validator.con.execute("create view given as from checked.main.given_table")
        validator.validate("given", "given", rules)
        validator.write_docs()
    return folder / "docs"


@pytest.mark.parametrize("kind", ["validations", "expectations"])
def test_data_docs_escape_values_column_names_and_notes(data_docs: Path, kind: str) -> None:
    pages = list((data_docs / kind).rglob("*.html"))
    assert pages
    for page in pages:
        assert_harmless(page.read_text("utf-8"))
        assert COLUMN in Elements(page.read_text("utf-8")).text


def test_markup_that_great_expectations_makes_itself_stays() -> None:
    given = {"params": {"html_success_icon": "<i></i>", "value": "<i>"}, "styling": {"classes": ["a"]}}
    assert escaped(given) == {
        "params": {"html_success_icon": "<i></i>", "value": "&lt;i&gt;"},
        "styling": {"classes": ["a"]},
    }
