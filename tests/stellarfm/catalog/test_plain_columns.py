"""Which columns of an answer the dictionary of a release speaks of."""

import pytest

from stellarfm.catalog.plain_columns import plain_columns

KNOWN = ["source_id", "ra", "teff"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "select source_id, stars.teff as t from stars where ra > 1 order by 1",
            {"source_id": "source_id", "t": "teff"},
        ),
        ("from stars", {name: name for name in KNOWN}),
        ("select * replace (teff / 1000 as teff) from stars", {"source_id": "source_id", "ra": "ra"}),
        ("select log10(teff) as teff, ra from stars", {"ra": "ra"}),
        ("select a.teff from stars a join stars b using (source_id)", {"teff": "teff"}),
        ("with stars as (select 1 as teff) select teff from stars", {}),
        ("select teff from (select 1 as teff)", {}),
        ("select teff from stars union all select 1", {}),
        ("select avg(teff) as teff from stars", {}),
        ("describe stars", {}),
    ],
)
def test_only_what_is_a_column_of_the_release_as_it_is_has_its_unit(sql: str, expected: dict[str, str]) -> None:
    assert plain_columns(sql, KNOWN) == expected
