"""The generated parts say everything that the code knows, and the pages that people write name files that are there."""

import re
from pathlib import Path

import pytest

from stellarfm.catalog.dictionary import read_dictionary, read_flags
from stellarfm.catalog.release import TABLES
from stellarfm.checks.suites import read_suite, suite_tables
from stellarfm.config import RENAMED, setting_names
from stellarfm.rules import read_rules, rule_value
from stellarfm.surveys.reading import load_survey, survey_names
from tests.conftest import REPOSITORY
from tests.docs.blocks import pages
from tests.docs.generated import generated_page

_FILE = re.compile(
    r"`((?:sql|stellarfm|docs|deployment|tests|flows|expectations|\.ci)/[\w./*-]+|[\w-]+\.(?:cff|md))(?:::\w+)?`"
)


@pytest.mark.parametrize("rule", read_rules(), ids=lambda rule: rule.name)
def test_every_rule_is_there_with_a_source_and_a_user(rule) -> None:
    page = generated_page("rules")
    assert f"(rule-{rule.name.replace('_', '-')})=" in page
    assert f"{rule.name}({', '.join(rule.parameters)}) as " in page
    assert len(rule.source) > 10


def test_a_rule_names_the_files_that_use_it() -> None:
    page = generated_page("rules")
    below = page[page.index("(rule-split-of)=") :].split("\n(rule-")[0]
    assert "`sql/marts/leung_bovy_2024_stars.sql`" in below
    following = page[page.index("(rule-split-of-star)=") :].split("\n(rule-")[0]
    assert "`sql/marts/stars.sql`" in following
    assert "`stellarfm/stages/train_table.py`" in below


@pytest.mark.parametrize("name", survey_names())
def test_every_survey_is_there_with_its_columns(name: str) -> None:
    page, survey = generated_page("surveys"), load_survey(name)
    assert survey.release in page
    assert survey.citation in page
    assert all(f"| `{column}` |" in page for table in survey.tables.values() for column in table.columns)
    if survey.crossmatch.radius_arcsec:
        assert f"{survey.crossmatch.radius_arcsec:g} arcsec" in page


def test_the_radius_of_2mass_has_its_reason() -> None:
    below = generated_page("surveys").split("(survey-twomass)=")[1]
    why = next(line for line in below.splitlines() if line.startswith("| Why |"))
    assert "1.5 arcsec" in why and "tests/benchmarks/clusters.py" in why


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_the_catalogue_is_there(table: str) -> None:
    page = generated_page("dictionary")
    assert all(
        f"| `{column.name}` | {column.description} | {column.unit} |" in page for column in read_dictionary(table)
    )


def test_every_flag_is_there_with_the_limits_of_its_rule() -> None:
    page = generated_page("flags")
    assert all(f"| {flag.bit} | `{flag.name}` |" in page for flag in read_flags())
    assert f"{rule_value('max_teff_error_k'):g} K" in page


@pytest.mark.parametrize("table", suite_tables())
def test_every_check_is_there_with_its_note(table: str) -> None:
    page = generated_page("checks")
    assert all(f"| `{rule.name}` | {rule.severity} |" in page for rule in read_suite(table).rules)


def test_no_check_is_described_by_the_name_of_its_class() -> None:
    assert "expectation |" not in generated_page("checks")
    assert "None" not in generated_page("checks")


@pytest.mark.parametrize("name", setting_names())
def test_a_setting_has_a_default_a_variable_and_a_text(name: str) -> None:
    page = generated_page("settings")
    entry = page[page.index(f"\n`{name}`\n: ") :].split("\n(setting-")[0]
    assert "default" in entry
    assert f"`STELLARFM_{name.upper().replace('.', '__')}`" in entry
    assert len(entry.split("\n\n  ")[1].strip()) > 10


def test_settings_of_earlier_names_are_there() -> None:
    assert all(f"| `{before}` | `{now}` |" in generated_page("settings") for before, now in RENAMED.items())


def test_limits_are_words_of_the_settings_themselves() -> None:
    entry = generated_page("settings").split("`archive.spectra_per_part`")[1]
    assert entry.startswith("\n: integer · at least 1 · at most 5,000 · default `2000`")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = {found[1].rstrip("/.") for found in _FILE.finditer(page.read_text(encoding="utf-8"))}
    missing = [name for name in sorted(named) if "<" not in name and not _is_there(name)]
    assert missing == []


def _is_there(name: str) -> bool:
    # what `make docs` makes is not there in a fresh clone
    if name.startswith("docs/_build"):
        return True
    return any(REPOSITORY.glob(name)) or any((REPOSITORY / "docs").rglob(name)) or "NAME" in name or "TABLE" in name


def test_links_of_the_readme_are_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (REPOSITORY / link).is_file()] == []
