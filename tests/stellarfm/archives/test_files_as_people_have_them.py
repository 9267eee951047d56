"""What people name in a mapping: folders, cut results, spectra as text, other units, places with odd names."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from stellarfm.errors import StellarError
from stellarfm.landing.parts import Landing
from stellarfm.sky import simulate as sky
from stellarfm.warehouse.build import build_staging
from tests.stellarfm.archives.own_files import GAIA, XP, fetch, mapping, read, write


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return sky.simulate_range(7, 0, 60)


def as_numpy_prints(values: list[float]) -> str:
    return str(np.array(values, np.float64)).replace("\n", "\n ")


@pytest.mark.parametrize("text", [as_numpy_prints, str, lambda values: str(tuple(values))])
@pytest.mark.parametrize("renamed", [True, False])
def test_spectra_that_are_text_arrive_as_numbers(
    tables: dict[str, pa.Table], tmp_path: Path, text: Any, renamed: bool
) -> None:
    spectra = tables[XP].slice(0, 3).combine_chunks()
    own = spectra
    with np.printoptions(threshold=10_000, precision=17):
        for place, field in enumerate(spectra.schema):
            if pa.types.is_list(field.type):
                words = [text(row) for row in spectra[field.name].to_pylist()]
                own = own.set_column(place, field.name, pa.array(words))
    own = own.rename_columns(["id" if name == "source_id" and renamed else name for name in own.column_names])
    given = {
        GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")},
        XP: {"files": write(own, tmp_path / "xp.csv")},
    }
    given[XP] |= {"columns": {"source_id": "id"}} if renamed else {}
    found = read(fetch(mapping(tmp_path, given), tmp_path), XP)
    for name in ("bp_coefficients", "rp_coefficient_errors"):
        assert found[name].to_pylist() == spectra[name].to_pylist()


def test_a_spectrum_that_is_no_array_is_refused_by_column_and_row(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    own = tables[XP].slice(0, 2).combine_chunks()
    place = own.column_names.index("bp_coefficients")
    own = own.set_column(place, "bp_coefficients", pa.array(["[1.0 2.0]", "[1.0 ... 2.0]"]))
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / "gaia.parquet")}}
    given |= {XP: {"files": write(own, tmp_path / "xp.csv"), "columns": {"source_id": "source_id"}}}
    with pytest.raises(
        StellarError, match=r"xp.csv: the column bp_coefficients has '\[1.0 ... 2.0\]' in row 2"
    ) as caught:
        fetch(mapping(tmp_path, given), tmp_path)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "names", [("part-0", "part-1"), ("dataset/Norder=0/Dir=0/Npix=0", "dataset/Norder=0/Dir=0/Npix=1")]
)
def test_a_folder_of_parquet_files_is_a_table(
    tables: dict[str, pa.Table], tmp_path: Path, names: tuple[str, str]
) -> None:
    for name, part in zip(names, (tables[GAIA].slice(0, 20), tables[GAIA].slice(20)), strict=True):
        (tmp_path / "gaia" / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(part, tmp_path / "gaia" / f"{name}.parquet")
    landing = fetch(mapping(tmp_path, {GAIA: {"files": "gaia"}}), tmp_path)
    assert read(landing, GAIA) == tables[GAIA].combine_chunks()
    pq.write_table(tables[GAIA].slice(5), tmp_path / "gaia" / f"{names[0]}.parquet")
    assert fetch(mapping(tmp_path, {GAIA: {"files": "gaia"}}), tmp_path).folder != landing.folder


def test_a_result_that_a_service_cut_short_is_said_and_noted(
    tables: dict[str, pa.Table], tmp_path: Path, capsys: Any
) -> None:
    name = write(tables[GAIA], tmp_path / "gaia.vot")
    whole = (tmp_path / name).read_text()
    cut = whole.replace("</RESOURCE>", '<INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE>')
    (tmp_path / name).write_text(cut)
    landing = fetch(mapping(tmp_path, {GAIA: {"files": name}}), tmp_path)
    (query,) = [m.query for m in landing.manifests() if m.table == GAIA]
    assert "gaia.vot holds only a part of its result" in query
    assert str(tmp_path) not in query  # nothing in a home says where something lay
    assert "holds only a part of its result" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv"])
def test_a_column_in_another_unit_is_converted_and_one_of_another_kind_refused(
    tables: dict[str, pa.Table], tmp_path: Path, suffix: str
) -> None:
    form = {"fits": "fits", "vot": "votable", "ecsv": "ascii.ecsv"}[suffix]
    table = Table(
        {name: tables[GAIA][name].to_pylist() for name in ("source_id", "ref_epoch", "ra_error", "dec_error", "ruwe")}
    )
    for name in (
        "phot_g_mean_mag",
        "phot_bp_mean_mag",
        "phot_rp_mean_mag",
        "bp_rp",
        "phot_bp_rp_excess_factor",
        "parallax_error",
    ):
        table[name] = np.array(tables[GAIA][name].to_pylist(), float)
    table["ra"], table["dec"] = np.radians(tables[GAIA]["ra"].to_numpy()), tables[GAIA]["dec"].to_numpy()
    table["parallax"] = np.array(tables[GAIA]["parallax"].to_pylist(), float) / 1000
    table["ra"].unit, table["dec"].unit, table["parallax"].unit = "rad", "deg", "arcsec"
    table.write(tmp_path / f"gaia.{suffix}", format=form)
    found = read(fetch(mapping(tmp_path, {GAIA: {"files": f"gaia.{suffix}"}}), tmp_path), GAIA)
    for name in ("ra", "parallax"):
        np.testing.assert_allclose(found[name].to_numpy(), tables[GAIA][name].to_numpy().astype(float), rtol=1e-12)
    table["ra"].unit = "mag"
    table.write(tmp_path / f"gaia.{suffix}", format=form, overwrite=True)
    with pytest.raises(StellarError, match="states the unit 'mag' for the column ra"):
        fetch(mapping(tmp_path, {GAIA: {"files": f"gaia.{suffix}"}}), tmp_path)


@pytest.mark.parametrize("folder", ["b=30", "run#3", "field[1]", "50%", "it's", "a?b", "back\\slash"])
def test_mapping_and_landing_may_lie_anywhere(tables: dict[str, pa.Table], tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    given = {GAIA: {"files": write(tables[GAIA], tmp_path / folder / f"{folder}.parquet")}}
    landing = fetch(mapping(tmp_path / folder, given), tmp_path / folder)
    assert read(landing, GAIA) == tables[GAIA].combine_chunks()
    with duckdb.connect() as con:
        build_staging(con, {table: landing.files(table) for table in landing.tables()}, landing.tables())
        assert con.sql("select b from staging.gaia_source order by b").fetchall() == [
            (b,) for b in sorted(tables[GAIA]["b"].to_pylist())
        ]


def test_a_landing_reads_its_own_parts_and_no_names_of_folders(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    landing = Landing(tmp_path / "l=1", "archive")
    landing.write(GAIA, "part-00000", tables[GAIA], "query", "release")
    assert pc.sum(landing.read(GAIA, "part-00000", ["l"])["l"]) == pc.sum(tables[GAIA]["l"])
