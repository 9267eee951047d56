"""What a survey's release is stands in one file: read strictly, and known nowhere else."""

import re
from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.landing.schema import landing_schemas
from stellarfm.resources import resource_folder
from stellarfm.sky import simulate as sky
from stellarfm.surveys.reading import load_survey, survey_names
from stellarfm.surveys.selection import Surveys, choose_surveys

REPOSITORY = Path(__file__).resolve().parents[3]
TWOMASS = (resource_folder("surveys") / "twomass.toml").read_text(encoding="utf-8")


def profile(tmp_path: Path, before: str, after: str) -> str:
    """Write the profile of 2MASS with a change and return its path."""
    assert before in TWOMASS
    path = tmp_path / "changed.toml"
    path.write_text(TWOMASS.replace(before, after, 1))
    return str(path)


@pytest.mark.parametrize("name", survey_names())
def test_a_profile_that_comes_along_is_valid_and_says_its_source(name: str) -> None:
    survey = load_survey(name)
    assert survey.tables and survey.citation
    assert (resource_folder("surveys") / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")


def test_the_simulated_sky_has_the_tables_of_the_profiles() -> None:
    made = sky.simulate_range(1, 0, 10)
    schemas = landing_schemas(choose_surveys())
    assert {name: schema.empty().schema for name, schema in schemas.items()} == {
        name: made[name].schema for name in schemas
    }


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("status =", "statsu =", r"changed.toml: unknown key 'statsu' \(near it: status"),
        ('citation = "Skrutskie et al. (2006, AJ 131, 1163)"', "", "changed.toml: the key 'citation' is missing"),
        ("epoch_year = 2000.0", 'epoch_year = "J2000"', "changed.toml: epoch_year: Input should be a valid number"),
        ("epoch_year = 2000.0", "epoch_year = 200.0", "changed.toml: epoch_year"),
        ("radius_arcsec = 1.5", "radius_arcsec = -1.5", "changed.toml: crossmatch.radius_arcsec"),
        ('ra = "double"', 'ra = "number"', "changed.toml: tables.twomass_psc.columns.ra"),
        ('"jdate"]', '"juliandate"]', "needed names the column 'juliandate', which"),
        ('k_m = "ks_m"', 'km = "ks_m"', "at.gaia.renamed names the column 'km', which"),
        ("\n[crossmatch]\n", "\n[crossmatch\n", "changed.toml is not valid TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_file_and_key(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    with pytest.raises(StellarError, match=sentence):
        load_survey(profile(tmp_path, before, after))


def own_profile(folder: Path, text: str) -> str:
    """Write a profile that extends the draft of DR4 and return its path."""
    path = folder / "mine.toml"
    path.write_text(f'extends = "gaia_dr4"\n{text}')
    return str(path)


def test_a_profile_says_only_what_differs_from_the_one_that_it_extends(tmp_path: Path) -> None:
    mine = own_profile(tmp_path, '[tables.gaia_source.at.tap.renamed]\nhas_xp_continuous = "has_mean_spectrum"\n')
    survey, draft = load_survey(mine), load_survey("gaia_dr4")
    assert survey.tables["gaia_source"].names_at("tap")["has_xp_continuous"] == "has_mean_spectrum"
    assert survey.lacking("gaia_source") == {"phot_bp_rp_excess_factor"}
    assert (survey.epoch_year, survey.xp) == (2017.5, draft.xp)
    assert choose_surveys(mine).gaia == survey


def test_a_name_that_nobody_knows_yet_is_told_with_its_key_where_it_is_needed() -> None:
    survey = load_survey("gaia_dr4")
    assert "has_xp_continuous" in survey.lacking("gaia_source")
    with pytest.raises(StellarError, match=r"fill in the key tables.xp_continuous_mean_spectrum.at.tap.name; .*check"):
        survey.table_at("tap", "xp_continuous_mean_spectrum")


def test_numbers_in_another_unit_are_asked_for_in_ours(tmp_path: Path) -> None:
    mine = own_profile(tmp_path, "[tables.gaia_source.at.tap.factor]\nparallax = 1000.0\n")
    assert "s.parallax * 1000.0 AS parallax" in load_survey(mine).tables["gaia_source"].select_at("tap", "s")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[tables.gaia_source.at.tap.renamed]\npmra = "pmdec"\n', "at.tap gives two columns for 'pmdec'"),
        ('epoch_year = "J2017.5"', "mine.toml: epoch_year: Input should be a valid number"),
        (
            '[xp]\nretrieval_type = "EPOCH_SPECTRUM_XP"\n',
            "xp: retrieval_type is EPOCH_SPECTRUM_XP, the spectra of single",
        ),
    ],
)
def test_a_mistake_in_a_profile_of_ones_own_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(StellarError, match=sentence):
        load_survey(own_profile(tmp_path, text))


def test_a_profile_cannot_extend_itself_or_be_of_another_survey(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(f'extends = "{path}"\n')
    with pytest.raises(StellarError, match=r"loop\.toml: extends cannot be"):
        load_survey(str(path))
    path.write_text('extends = "twomass"\n')
    load_survey.cache_clear()
    with pytest.raises(StellarError, match=r"loop\.toml is of twomass, not of gaia"):
        choose_surveys(str(path))


def test_an_unknown_survey_or_release_names_those_that_are_known() -> None:
    with pytest.raises(StellarError, match=r"no survey 'twomas' \(near it: twomass"):
        load_survey("twomas")
    with pytest.raises(
        StellarError, match="no profile of 'Gaia DR9' in stellarfm/surveys; known are Gaia DR3, Gaia DR4"
    ):
        choose_surveys("Gaia DR9")


def test_two_surveys_cannot_claim_one_column() -> None:
    gaia = load_survey("gaia_dr3")
    thief = load_survey("twomass").model_copy(update={"tables": {"gaia_source": gaia.tables["gaia_source"]}})
    with pytest.raises(StellarError, match=r"two surveys claim the column .* of the table gaia_source"):
        _ = Surveys(gaia, thief, load_survey("apogee_dr17")).tables


def test_the_addresses_of_services_are_no_part_of_the_content_key() -> None:
    here, there = choose_surveys(), choose_surveys()
    moved = here.gaia.model_copy(update={"services": {"tap": "http://127.0.0.1/tap"}})
    assert Surveys(moved, there.twomass, there.apogee).to_dict() == here.to_dict()
    shifted = here.gaia.model_copy(update={"epoch_year": 2017.5})
    assert Surveys(shifted, there.twomass, there.apogee).to_dict() != here.to_dict()


PECULIAR = {
    "gaiadr3": r"gaiadr[0-9]",
    "the epoch 2016.0": r"(?<![\d.])2016\.0(?!\d)",
    "DataLink's word": r"XP_CONTINUOUS",
    "counts of coefficients": r"(?i)(num|count|order|coefficient|bases)\w*\)? *[=<>!]+ *(55|110)\b|range\((55|110)\)|, 110\)",
}


@pytest.mark.parametrize("what", PECULIAR)
def test_python_does_not_know_what_is_peculiar_to_a_release(what: str) -> None:
    found = []
    for path in sorted((REPOSITORY / "stellarfm").rglob("*.py")):
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        lines = [line.partition(" #")[0].strip() for line in code.splitlines() if not line.lstrip().startswith("#")]
        found += [f"{path.name}: {line}" for line in lines if re.search(PECULIAR[what], line)]
    assert found == []
