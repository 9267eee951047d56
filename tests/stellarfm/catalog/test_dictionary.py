"""The data dictionary: every published column is described once, in words that machines know."""

import pytest
from astropy import units
from astropy.io.votable.ucd import check_ucd

from stellarfm.catalog.dictionary import PublishedColumn, read_dictionary
from stellarfm.catalog.release import TABLES

ALL = [column for table in TABLES for column in read_dictionary(table)]


@pytest.mark.parametrize("column", ALL, ids=lambda column: f"{column.table}.{column.name}")
def test_each_column_has_a_valid_ucd_a_valid_unit_and_a_meaning_of_null(column: PublishedColumn) -> None:
    assert check_ucd(column.ucd, check_controlled_vocabulary=True), column.ucd
    assert len(column.description) > 3
    assert column.null_meaning
    if column.unit:
        units.Unit("" if column.unit == "dex" else column.unit, format="vounit")


def test_an_error_and_percentiles_have_the_unit_of_their_value() -> None:
    stars = {column.name: column for column in read_dictionary("stars")}
    for name, column in stars.items():
        for suffix in ("_error", "_16", "_84"):
            if name + suffix in stars:
                assert stars[name + suffix].unit == column.unit


def test_a_column_without_a_tag_is_a_broken_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stellarfm.catalog.dictionary.read_sql", lambda _: "select\n    a, --/D words only\nfrom b")
    with pytest.raises(ValueError, match=r"lacks the tags \['C', 'N'\]"):
        read_dictionary("stars")
