"""What people bring to a crossmatch: other units, other names, parts, nulls. Each gives the pairs that the file means."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from stellarfm.crossmatch.tables import Columns, Matched, match_tables, workspace
from stellarfm.errors import StellarError
from stellarfm.formats import open_table

TWO = "name,ra,dec\nA,10.0001,20.0\nB,10.5,0.00001\n"
FORMATS = {".fits": "fits", ".vot": "votable", ".ecsv": "ascii.ecsv"}


def match(
    folder: Path, left: str, right: str, out: str = "pairs.csv", **options: Any
) -> tuple[Matched, list[dict[str, Any]]]:
    """Match two tables of a folder; return what it says and the rows of the output."""
    left_epoch, right_epoch = options.pop("epochs", ("", ""))
    with workspace("200MB", 2) as con:
        sides = [(folder / left, Columns(epoch=left_epoch)), (folder / right, Columns(epoch=right_epoch))]
        matched = match_tables(con, *sides, folder / out, radius_arcsec=options.pop("radius_arcsec", 2.0), **options)
    con = duckdb.connect()
    found = con.sql(f"from {open_table(con, folder / out, 'pairs').relation}")
    return matched, [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def write_text(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("unit", "motion"), [("deg/yr", 1 / 3600), ("arcsec/yr", 1.0), ("mas/yr", 1000.0), ("rad/yr", np.pi / 648000)]
)
def test_proper_motions_are_taken_in_the_unit_that_the_file_states(
    tmp_path: Path, suffix: str, unit: str, motion: float
) -> None:
    table = Table({"ra": [150.0], "dec": [0.0], "pmra": [motion], "pmdec": [0.0]})
    table["pmra"].unit = table["pmdec"].unit = unit
    table.write(tmp_path / f"left{suffix}", format=FORMATS[suffix])
    write_text(tmp_path, right="id,ra,dec\n7,150.00444444,0.0\n8,150.0,0.0\n")
    _, rows = match(tmp_path, f"left{suffix}", "right.csv", epochs=("2000", "2016"))
    assert [row["id"] for row in rows] == [7]
    assert rows[0]["separation_arcsec"] < 1e-3
    assert rows[0]["pmra"] == motion  # the values of the output are those of the file


@pytest.mark.parametrize(
    ("unit", "ra", "dec"),
    [("rad", np.radians(150), np.radians(20)), ("hourangle", 10.0, 20 / 15), ("arcmin", 9000.0, 1200.0)],
)
def test_positions_are_taken_in_the_unit_that_the_file_states(tmp_path: Path, unit: str, ra: float, dec: float) -> None:
    table = Table({"ra": [ra], "dec": [dec]})
    table["ra"].unit = table["dec"].unit = unit
    table.write(tmp_path / "left.ecsv", format="ascii.ecsv")
    write_text(tmp_path, right="id,ra,dec\n7,150.0,20.0\n")
    assert match(tmp_path, "left.ecsv", "right.csv")[1][0]["separation_arcsec"] < 1e-6


@pytest.mark.parametrize("unit", ["mag", "km / s", "furlong2"])
def test_a_unit_that_cannot_be_a_position_is_refused_by_column_and_unit(tmp_path: Path, unit: str) -> None:
    hdu = fits.BinTableHDU(Table({"ra": [1.0], "dec": [2.0]}))
    hdu.header["TUNIT1"] = unit
    hdu.writeto(tmp_path / "left.fits")
    write_text(tmp_path, right=TWO)
    with pytest.raises(
        StellarError, match=rf"states the unit '{unit}' for the column ra, which cannot be converted to deg"
    ):
        match(tmp_path, "left.fits", "right.csv")


@pytest.mark.parametrize("out", ["pairs.parquet", "pairs.fits", "pairs.vot", "pairs.duckdb"])
def test_units_go_with_their_columns_and_the_separation_has_its_own(tmp_path: Path, out: str) -> None:
    table = Table({"ra": [10.0001], "dec": [20.0], "teff": [5000.0]})
    table["teff"].unit, table["teff"].description, table["teff"].meta["ucd"] = "K", "Temperature", "phys.temperature"
    table.write(tmp_path / "left.vot", format="votable")
    write_text(tmp_path, right=TWO)
    match(tmp_path, "left.vot", "right.csv", out)
    fields = open_table(duckdb.connect(), tmp_path / out, "t").fields
    assert (fields["teff"].unit, fields["teff"].description) == ("K", "Temperature")
    assert fields["teff"].ucd == "phys.temperature"
    assert fields["separation_arcsec"].unit == "arcsec"


@pytest.mark.parametrize("out", ["stars.fits", "stars.vot"])
def test_a_dictionary_of_a_duckdb_file_says_what_its_columns_are(tmp_path: Path, out: str) -> None:
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as con:
        con.execute("create table stars as select 10.0 as ra, 20.0 as dec, 5000.0 as teff")
        con.execute("create table columns as select 'stars' as table_name, 'teff' as column_name, 'K' as unit, "
                    "'phys.temperature' as ucd, 'Effective temperature' as description")  # fmt: skip
    write_text(tmp_path, right="id,ra,dec\n1,10.0,20.0\n")
    match(tmp_path, "catalog.duckdb#stars", "right.csv", out)
    about = open_table(duckdb.connect(), tmp_path / out, "t").fields["teff"]
    assert (about.unit, about.ucd, about.description) == ("K", "phys.temperature", "Effective temperature")


def test_of_names_that_differ_in_case_the_one_that_is_written_so_wins(tmp_path: Path) -> None:
    hours = {"RA": [10.0001 / 15, 0.7], "DEC": [20.0, 1e-5], "ra": [10.0001, 10.5], "dec": [20.0, 1e-5]}
    pq.write_table(pa.table(hours), tmp_path / "both.parquet")
    write_text(tmp_path, left=TWO)
    matched, rows = match(tmp_path, "left.csv", "both.parquet")
    assert [row["separation_arcsec"] for row in rows] == [0.0, 0.0]
    assert any("RA is called RA_1" in note for note in matched.notes)
    assert [row["RA_1"] for row in rows] == hours["RA"]


def test_names_that_none_is_written_like_are_not_guessed_between(tmp_path: Path) -> None:
    pq.write_table(pa.table({"RA": [1.0], "Ra": [2.0], "dec": [3.0]}), tmp_path / "both.parquet")
    write_text(tmp_path, left=TWO)
    with pytest.raises(StellarError, match="has the columns RA, Ra, and none is written ra"):
        match(tmp_path, "left.csv", "both.parquet")


def test_columns_of_a_votable_are_called_by_name_not_by_id(tmp_path: Path) -> None:
    names = [("designation", "char", 'arraysize="*"'), ("ra", "double", 'unit="deg"'), ("dec", "double", 'unit="deg"')]
    listed = "".join(
        f'<FIELD ID="col_{i}" name="{name}" datatype="{kind}" {more}/>' for i, (name, kind, more) in enumerate(names)
    )
    rows = "<TR><TD>a</TD><TD>10.0001</TD><TD>20.0</TD></TR><TR><TD>b</TD><TD>10.5</TD><TD>1e-05</TD></TR>"
    (tmp_path / "irsa.vot").write_text(votable(listed, rows))
    write_text(tmp_path, left=TWO)
    _, found = match(tmp_path, "left.csv", "irsa.vot")
    assert [row["designation"] for row in found] == ["a", "b"]


def votable(fields: str, rows: str, status: str = "OK") -> str:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f"<TABLE>{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>"
        f'<INFO name="QUERY_STATUS" value="{status}">too slow</INFO></RESOURCE></VOTABLE>'
    )


def test_a_result_that_a_service_cut_short_is_said_and_an_error_is_none(tmp_path: Path) -> None:
    fields = '<FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>'
    rows = "<TR><TD>10.0001</TD><TD>20.0</TD></TR>"
    (tmp_path / "gaia.vot").write_text(votable(fields, rows, "OVERFLOW"))
    (tmp_path / "error.vot").write_text(votable(fields, rows, "ERROR"))
    write_text(tmp_path, right=TWO)
    assert "holds only a part of its result" in match(tmp_path, "gaia.vot", "right.csv")[0].notes[0]
    with pytest.raises(StellarError, match="no result but the error of a service: too slow"):
        match(tmp_path, "error.vot", "right.csv")


def test_positions_and_times_of_astropy_arrive_as_the_plain_columns_that_they_are(tmp_path: Path) -> None:
    ra, dec = [10.0001, 10.5] * u.deg, [20.0, 1e-5] * u.deg
    QTable({"ra": ra, "dec": dec, "pos": SkyCoord(ra, dec), "t": Time([2457388.5, 2457389.5], format="jd")}).write(
        tmp_path / "stars.fits"
    )
    write_text(tmp_path, left=TWO)
    _, rows = match(tmp_path, "stars.fits", "left.csv")
    assert [(row["pos.ra"], row["pos.dec"]) for row in rows] == [(10.0001, 20.0), (10.5, 1e-5)]


def test_parts_of_a_folder_are_one_table_with_all_columns(tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    pq.write_table(pa.table({"id": [1], "ra": [10.0001], "dec": [20.0]}), tmp_path / "stars" / "part-0.parquet")
    later = {"id": [2], "ra": [10.5], "dec": [0.0], "pmra": [500.0], "pmdec": [0.0]}
    pq.write_table(pa.table(later), tmp_path / "stars" / "part-1.parquet")
    write_text(tmp_path, right="name,ra,dec\nA,10.0001,20.0\nB,10.49777778,0.0\n")
    matched, rows = match(tmp_path, "stars", "right.csv", epochs=("2016", "2000"))
    assert (matched.moving_left, [row["name"] for row in rows]) == (1, ["A", "B"])
    assert [row["pmra"] for row in rows] == [None, 500.0]


def test_parts_whose_types_no_type_holds_are_refused_by_column_and_part(tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    for number, value in enumerate((2**60 + 1, 1.5, "x")):
        pq.write_table(
            pa.table({"id": [value], "ra": [1.0], "dec": [2.0]}), tmp_path / "stars" / f"part-{number}.parquet"
        )
    write_text(tmp_path, right=TWO)
    with pytest.raises(StellarError, match=r"the column id is BIGINT in part-0.parquet and VARCHAR in part-2.parquet"):
        match(tmp_path, "stars", "right.csv")
    (tmp_path / "stars" / "part-2.parquet").unlink()
    with pytest.raises(StellarError, match="no one type holds both"):
        match(tmp_path, "stars", "right.csv")


@pytest.mark.parametrize("file", ["dec=20/stars.parquet", "dec=20/stars.csv", "dec=20/parts"])
def test_a_folder_named_like_a_column_does_not_replace_it(tmp_path: Path, file: str) -> None:
    (tmp_path / "dec=20" / "parts").mkdir(parents=True)
    for target in ("dec=20/stars.parquet", "dec=20/parts/part-0.parquet"):
        pq.write_table(pa.table({"ra": [10.0001, 10.5], "dec": [20.25, 20.75]}), tmp_path / target)
    (tmp_path / "dec=20" / "stars.csv").write_text("ra,dec\n10.0001,20.25\n10.5,20.75\n")
    write_text(tmp_path, right="id,ra,dec\n7,10.0001,20.25\n8,10.5,20.75\n")
    _, rows = match(tmp_path, file, "right.csv")
    assert [row["separation_arcsec"] for row in rows] == [0.0, 0.0]
    assert list(rows[0]) == ["ra_left", "dec_left", "id", "ra_right", "dec_right", "separation_arcsec"]


def test_keys_of_a_hive_layout_are_columns_unless_the_files_have_them(tmp_path: Path) -> None:
    for field, ra in (("003", 10.0001), ("4", 10.5)):
        (tmp_path / "survey" / f"field={field}" / "dec=99").mkdir(parents=True)
        pq.write_table(
            pa.table({"ra": [ra], "dec": [20.0]}), tmp_path / "survey" / f"field={field}" / "dec=99" / "part.parquet"
        )
    write_text(tmp_path, right="id,ra,dec\n7,10.0001,20.0\n8,10.5,20.0\n")
    _, rows = match(tmp_path, "survey", "right.csv")
    assert [(row["field"], row["dec_left"]) for row in rows] == [("003", 20.0), ("4", 20.0)]


def test_a_hats_catalogue_is_its_pixels_and_nothing_beside_them(tmp_path: Path) -> None:
    stars = {"id": [1], "ra": [10.0001], "dec": [20.0]}
    for place in (
        "main/dataset/Norder=0/Dir=0/Npix=1",
        "main/dataset/data_thumbnail",
        "margin/dataset/Norder=0/Dir=0/Npix=2",
    ):
        (tmp_path / "hats" / place).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(stars), tmp_path / "hats" / f"{place}.parquet")
    (tmp_path / "hats" / "collection.properties").write_text("obs_collection=x\nhats_primary_table_url=main\n")
    write_text(tmp_path, right=TWO)
    for folder in ("hats", "hats/main", "hats/main/dataset"):
        matched, rows = match(tmp_path, folder, "right.csv")
        assert (matched.rows_left, list(rows[0])[:3]) == (1, ["id", "ra_left", "dec_left"])


def test_later_decimals_of_a_text_are_no_whole_numbers_and_leading_zeros_stay(tmp_path: Path) -> None:
    rows = "10,20,222,2000\n" * 20_600 + "200.123456,-45.5,022,1999.87\n"
    (tmp_path / "grid.csv.gz").write_bytes(gzip.compress(f"ra,dec,rd_flg,epoch\n{rows}".encode()))
    write_text(tmp_path, star="name,ra,dec\nX,200.123456,-45.5\n")
    _, (pair,) = match(tmp_path, "star.csv", "grid.csv.gz", "pairs.parquet")
    assert (pair["ra_right"], pair["dec_right"], pair["rd_flg"], pair["epoch"]) == (200.123456, -45.5, "022", 1999.87)


GAIA = """# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# - {name: source_id, datatype: int64, description: "an identifier, with a comma"}
# - {name: ra, datatype: float64, unit: deg}
# - {name: dec, datatype: float64, unit: deg}
# - {name: pmra, datatype: float64, unit: mas / yr}
# - {name: pmdec, datatype: float64, unit: mas / yr}
# - {name: radial_velocity, datatype: float32, unit: km / s}
# - {name: phot_variable_flag, datatype: string}
# - {name: has_xp_continuous, datatype: bool}
source_id,ra,dec,pmra,pmdec,radial_velocity,phot_variable_flag,has_xp_continuous
4012345678901234561,10.0001,20.0,100.0,-50.0,null,"NOT_AVAILABLE","True"
4012345678901234562,10.5,0.00001,null,null,null,"NOT_AVAILABLE",null
"""


def test_a_bulk_file_of_gaia_is_read_as_its_header_says(tmp_path: Path) -> None:
    (tmp_path / "GaiaSource.csv.gz").write_bytes(gzip.compress(GAIA.encode()))
    write_text(tmp_path, twomass="name,ra,dec\na,9.9996270,20.0002222\nb,10.5,0.00001\n")
    matched, rows = match(tmp_path, "GaiaSource.csv.gz", "twomass.csv", "o.vot", epochs=("2016", "2000"))
    assert (matched.moving_left, len(rows)) == (1, 2)
    assert [(row["source_id"], row["has_xp_continuous"]) for row in rows] == [
        (4012345678901234561, True), (4012345678901234562, None),
    ]  # fmt: skip
    assert open_table(duckdb.connect(), tmp_path / "o.vot", "t").fields["radial_velocity"].unit == "km / s"


def test_numbers_that_stand_for_no_position_or_motion_are_none_and_counted(tmp_path: Path) -> None:
    write_text(
        tmp_path,
        left="ra,dec,pmra,pmdec\n10.0001,20.0,-9999.99,-9999.99\n-999,-999,1,1\n10.5,0.00001,1e20,1e20\n",
        right=TWO,
    )
    matched, rows = match(tmp_path, "left.csv", "right.csv", epochs=("2016", "2000"))
    assert (len(rows), matched.without_position_left, matched.moving_left) == (2, 1, 1)
    assert [note.split(", such")[0].split(": ")[1] for note in matched.notes] == [
        "1 row has a position that stands for none", "2 rows have a proper motion that stands for none",
    ]  # fmt: skip


def test_null_and_the_numbers_that_astropy_would_take_for_it_stay_what_they_are_in_fits(tmp_path: Path) -> None:
    stars = {
        "ra": [10.0, 20.0, 30.0], "dec": [1.0, 2.0, 3.0], "n8": pa.array([63, 5, None], pa.uint8()),
        "n16": pa.array([16959, -32768, None], pa.int16()), "n32": pa.array([999999, 1, None], pa.int32()),
        "n64": pa.array([-(2**63), 2**63 - 1, None], pa.int64()), "flag": [True, False, None],
    }  # fmt: skip
    pq.write_table(pa.table(stars), tmp_path / "stars.parquet")
    write_text(tmp_path, right="id,ra,dec\n1,10,1\n2,20,2\n3,30,3\n")
    _, rows = match(tmp_path, "stars.parquet", "right.csv", "pairs.fits")
    for name in ("n8", "n16", "n32", "n64", "flag"):
        assert [row[name] for row in rows] == pa.table(stars)[name].to_pylist()
    with fits.open(tmp_path / "pairs.fits", logical_as_bytes=True) as file:
        assert np.rec.recarray.field(file[1].data, 6).tobytes() == b"TF\0"  # FITS 4.0, section 7.3.3
        assert Table.read(file[1])["n32"].tolist() == [999999, 1, None]  # for others as well


def test_a_letter_that_fits_cannot_hold_is_refused_before_the_match(tmp_path: Path) -> None:
    write_text(tmp_path, left="name,ra,dec\nplain,1,2\nα Cen A,219.9,-60.83\n", right="id,ra,dec\n1,219.9,-60.83\n")
    steps: list[str] = []
    with pytest.raises(
        StellarError, match=r"the column name has 'α Cen A' in row 2, and FITS holds .* write VOTable or Parquet"
    ):
        match(tmp_path, "left.csv", "right.csv", "pairs.fits", on_step=steps.append)
    assert steps == ["opening the tables"]
    assert match(tmp_path, "left.csv", "right.csv", "pairs.vot")[1][0]["name"] == "α Cen A"


@pytest.mark.parametrize("out", ["pairs.fits", "pairs.vot", "pairs.csv", "pairs.parquet", "pairs.duckdb"])
@pytest.mark.parametrize("source", ["spec.csv", "spec.parquet"])
def test_identifiers_beyond_2_to_63_keep_all_digits(tmp_path: Path, source: str, out: str) -> None:
    ids = [12547983418439622656, 9223372036854775809]
    pq.write_table(
        pa.table({"specObjID": pa.array(ids, pa.uint64()), "ra": [10.0001, 10.5], "dec": [20.0, 1e-5]}),
        tmp_path / "spec.parquet",
    )
    write_text(tmp_path, spec=f"specObjID,ra,dec\n{ids[0]},10.0001,20.0\n{ids[1]},10.5,0.00001\n", right=TWO)
    _, rows = match(tmp_path, source, "right.csv", out)
    assert [int(row["specObjID"]) for row in rows] == ids
    assert not any(isinstance(row["specObjID"], float) for row in rows)


def test_a_logical_without_value_is_neither_true_nor_false(tmp_path: Path) -> None:
    values = {"ra": np.array([10.0001, 10.5]), "dec": np.array([20.0, 1e-5]), "flag": np.array([b"T", b"\0"], "S1")}
    fits.BinTableHDU(Table(values)).writeto(tmp_path / "letters.fits")
    letters = (tmp_path / "letters.fits").read_bytes()
    (tmp_path / "flags.fits").write_bytes(letters.replace(b"TFORM3  = '1A", b"TFORM3  = '1L"))
    table = Table({"ra": [10.0001, 10.5], "dec": [20.0, 1e-5], "flag": MaskedColumn([True, False], mask=[False, True])})
    table.write(tmp_path / "flags.vot", format="votable")
    write_text(tmp_path, right=TWO)
    for file in ("flags.fits", "flags.vot"):
        assert [row["flag"] for row in match(tmp_path, file, "right.csv")[1]] == [True, None]
