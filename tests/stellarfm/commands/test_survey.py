"""`stellarfm survey`: what a release is, and where a saved TAP_SCHEMA differs from it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stellarfm.archives.tap_schema import save_schema
from stellarfm.cli import main
from stellarfm.surveys.described import TapSchema
from stellarfm.surveys.reading import load_survey
from tests.stellarfm.surveys.shuffled import schema_of

SOURCES = "gaiadr4.gaia_source"


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run a command and return its exit code and what it said."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """A saved TAP_SCHEMA in which one column has another name and one another unit."""
    schema = schema_of(load_survey("gaia_dr4"))
    changes = {"pmra": {"name": "mu_ra"}, "parallax": {"unit": "arcsec"}}
    columns = tuple(replace(c, **changes.get(c.name, {})) for c in schema.tables[SOURCES])
    save_schema(TapSchema("x", {**schema.tables, SOURCES: columns}), tmp_path / "schema.vot")
    return tmp_path / "schema.vot"


def test_a_release_is_shown_with_what_is_absent_and_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["survey", "show", "Gaia DR4"], capsys)
    assert code == 0
    assert "2017.5" in out and "draft" in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "absent" in lines["phot_bp_rp_excess_factor"] and "not known" in lines["has_xp_continuous"]
    assert "tentative_parallax_bias" in lines["parallax_zero_point"]
    code, out, _ = run(["survey", "show", "gaia_dr4", "--json"], capsys)
    assert json.loads(out)["xp"]["num_bp"] == 51


def test_a_schema_that_fits_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_schema(schema_of(load_survey("gaia_dr3")), tmp_path / "schema.vot")
    code, out, _ = run(["survey", "check", "gaia_dr3", "--against", str(tmp_path / "schema.vot"), "--json"], capsys)
    assert (code, json.loads(out)["fits"]) == (0, True)


def test_differences_are_told_with_what_rests_on_them_and_a_proposal_that_fits(
    renamed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proposal = tmp_path / "proposal.toml"
    words = ["--against", str(renamed), "--write", str(proposal)]
    code, out, err = run(["survey", "check", "gaia_dr4", *words], capsys)
    assert code == 1
    assert "likeliest is mu_ra" in out and "flags crowded; columns tmass_separation_arcsec" in " ".join(out.split())
    assert err.count("\n") == 1 and "Gaia DR4 differs in gaia_source: " in err and "then set gaia.release to it" in err
    code, out, _ = run(["survey", "check", str(proposal), "--against", str(renamed), "--json"], capsys)
    assert (code, json.loads(out)["fits"]) == (0, True)
    survey = load_survey(str(proposal))
    asked = survey.tables["gaia_source"].select_at("tap")
    assert "mu_ra AS pmra" in asked and "parallax * 1000.0 AS parallax" in asked


def test_each_difference_is_there_for_machines(renamed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(["survey", "check", "gaia_dr4", "--against", str(renamed), "--json"], capsys)
    found = {one["column"]: one for one in json.loads(out)["differences"] if one["blocks"]}
    assert found["pmra"] | {"candidate": "mu_ra", "is_certain": True} == found["pmra"]
    assert found["parallax"]["factor"] == 1000.0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gaia_dr5"], "there is no survey 'gaia_dr5'"),
        (["gaia_dr4", "--service", "irsa"], "has no TAP service 'irsa'; it has tap"),
        (["gaia_dr4", "--service", "ari"], "does not know the address of ari; fill in services.ari"),
        (["gaia_dr4", "--against", "nothing.vot"], "nothing.vot"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(["survey", "check", *words], capsys)
    assert code == 1
    assert sentence in err and err.count("\n") == 1
