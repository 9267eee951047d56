"""Where an archive differs from a profile is told line by line, and a proposal never puts a wrong column in a right one's."""

from dataclasses import replace
from pathlib import Path

import pytest

from stellarfm.archives.tap_schema import read_schema, save_schema
from stellarfm.errors import StellarError
from stellarfm.surveys.described import DescribedColumn, TapSchema
from stellarfm.surveys.differences import Difference, compare
from stellarfm.surveys.profile import SERVICE, Survey
from stellarfm.surveys.proposal import unsolved, write_proposal
from stellarfm.surveys.reading import load_survey
from stellarfm.surveys.scales import factor_between
from tests.stellarfm.surveys.shuffled import CHANGED_UNITS, LOST, schema_of, shuffle

DR3, DR4 = load_survey("gaia_dr3"), load_survey("gaia_dr4")
GAIA = "gaia_source"


def changed(schema: TapSchema, table: str, column: str, **new: str) -> TapSchema:
    """Change what an archive says of a column."""
    columns = tuple(replace(one, **new) if one.name == column else one for one in schema.tables[table])
    return TapSchema(schema.called, {**schema.tables, table: columns})


def accepted(folder: Path, survey: Survey, name: str, differences: list[Difference]) -> Survey:
    """Accept a proposal as a person does, and return the profile."""
    path = folder / "proposal.toml"
    path.write_text(write_proposal(survey, name, SERVICE, differences))
    load_survey.cache_clear()
    return load_survey(str(path))


@pytest.mark.parametrize("survey", [DR3, DR4], ids=lambda survey: survey.release)
def test_an_archive_that_has_what_the_profile_says_lets_an_ingest_begin(survey: Survey) -> None:
    differences = compare(survey, SERVICE, schema_of(survey))
    assert [one for one in differences if one.blocks] == []
    assert {one.kind for one in differences} <= {"new", "unknown"}


@pytest.mark.parametrize(
    ("new", "kind", "blocks", "words"),
    [
        (
            {"name": "trigonometric_parallax"},
            "renamed",
            True,
            "parallax is missing; likeliest is trigonometric_parallax",
        ),
        ({"unit": "arcsec"}, "unit", True, "parallax is in 'arcsec', not in mas: a factor of 1000"),
        ({"unit": "km/s"}, "unit", True, "parallax is in 'km/s', not in mas"),
        ({"unit": ""}, "unit", False, "parallax has no unit there, mas here"),
        ({"unit": "Time[Julian Years]"}, "unit", False, "nobody can read that unit"),
        ({"kind": "VARCHAR"}, "type", True, "parallax has the type VARCHAR, not double"),
        ({"kind": "BIGINT"}, "type", False, "parallax has the type BIGINT, not double"),
    ],
)
def test_a_change_of_a_column_is_told(new: dict[str, str], kind: str, blocks: bool, words: str) -> None:
    found = compare(DR3, SERVICE, changed(schema_of(DR3), "gaiadr3.gaia_source", "parallax", **new))
    (one,) = [d for d in found if d.column == "parallax"]
    assert (one.kind, one.blocks) == (kind, blocks)
    assert words in one.text


def test_a_name_that_has_passed_to_another_column_is_seen_by_its_description() -> None:
    schema = schema_of(DR3)
    columns = {one.name: one for one in schema.tables["gaiadr3.gaia_source"]}
    swapped = changed(schema, "gaiadr3.gaia_source", "pmra", description=columns["pmdec"].description, ucd="")
    swapped = changed(
        swapped, "gaiadr3.gaia_source", "pmdec", name="motion_east", description=columns["pmra"].description
    )
    found = {d.column: d for d in compare(DR3, SERVICE, swapped) if d.blocks}
    assert "pmra is what pmdec was, by its description" in found["pmra"].text
    assert (found["pmra"].candidate, found["pmdec"].candidate) == ("motion_east", "pmra")


def test_two_columns_that_are_as_likely_leave_the_choice_to_a_person(tmp_path: Path) -> None:
    schema = schema_of(DR3)
    one = next(c for c in schema.tables["gaiadr3.gaia_source"] if c.name == "ruwe")
    rest = tuple(c for c in schema.tables["gaiadr3.gaia_source"] if c.name != "ruwe")
    columns = (*rest, replace(one, name="ruwe_a"), replace(one, name="ruwe_b"))
    twins = TapSchema("x", {**schema.tables, "gaiadr3.gaia_source": columns})
    found = compare(DR3, SERVICE, twins)
    assert [d.column for d in unsolved(DR3, found)] == ["ruwe"]
    assert "too little alike to be proposed" in next(d for d in found if d.column == "ruwe").text


def test_a_column_that_is_gone_and_not_needed_is_done_without(tmp_path: Path) -> None:
    schema = schema_of(DR3)
    rest = tuple(c for c in schema.tables["gaiadr3.gaia_source"] if c.name != "ecl_lat")
    found = compare(DR3, SERVICE, TapSchema("x", {**schema.tables, "gaiadr3.gaia_source": rest}))
    assert unsolved(DR3, found) == []
    assert accepted(tmp_path, DR3, "gaia_dr3", found).lacking(GAIA) == {"ecl_lat"}


def test_a_column_that_is_back_and_names_that_nobody_knew_are_told(tmp_path: Path) -> None:
    schema = schema_of(DR4)
    flag = DescribedColumn("has_mean_xp", "boolean", "", "meta.code.status",
                           "Flag indicating the availability of mean BP/RP spectrum in continuous representation")  # fmt: skip
    back = DescribedColumn("phot_bp_rp_excess_factor", "float")
    columns = (*schema.tables["gaiadr4.gaia_source"], flag, back)
    found = compare(DR4, SERVICE, TapSchema("x", {**schema.tables, "gaiadr4.gaia_source": columns}))
    kinds = {(d.kind, d.column or d.table): d for d in found}
    assert not any(d.blocks for d in found)
    assert kinds["back", "phot_bp_rp_excess_factor"].there == "phot_bp_rp_excess_factor"
    assert kinds["unknown", "has_xp_continuous"].candidate == "has_mean_xp"
    assert kinds["unknown", "xp_continuous_mean_spectrum"].candidate == "gaiadr4.xp_mean"
    profile = accepted(tmp_path, DR4, "gaia_dr4", found)
    assert profile.tables[GAIA].names_at(SERVICE)["has_xp_continuous"] == "has_mean_xp"
    assert profile.table_at(SERVICE, "xp_continuous_mean_spectrum") == "gaiadr4.xp_mean"


def test_a_schema_is_kept_and_read_back(tmp_path: Path) -> None:
    schema = schema_of(DR4)
    save_schema(schema, tmp_path / "schema.vot")
    assert read_schema(tmp_path / "schema.vot").tables == schema.tables


def test_a_schema_of_another_archive_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    other = TapSchema("vizier.vot", {"vizier.ascc": (DescribedColumn("ra", "double"),)})
    with pytest.raises(
        StellarError, match=r"vizier\.vot does not have Gaia DR4: it has no schema gaiadr4, only vizier"
    ):
        compare(DR4, SERVICE, other)
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StellarError, match=r"none\.csv is no saved TAP_SCHEMA: it needs the columns table_name"):
        read_schema(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["gaia_dr3", "gaia_dr4"])
@pytest.mark.parametrize("seed", range(50))
def test_a_shuffled_schema_is_put_right_by_the_proposal_or_refused_by_name(
    name: str, seed: int, tmp_path: Path
) -> None:
    """Given three renamed columns, another table, unit and a removed column, expect the one right profile or a sentence."""
    survey = load_survey(name)
    draw = shuffle(survey, seed)
    differences = compare(survey, SERVICE, draw.schema)
    told = {one.column for one in differences if one.blocks}
    assert {*draw.renamed, draw.removed, draw.unit} <= told, "a change that nobody is told of"
    table = survey.tables[GAIA]
    unit = table.about_column(draw.unit).unit
    left = {one.column for one in unsolved(survey, differences)}
    if left:
        # a person has to say: a needed column is gone, or no factor leads back to its unit, or nothing is like enough
        assert all(one.text for one in unsolved(survey, differences))
        # (radial_velocity_error is too like radial_velocity to be told apart by a program)
        hopeless = {draw.removed} if draw.removed in (*table.needed, "radial_velocity") else set()
        assert left <= hopeless | ({draw.unit} if unit in LOST else set())
        return
    profile = accepted(tmp_path, survey, name, differences)
    right = {**table.names_at(SERVICE), **draw.renamed}
    del right[draw.removed]
    if name == "gaia_dr4":
        right.pop("has_xp_continuous", None)
    assert profile.tables[GAIA].names_at(SERVICE) == right
    assert profile.table_at(SERVICE, GAIA) == draw.table
    assert profile.tables[GAIA].at[SERVICE].factor == {draw.unit: factor_between(CHANGED_UNITS[unit], unit)}
    assert not any(one.blocks for one in compare(profile, SERVICE, draw.schema))
