"""No relation of ``sql/`` goes without a test in this folder."""

from pathlib import Path

import pytest

from stellarfm.resources import resource_folder

SQL = resource_folder("sql")
TESTS = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize(
    "relation", sorted(str(path.relative_to(SQL)).removesuffix(".sql") for path in SQL.rglob("*.sql"))
)
def test_the_relation_is_named_in_a_test(relation: str) -> None:
    assert f'"{relation}"' in TESTS
