"""What rests on a column of the landing is read from the SQL, through joins, unions, renames and macros."""

import pytest

from stellarfm.catalog.dictionary import read_dictionary, read_flags
from stellarfm.catalog.origins import not_judged, release_facts
from stellarfm.checks.lacking import lacking_columns
from stellarfm.surveys.selection import choose_surveys
from stellarfm.warehouse.build import STAGING
from stellarfm.warehouse.lineage import Lineage, read_lineage


@pytest.fixture(scope="module")
def lineage() -> Lineage:
    return read_lineage(choose_surveys(), STAGING)


@pytest.mark.parametrize(
    ("table", "column", "rests"),
    [
        ("gaia_source", "phot_bp_rp_excess_factor", "cuts excess_factor_is_good; flags excess_factor"),
        ("gaia_source", "ecl_lat", "tokens g_fakemag"),
        ("gaia_source", "phot_variable_flag", "nothing"),
        ("gaia_source", "pmra", "flags crowded; columns tmass_separation_arcsec"),
        ("twomass_psc", "k_m", "tokens jk"),
        ("twomass_psc", "ra", "flags crowded; columns tmass_separation_arcsec"),
        ("apogee_allstar", "M_H", "tokens m_h"),
    ],
)  # fmt: skip
def test_what_rests_on_a_column(lineage: Lineage, table: str, column: str, rests: str) -> None:
    assert str(lineage.rests_on(table, column)) == rests


def test_the_cuts_are_those_that_decide_about_the_training_set(lineage: Lineage) -> None:
    assert {"ruwe_is_good", "excess_factor_is_good", "has_all_xp"} <= set(lineage.cuts)


def test_every_column_of_the_catalogue_is_known_to_the_lineage(lineage: Lineage) -> None:
    assert {column.name for column in read_dictionary("stars")} <= set(lineage.relations["catalog.stars"])


def test_a_release_that_lacks_a_column_says_which_cuts_flags_and_rules_go_without() -> None:
    draft = choose_surveys("Gaia DR4")
    assert set(not_judged(draft)) == {"excess_factor_is_good", "excess_factor"}
    assert "excess_factor_is_good (Gaia DR4 has no phot_bp_rp_excess_factor)" in release_facts(draft)["not_judged"]
    assert "no phot_bp_rp_excess_factor" in lacking_columns("staging.gaia_source", draft)["excess_factor_residual"]
    flag = next(flag for flag in read_flags(draft) if flag.name == "excess_factor")
    assert flag.description.startswith("Not judged, Gaia DR4 has no phot_bp_rp_excess_factor: ")


def test_a_release_that_lacks_nothing_goes_without_nothing() -> None:
    assert not_judged(choose_surveys()) == {}
    assert release_facts(choose_surveys())["not_judged"] == "nothing"


def test_no_text_of_an_earlier_release_stands_in_the_dictionary_but_that_of_the_crosswalk() -> None:
    draft, now = choose_surveys("Gaia DR4"), choose_surveys()
    texts = {c.name: f"{c.description} {c.null_meaning}" for c in read_dictionary("stars", draft)}
    assert "Gaia DR3" in texts.pop("dr3_source_id")
    assert not any("DR3" in text or "2016" in text for text in texts.values())
    assert "2017.5" in texts["ra"]
    assert "dr3_source_id" not in {column.name for column in read_dictionary("stars", now)}
    facts = release_facts(draft)
    assert (facts["gaia_epoch_year"], "Data Release 4" in facts["gaia_citation"]) == ("2017.5", True)
    assert "tentative_parallax_bias" in facts["parallax_zero_point"]
