"""The stage `prepare` and the commands `checks`: what they keep, say and accept."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from stellarfm.checks.accepted import read_accepted
from stellarfm.checks.folders import FAILED
from stellarfm.checks.report import CheckFailedError
from stellarfm.commands.checks import checks_app
from stellarfm.config import Settings
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.landing.parts import Landing
from stellarfm.stages.ingest import source_of
from stellarfm.stages.prepare import prepare, prepared_of

SETTINGS = Settings(archive={"num_stars": 3000})


def landing_in(home: Home) -> Landing:
    return Landing(home.landing, source_of(SETTINGS).folder)


@pytest.fixture(scope="module")
def home(simulated: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose warehouse was made from the clean sky."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    _fill(landing_in(home), simulated)
    prepare(SETTINGS, home)
    return home


@pytest.fixture
def bad_home(simulated: dict[str, pa.Table], tmp_path: Path) -> Home:
    """A home whose landing has Teff in kK."""
    home = Home.open(tmp_path / "home")
    apogee = simulated["apogee_allstar"]
    place = apogee.schema.get_field_index("TEFF")
    spoilt = apogee.set_column(place, "TEFF", pa.array(apogee["TEFF"].to_numpy() / 1000))
    _fill(landing_in(home), simulated | {"apogee_allstar": spoilt})
    return home


def _fill(landing: Landing, tables: dict[str, pa.Table]) -> None:
    for name, table in tables.items():
        landing.write(name, "part-00000", table, "a test", "a test")


def _run(*words: str) -> str:
    result = CliRunner().invoke(checks_app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_good_warehouse_says_where_its_docs_lie_and_is_accepted(home):
    prepared = prepared_of(home)
    assert Path(prepared.docs).is_file()
    assert prepared.quarantined_rows == 0
    assert "| staging.gaia_source |" in prepared.summary
    assert "staging.apogee" in read_accepted(home.checks)
    assert not (home.checks / FAILED).exists()


def test_a_warehouse_that_is_there_is_not_checked_again(home, monkeypatch):
    monkeypatch.setattr("stellarfm.stages.prepare.check_tables", None)
    assert prepare(SETTINGS, home) == prepared_of(home)


def test_show_tells_tables_and_docs(home):
    text = _run("show", "--home", str(home.path))
    assert "staging.gaia_source" in text
    assert "passed" in text
    found = json.loads(_run("show", "--home", str(home.path), "--json"))
    assert {table["table"] for table in found["tables"]} >= {"staging.twomass", "marts.training_set"}
    assert Path(found["docs"]).is_file()


def test_a_failed_check_names_table_rule_finding_way_out_and_the_docs_that_remain(bad_home):
    with pytest.raises(CheckFailedError) as caught:
        prepare(SETTINGS, bad_home)
    message = str(caught.value)
    docs = bad_home.checks / FAILED / "docs" / "index.html"
    for part in ("staging.apogee", "teff_is_in_kelvin", "found 4.8", "4.8 means kK", "fetch it anew", str(docs)):
        assert part in message
    assert docs.is_file()
    assert not bad_home.warehouse.exists()
    assert "stopped" in _run("show", "--home", str(bad_home.path))
    rows = json.loads(_run("rows", "staging.apogee", "--home", str(bad_home.path), "--json"))["staging.apogee"]
    assert all("teff_in_range" in row["reasons"] for row in rows)
    assert "staging.apogee" in _run("rows", "--home", str(bad_home.path))
    refused = CliRunner().invoke(checks_app, ["accept", "--home", str(bad_home.path)])
    assert "staging.apogee: teff_is_in_kelvin" in str(refused.exception)
    assert not read_accepted(bad_home.checks)


def test_rows_says_when_no_row_breaks_a_rule(home):
    assert "no row breaks a rule" in _run("rows", "--home", str(home.path))
    assert "no row of marts.stars" in _run("rows", "marts.stars", "--home", str(home.path))


def test_rows_of_an_unknown_table_names_the_known_ones(home):
    result = CliRunner().invoke(checks_app, ["rows", "stars", "--home", str(home.path)])
    assert isinstance(result.exception, StellarError)
    assert "marts.stars" in str(result.exception)


def test_a_home_without_checks_says_what_to_run(tmp_path):
    result = CliRunner().invoke(checks_app, ["show", "--home", str(tmp_path)])
    assert isinstance(result.exception, StellarError)
    assert "stellarfm prepare" in str(result.exception)


def test_a_drift_stops_until_a_person_accepts_it(home, simulated, tmp_path):
    """Given the accepted snapshot of a clean sky and new observations with another RUWE.

    Expect one stop that names the archive's table, and one acceptance for it and all that is made from it.
    """
    drifted = Home.open(tmp_path / "home")
    gaia = simulated["gaia_source"]
    place = gaia.schema.get_field_index("ruwe")
    ruwe = pa.array(gaia["ruwe"].to_numpy(zero_copy_only=False) + 0.1, from_pandas=True)
    gaia = gaia.set_column(place, gaia.schema.field(place), ruwe)
    place = gaia.schema.get_field_index("parallax")  # the marts know stars by it
    parallax = pa.array(gaia["parallax"].to_numpy(zero_copy_only=False) * 1.5, from_pandas=True)
    gaia = gaia.set_column(place, gaia.schema.field(place), parallax)
    _fill(landing_in(drifted), simulated | {"gaia_source": gaia})
    drifted.checks.mkdir()
    (drifted.checks / "accepted.json").write_bytes((home.checks / "accepted.json").read_bytes())
    with pytest.raises(CheckFailedError, match=r"gaia_source: parallax_mad_drift.*stellarfm checks accept") as stopped:
        prepare(SETTINGS, drifted)
    found = {(table.table, finding.rule) for table in stopped.value.report.tables for finding in table.critical}
    assert {("staging.gaia_source", "ruwe_median_drift"), ("marts.stars", "g_fakemag_mad_drift")} <= found
    assert "compared with" in _run("accept", "--home", str(drifted.path))
    assert prepare(SETTINGS, drifted).quarantined_rows == 0
    assert not (drifted.checks / FAILED).exists()


@pytest.mark.parametrize("command", ["show", "rows", "accept"])
def test_every_command_has_help_with_an_example(command):
    assert "Example: stellarfm checks" in _run(command, "--help")
