"""Files of one's own: given tables in any format under any names, expected the landing of the archives."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stellarfm.archives.files import Files
from stellarfm.errors import StellarError
from stellarfm.landing.schema import landing_schemas
from stellarfm.sky import simulate as sky
from stellarfm.surveys.selection import choose_surveys
from tests.stellarfm.archives.own_files import APOGEE, DUST, GAIA, TWOMASS, XP, fetch, mapping, read, write


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return sky.simulate_range(7, 0, 300)


def test_the_tables_are_those_of_the_simulated_archive(tables: dict[str, pa.Table]) -> None:
    assert {name: schema.empty().schema for name, schema in landing_schemas(choose_surveys()).items()} == {
        name: table.schema for name, table in tables.items() if name != "truth"
    }


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "fits", "vot", "duckdb"])
@pytest.mark.parametrize("name", [GAIA, TWOMASS, DUST])
def test_a_table_arrives_as_it_was_whatever_its_format(
    tables: dict[str, pa.Table], tmp_path: Path, suffix: str, name: str
) -> None:
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")}}
    given |= {name: {"files": write(tables[name], tmp_path / f"own.{suffix}")}}
    assert read(fetch(mapping(tmp_path, given), tmp_path), name) == tables[name].combine_chunks()


@pytest.mark.parametrize("suffix", ["parquet", "fits", "vot", "duckdb"])
def test_spectra_arrive_as_they_were(tables: dict[str, pa.Table], tmp_path: Path, suffix: str) -> None:
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")}}
    given |= {XP: {"files": write(tables[XP], tmp_path / f"own.{suffix}")}}
    assert read(fetch(mapping(tmp_path, given), tmp_path), XP) == tables[XP].combine_chunks()


def test_nan_of_a_file_is_null(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    teff = tables[APOGEE]["TEFF"].to_numpy()
    assert np.isnan(teff).any()
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")}}
    given |= {APOGEE: {"files": write(tables[APOGEE], tmp_path / "apogee.parquet")}}
    found = read(fetch(mapping(tmp_path, given), tmp_path), APOGEE)["TEFF"]
    assert found.null_count == np.isnan(teff).sum()
    np.testing.assert_array_equal(found.to_numpy(), teff)


def test_columns_have_other_names_constants_and_units(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    gaia = tables[GAIA].combine_chunks()
    own = gaia.drop_columns(["ref_epoch", "parallax", "source_id"])
    own = own.append_column("Source", gaia["source_id"]).append_column("plx arcsec", pc.divide(gaia["parallax"], 1000))
    columns = {
        "source_id": "Source", "ref_epoch": 2016.0, "parallax": {"expression": '"plx arcsec" * 1000'},
        "phot_variable_flag": {"constant": "NOT_AVAILABLE"},
    }  # fmt: skip
    given = {GAIA: {"files": write(own, tmp_path / "own.parquet"), "columns": columns}}
    found = read(fetch(mapping(tmp_path, given), tmp_path), GAIA)
    assert found["source_id"] == gaia["source_id"]
    assert set(found["ref_epoch"].to_pylist()) == {2016.0}
    assert set(found["phot_variable_flag"].to_pylist()) == {"NOT_AVAILABLE"}
    np.testing.assert_allclose(found["parallax"].to_numpy(), gaia["parallax"].to_numpy(), rtol=1e-15)


def test_several_files_are_several_parts_in_the_order_of_their_names(
    tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    (tmp_path / "gaia").mkdir()
    write(tables[GAIA].slice(100), tmp_path / "gaia" / "2.fits")
    write(tables[GAIA].slice(0, 100), tmp_path / "gaia" / "1.fits")
    path = mapping(tmp_path, {GAIA: {"files": ["gaia/*.fits"]}})
    assert [(q.table, q.part, q.text) for q in Files(path, choose_surveys(), 7).plan()][:3] == [
        (GAIA, "part-00000", "gaia/1.fits"), (GAIA, "part-00001", "gaia/2.fits"),
        (XP, "not-given", "xp_continuous_mean_spectrum is not given: no rows"),
    ]  # fmt: skip
    landing = fetch(path, tmp_path)
    assert read(landing, GAIA) == tables[GAIA].combine_chunks()
    assert landing.not_given() == {XP, TWOMASS, APOGEE, DUST}
    assert landing.rows() == {GAIA: tables[GAIA].num_rows, XP: 0, TWOMASS: 0, APOGEE: 0, DUST: 0}


def test_the_landing_is_named_by_mapping_and_content(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    name = write(tables[GAIA], tmp_path / "gaia.parquet")
    first = Files(mapping(tmp_path, {GAIA: {"files": name}}), choose_surveys(), 7).folder
    assert Files(mapping(tmp_path, {GAIA: {"files": name}}), choose_surveys(), 8).folder == first
    assert Files(mapping(tmp_path, {GAIA: {"files": name, "columns": {"l": "b"}}}), choose_surveys(), 7).folder != first
    (tmp_path / "moved").mkdir()
    write(tables[GAIA], tmp_path / "moved" / "gaia.parquet")
    assert Files(mapping(tmp_path / "moved", {GAIA: {"files": name}}), choose_surveys(), 7).folder == first
    write(tables[GAIA].slice(1), tmp_path / "gaia.parquet")
    assert Files(mapping(tmp_path, {GAIA: {"files": name}}), choose_surveys(), 7).folder != first


def test_a_part_that_is_there_is_not_read_again(tables: dict[str, pa.Table], tmp_path: Path, monkeypatch: Any) -> None:
    path = mapping(tmp_path, {GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")}})
    before = fetch(path, tmp_path).snapshot_hash()
    monkeypatch.setattr("stellarfm.archives.files.open_address", None)
    assert fetch(path, tmp_path).snapshot_hash() == before


def test_a_column_that_staging_can_do_without_is_null_and_said(
    tables: dict[str, pa.Table], tmp_path: Path, capsys: Any
) -> None:
    own = tables[GAIA].drop_columns(["radial_velocity", "pseudocolour"])
    landing = fetch(mapping(tmp_path, {GAIA: {"files": write(own, tmp_path / "own.csv")}}), tmp_path)
    assert read(landing, GAIA)["radial_velocity"].null_count == own.num_rows
    assert "gaia_source: own.csv lacks pseudocolour, radial_velocity: NULL for all rows" in capsys.readouterr().err
    assert "NULL: pseudocolour, radial_velocity" in landing.manifests()[2].query


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"ra": "RA"}, None),
        ({"ra": "ra_icrs"}, r"gaia_source: own.parquet has no column 'ra_icrs' for ra"),
        ({"parallax": {"expression": "paralax * 2"}}, r"no column 'paralax' for parallax \(near it: parallax"),
        (
            {"parallax": {"expression": "parallax; drop table x"}},
            "parallax = .* is not one expression: it has a semicolon",
        ),
        ({"parallax": {"expression": "read_text(ra)"}}, "it calls 'read_text'"),
        ({"parallax": {"expression": "(select 1)"}}, "it has a query of its own"),
        ({"parallax": {"expression": "parallax *"}}, "is not one expression: syntax error"),
    ],
    ids=str,
)
def test_a_column_that_is_not_there_is_named_with_table_file_and_near_names(
    tables: dict[str, pa.Table], tmp_path: Path, columns: Any, sentence: str | None
) -> None:
    path = mapping(tmp_path, {GAIA: {"files": write(tables[GAIA], tmp_path / "own.parquet"), "columns": columns}})
    if sentence is None:
        fetch(path, tmp_path)
        return
    with pytest.raises(StellarError, match=sentence):
        fetch(path, tmp_path)


def test_a_needed_column_that_is_lacking_is_named_with_the_way_out(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    own = tables[GAIA].rename_columns({"ra": "RA_ICRS"})
    path = mapping(tmp_path, {GAIA: {"files": write(own, tmp_path / "own.fits")}})
    with pytest.raises(StellarError, match=r'own.fits has no column ra \(near it: .*RA_ICRS.*columns = \{ra = "…"\}'):
        fetch(path, tmp_path)


@pytest.mark.parametrize(
    ("suffix", "column", "values", "sentence"),
    [
        (
            "csv",
            "parallax",
            ["1.5", "n/a", "2"],
            "parallax has 'n/a' in row 2, which is not a value of the type DOUBLE",
        ),
        (
            "csv",
            "source_id",
            ["7", "8", "9.5"],
            "source_id has '9.5' in row 3, which is not a value of the type BIGINT",
        ),
        ("csv", "ruwe", [1.0, 1e300, 1.0], "ruwe has '1e.300' in row 2"),
        ("parquet", "parallax", ["1.5", "n/a", "2"], "parallax has 'n/a' in row 2"),
        ("parquet", "source_id", [1.0, 4e18, 2.0], r"source_id has '4e\+18' in row 2"),
        ("parquet", "source_id", [1.0, 2.5, 2.0], "source_id has '2.5' in row 2"),
        ("parquet", "astrometric_params_solved", [31, 31, 70_000], "has '70000' in row 3, .* of the type SMALLINT"),
        ("parquet", "ruwe", [1.0, 1e300, 1.0], r"ruwe has '1e\+300' in row 2"),
        ("parquet", "has_xp_continuous", [0, 1, 2], "has_xp_continuous has '2' in row 3"),
    ],
)
def test_a_value_that_cannot_be_cast_is_named_with_its_row(
    tables: dict[str, pa.Table], tmp_path: Path, suffix: str, column: str, values: list[Any], sentence: str
) -> None:
    own = tables[GAIA].slice(0, 3)
    own = own.set_column(own.schema.get_field_index(column), column, pa.array(values))
    path = mapping(tmp_path, {GAIA: {"files": write(own, tmp_path / f"own.{suffix}")}})
    with pytest.raises(StellarError, match=f"gaia_source: own.{suffix}: the column {column} has") as caught:
        fetch(path, tmp_path)
    caught.match(sentence)


def test_text_that_stands_for_nothing_is_null_and_leading_zeros_stay(
    tables: dict[str, pa.Table], tmp_path: Path
) -> None:
    own = tables[TWOMASS].slice(0, 3).combine_chunks()
    cells = [["null", "", "NaN"], ["000", "0c0", "000"]]
    for name, values in zip(["j_msigcom", "cc_flg"], cells, strict=True):
        own = own.set_column(own.schema.get_field_index(name), name, pa.array(values))
    given = {
        GAIA: {"files": write(tables[GAIA], tmp_path / "g.parquet")},
        TWOMASS: {"files": write(own, tmp_path / "t.csv")},
    }
    found = read(fetch(mapping(tmp_path, given), tmp_path), TWOMASS)
    assert found["j_msigcom"].to_pylist() == [None] * 3
    assert found["cc_flg"].to_pylist() == cells[1]


@pytest.mark.parametrize("name", ["XP_CONTINUOUS_RAW.csv", "XP_CONTINUOUS_RAW.fits", "XP_CONTINUOUS_RAW.xml"])
def test_answers_of_datalink_are_read_as_they_are(
    tables: dict[str, pa.Table], tmp_path: Path, shared: Path, name: str
) -> None:
    raw = shared / "real" / "xp_continuous_raw" / name
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "g.parquet")}, XP: {"files": str(raw)}}
    found = read(fetch(mapping(tmp_path, given), tmp_path), XP)
    assert found["source_id"].to_pylist() == [5853498713190525696, 5762406957886626816]
    assert found["rp_coefficients"].to_pylist()[0][0] == np.float32(735186.2157096652)


def test_reddenings_may_be_given_as_they_are(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    own = pa.table({"source_id": [1, 2, 3], "E_BV": [0.5, 0.0, None], "e_E_BV": [0.05, 0.1, 0.1]})
    columns = {"ebv": "E_BV", "ebv_error": "e_E_BV"}
    given: dict[str, dict[str, Any]] = {GAIA: {"files": write(tables[GAIA], tmp_path / "g.parquet")}}
    given |= {DUST: {"files": write(own, tmp_path / "mine.vot"), "columns": columns}}
    assert read(fetch(mapping(tmp_path, given), tmp_path), DUST).to_pylist() == [
        {"source_id": 1, "logebv": np.float32(np.log(0.5)), "logebv_error": np.float32(0.1), "map": "mine"},
        {"source_id": 2, "logebv": -7.0, "logebv_error": 0.0, "map": "mine"},
        {"source_id": 3, "logebv": None, "logebv_error": None, "map": "mine"},
    ]


def test_reddenings_may_come_from_a_map(tables: dict[str, pa.Table], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("stellarfm.dust.reddening._open_map_once", lambda name: lambda _l, _b, d: 0.3 * d)
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "g.parquet")}, DUST: {"map": "mwdust:Combined19"}}
    found = read(fetch(mapping(tmp_path, given), tmp_path), DUST)
    gaia = tables[GAIA].combine_chunks()
    assert found["source_id"].to_pylist() == gaia["source_id"].to_pylist()
    assert set(found["map"].to_pylist()) == {"mwdust:Combined19"}
    good = (
        (gaia["parallax_error"].to_numpy() < 0.03)
        & (gaia["parallax"].to_numpy() > 0.5)
        & (gaia["ruwe"].to_numpy() < 1.3)
    )
    assert good.sum() > 20
    naive = np.log(0.3 / (gaia["parallax"].to_numpy()[good] + 0.03))  # the zero point is -0.02 to -0.04 mas
    np.testing.assert_allclose(found["logebv"].to_numpy()[good], naive, atol=0.04)
