"""A condition that selects stars is one condition, whatever our queries put around it; odd ones are refused by name."""

import pytest

from stellarfm.archives.esa import Esa
from stellarfm.conditions import columns_of, near_columns, refuse_odd_condition
from stellarfm.config import Archive, Gaia, Settings
from stellarfm.errors import StellarError
from stellarfm.surveys.selection import choose_surveys

HONEST = [
    "parallax > 20 and phot_g_mean_mag < 12",
    "(parallax > 20) or (dec > 3)",
    "has_xp_continuous = 'True' AND phot_g_mean_mag BETWEEN 12 AND 13",
    "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 56.75, 24.12, 2.0))",
    "DISTANCE(POINT(ra, dec), POINT(56.75, 24.12)) < 2 AND ruwe IS NOT NULL",
    "INTERSECTS(POINT('ICRS', ra, dec), POLYGON('ICRS', 1, 2, 3, 4, 5, 1)) = 1",
    "source_id IN (4295806720, 34361129088) AND MOD(random_index, 100) = 0",
    "phot_variable_flag = 'a;b -- (' AND NOT bp_rp > 1",
    'gaia_source."l" > 10 AND POWER(10, 0.2 * phot_g_mean_mag) * parallax > 1 AND TRUNCATE(b, 1) = 2',
]

ODD = {
    "1=1) OR (1=1": "its parentheses do not pair",
    "(parallax > 20": "its parentheses do not pair",
    "parallax > 20;": "it has a semicolon",
    "parallax > 20; DROP TABLE t": "it has a semicolon",
    "parallax > 20 -- near": "it has a comment",
    "parallax > 20 /* near */": "it has a comment",
    "WHERE parallax > 20": "begins with a word of SQL",
    "source_id IN (SELECT source_id FROM gaiadr3.gaia_source)": "it has a query of its own",
    "parallax > 20 ORDER BY parallax": "it goes on with ORDER BY",
    "parallax > 20 GROUP BY ra": "it goes on with GROUP BY",
    "parallax > 20 UNION SELECT 2 FROM t": "it holds more than one query",
    "parallax > 20, ra > 3": "it holds 2 expressions",
    "parallax >": "syntax error",
}


@pytest.mark.parametrize("where", HONEST)
def test_a_condition_of_adql_passes(where: str) -> None:
    refuse_odd_condition(where)


@pytest.mark.parametrize(("where", "sentence"), ODD.items())
def test_what_is_not_one_condition_is_refused_by_name(where: str, sentence: str) -> None:
    with pytest.raises(StellarError) as refused:
        refuse_odd_condition(where)
    assert str(refused.value).startswith(f"gaia.where = {where!r} is not one condition: ")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_it_is_refused_before_any_archive_is_asked() -> None:
    nowhere = "http://127.0.0.1:9/tap"
    with pytest.raises(StellarError, match="is not one condition"):
        Esa(Settings(archive=Archive(name="esa"), gaia=Gaia(tap_url=nowhere, where="1=1) OR (1=1")))


def test_the_columns_of_a_condition_are_those_it_names_and_no_function() -> None:
    assert columns_of("1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 1, 2, 3)) AND g.parallax > 'ra'") == [
        "ra", "dec", "parallax",
    ]  # fmt: skip


def test_a_misspelt_column_is_told_with_what_is_near_it() -> None:
    known = choose_surveys().gaia.tables["gaia_source"].columns
    said = "No such field known: column 'paralax' could not be located"
    remark = near_columns("random_index < 9 AND paralax > 20", said, known, "Gaia DR3")
    assert remark.startswith("; 'paralax' is no column that the profile of Gaia DR3 has (near it: parallax")
    assert near_columns("xyzzy > 20", "No such field known: xyzzy", known, "Gaia DR3") == ""
