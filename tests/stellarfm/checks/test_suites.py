"""The suites of ``expectations/``: every rule is named, graded and sourced; derived relations are right."""

import json
import re

import astropy.units as u
import duckdb
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix

from stellarfm.checks.duckdb_source import import_great_expectations
from stellarfm.checks.rows import names_rows
from stellarfm.checks.suites import read_suite, suite_tables
from stellarfm.resources import read_sql, resource_folder
from stellarfm.rules import install_rules
from stellarfm.vocabulary import load_vocabulary
from tests.stellarfm.checks.conftest import CHECKED_MARTS, CHECKED_STAGING


def test_every_table_that_is_checked_has_a_suite():
    others = {"catalog.stars", "staging.leung_bovy_2024", "staging.crosswalk"}
    assert set(CHECKED_STAGING) | set(CHECKED_MARTS) | others == set(suite_tables())


@pytest.mark.parametrize("table", suite_tables())
def test_a_rule_needs_tables_that_there_are(table):
    assert {needed for rule in read_suite(table).rules for needed in rule.needs} <= set(CHECKED_STAGING)


@pytest.mark.parametrize("table", suite_tables())
def test_rules_have_stable_names_a_severity_and_a_note(table):
    suite = read_suite(table)
    assert suite.rules
    for rule in suite.rules:
        assert re.fullmatch(r"[a-z][a-z0-9_]+", rule.name)
        assert len(rule.note) > 10


@pytest.mark.parametrize("table", suite_tables())
def test_great_expectations_reads_the_files_as_they_are(table):
    gx = import_great_expectations()
    data = json.loads((resource_folder("expectations") / f"{table}.json").read_text())
    suite = gx.ExpectationSuite(name=data["name"], expectations=data["expectations"], meta=data["meta"])
    assert len(suite.expectations) == len(read_suite(table).rules)


@pytest.mark.parametrize("table", suite_tables())
def test_the_rows_of_row_rules_can_be_named(table):
    assert all(names_rows(rule) for rule in read_suite(table).rules if rule.severity == "row")


@pytest.mark.parametrize("table", suite_tables())
def test_every_table_has_a_rule_on_rows_uniqueness_and_ranges(table):
    types = {rule.type for rule in read_suite(table).rules}
    assert any("row_count" in kind for kind in types)
    assert any("unique" in kind for kind in types)
    assert "expect_column_values_to_be_between" in types


def test_every_token_with_a_column_of_its_own_has_a_range_in_the_training_set():
    checked = {rule.kwargs.get("column") for rule in read_suite("marts.training_set").rules}
    names = set(load_vocabulary("leung_bovy").names)
    assert {name for name in names if not re.fullmatch(r"(bp|rp)\d+", name)} <= checked


def test_a_suite_with_two_rules_of_one_name_is_refused(tmp_path, monkeypatch):
    rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}
    rule["meta"] = {"rule": "a_is_known", "severity": "critical", "note": "a test"}
    (tmp_path / "x.y.json").write_text(json.dumps({"expectations": [rule, rule]}))
    monkeypatch.setattr("stellarfm.checks.suites.resource_folder", lambda _: tmp_path)
    with pytest.raises(ValueError, match="two rules named 'a_is_known'"):
        read_suite("x.y")


def test_a_rule_without_a_known_severity_is_refused(tmp_path, monkeypatch):
    rule = {"type": "expect_x", "kwargs": {}, "meta": {"rule": "a", "severity": "fatal", "note": "a test"}}
    (tmp_path / "x.y.json").write_text(json.dumps({"expectations": [rule]}))
    monkeypatch.setattr("stellarfm.checks.suites.resource_folder", lambda _: tmp_path)
    with pytest.raises(ValueError, match="critical, warning, row"):
        read_suite("x.y")


def test_every_derived_relation_belongs_to_a_suite():
    assert {path.stem for path in (resource_folder("sql") / "checks").glob("*.sql")} <= set(suite_tables())


def test_identifiers_positions_and_latitudes_agree_on_the_whole_sphere(clean_warehouse, tmp_path):
    """Given positions everywhere, with the pixel and the latitudes of astropy; expected no residual."""
    rng = np.random.default_rng(5)
    ra = np.concatenate([360 * rng.random(20_000), [0.0, 359.999999, 45.0, 0.0, 90.0, 180.0]])
    dec = np.degrees(np.arcsin(np.concatenate([2 * rng.random(20_000) - 1, [0.0, 0.0, 1.0, -1.0, 0.6666, -0.6667]])))
    sky = SkyCoord(ra * u.deg, dec * u.deg, frame="icrs")
    pixel = HEALPix(nside=256, order="nested").lonlat_to_healpix(ra * u.deg, dec * u.deg).astype(np.int64)
    with duckdb.connect() as con:
        install_rules(con)
        con.execute(f"attach '{clean_warehouse}' as original (read_only)")
        con.execute("attach ':memory:' as checked")
        con.execute("create schema checked.staging")
        con.register("given", {"n": np.arange(len(ra)), "ra": ra, "dec": dec, "id": (pixel << 43) | np.arange(len(ra)),
                               "l": sky.galactic.l.deg, "b": sky.galactic.b.deg,
                               "e": sky.barycentrictrueecliptic.lat.deg})  # fmt: skip
        con.execute("create table checked.staging.xp_spectrum as from original.staging.xp_spectrum limit 0")
        con.execute("""
            create table checked.staging.gaia_source as
            select first.* replace (id as source_id, given.ra as ra, given.dec as dec, given.l as l, given.b as b, e as ecl_lat)
            from given cross join (from original.staging.gaia_source limit 1) as first order by given.n
        """)
        found = con.execute(f"""
            select count(*) filter (where not is_in_its_pixel), max(abs(b_residual_deg)), max(abs(ecl_lat_residual_deg)),
                max(abs(l_residual_deg))
            from ({read_sql("checks/staging.gaia_source")})
        """).fetchall()[0]
    assert found[0] == 0
    assert found[1] < 2e-4
    assert found[3] < 2e-4
    assert found[2] < 0.01  # astropy's ecliptic moves with the equinox and aberration; Gaia's is that of J2000
