"""XP spectra as DataLink sends them: three formats say the same, to the last bit of a float32."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from stellarfm.errors import StellarError
from stellarfm.landing.schema import TableSchema
from stellarfm.landing.xp_raw import TABLE, read_raw
from stellarfm.sky import simulate as sky
from stellarfm.surveys.reading import load_survey

FORMATS = {"csv": "csv", "fits": "fits", "votable": "xml"}
GAIA = load_survey("gaia_dr3")
SCHEMA = TableSchema.of_table(GAIA.tables[TABLE]).empty().schema
ARRAYS = [name for name in SCHEMA.names if pa.types.is_list(SCHEMA.field(name).type)]
RNG = np.random.default_rng(2)


@pytest.fixture
def raw(shared: Path) -> Path:
    return shared / "real" / "xp_continuous_raw"


def as_csv(
    ids: list[int], *, brackets: str = "()", without_bp: tuple[int, ...] = (), items: int = 55
) -> tuple[bytes, Any]:
    """Write stars with random coefficients as DataLink's CSV; return it with the coefficients."""
    numbers = RNG.normal(size=(len(ids), 4, items)) * 1e3
    lines = [",".join(["solution_id", *SCHEMA.names])]
    for row, source in enumerate(ids):
        cells = [f'"{brackets[0]}{", ".join(map(repr, one.tolist()))}{brackets[1]}"' for one in numbers[row]]
        bp = [cells[0], cells[1], "55", "1.5", "7"] if row not in without_bp else [""] * 5
        lines.append(",".join(["9", str(source), *bp, cells[2], cells[3], "54", "2.5", "8"]))
    return "\n".join(lines).encode() + b"\n", numbers


def as_fits(stars: list[dict[str, Any]], kind: str = "D") -> bytes:
    """Write stars as DataLink's FITS: arrays of variable length in the heap, none for a band that is not there."""
    columns = []
    for field in SCHEMA:
        values = [star[field.name] for star in stars]
        if field.name in ARRAYS:
            cells = np.empty(len(stars), dtype=object)
            cells[:] = [np.asarray(value, dtype=np.float64 if kind == "D" else np.float32) for value in values]
            columns.append(fits.Column(field.name, f"P{kind}(55)", array=cells))
        else:
            form = {"source_id": "K"}.get(field.name, "E" if "deviation" in field.name else "I")
            columns.append(fits.Column(field.name, form, array=np.array(values)))
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(file)
    return file.getvalue()


def star(source: int, *, bp: bool = True) -> dict[str, Any]:
    made: dict[str, Any] = {"source_id": source}
    for band in ("bp", "rp"):
        there = bp or band == "rp"
        made |= {f"{band}_{end}": RNG.normal(size=55 if there else 0) for end in ("coefficients", "coefficient_errors")}
        made |= {f"{band}_n_relevant_bases": 20, f"{band}_standard_deviation": 1.5, f"{band}_n_measurements": 7}
    return made


@pytest.mark.parametrize("form", FORMATS)
def test_the_answers_of_the_archive_are_read_as_they_are(raw: Path, form: Any) -> None:
    table = read_raw(raw / f"XP_CONTINUOUS_RAW.{FORMATS[form]}", form, GAIA)
    assert table.schema == SCHEMA
    assert table["source_id"].to_pylist() == [5853498713190525696, 5762406957886626816]
    assert table["bp_n_relevant_bases"].to_pylist() == [53, 53]
    with fits.open(raw / "XP_CONTINUOUS_RAW.fits") as file:
        for name in ARRAYS:
            expected = [np.asarray(cell, dtype=np.float32).tolist() for cell in file[1].data[name]]
            assert table[name].to_pylist() == expected


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_and_its_content_are_the_same(raw: Path, form: Any) -> None:
    path = raw / f"XP_CONTINUOUS_RAW.{FORMATS[form]}"
    assert read_raw(path.read_bytes(), form, GAIA) == read_raw(path, form, GAIA)


def test_a_real_star_without_bp_has_null_there_and_the_others_are_whole(raw: Path) -> None:
    table = read_raw(raw / "XP_CONTINUOUS_RAW_with_missing_BP.csv", "csv", GAIA)
    bp = [table[name].is_valid().to_pylist() for name in SCHEMA.names if name.startswith("bp_")]
    rp = [table[name].is_valid().to_pylist() for name in SCHEMA.names if name.startswith("rp_")]
    assert (bp, rp) == ([[True, False, True]] * 5, [[True] * 3] * 5)


@pytest.mark.parametrize("brackets", ["()", "[]"])
def test_arrays_of_csv_are_text_in_brackets_and_lose_nothing(brackets: str) -> None:
    content, numbers = as_csv([3, 1, 2], brackets=brackets, without_bp=(1,))
    table = read_raw(content, "csv", GAIA)
    assert table["source_id"].to_pylist() == [3, 1, 2]
    assert table["bp_coefficients"].to_pylist()[1] is None
    assert table["bp_coefficients"].to_pylist()[2] == numbers[2, 0].astype(np.float32).tolist()
    assert table["rp_coefficient_errors"].to_pylist()[1] == numbers[1, 3].astype(np.float32).tolist()


@pytest.mark.parametrize("kind", ["D", "E"])
def test_a_star_of_fits_without_bp_has_null_there_and_takes_nothing_of_its_neighbour(kind: str) -> None:
    stars = [star(1), star(2, bp=False), star(3)]
    for content in (as_fits(stars, kind), gzip.compress(as_fits(stars, kind))):
        table = read_raw(content, "fits", GAIA)
        assert [cell is None for cell in table["bp_coefficients"].to_pylist()] == [False, True, False]
        assert table["bp_n_relevant_bases"].to_pylist() == [20, None, 20]
        for row, name in [(0, "bp_coefficients"), (1, "rp_coefficients"), (2, "bp_coefficient_errors")]:
            assert table[name].to_pylist()[row] == stars[row][name].astype(np.float32).tolist()


def test_the_columns_are_those_of_the_simulated_archive() -> None:
    assert sky.simulate_range(1, 0, 10)["xp_continuous_mean_spectrum"].schema == SCHEMA


@pytest.mark.parametrize(
    ("content", "form", "sentence"),
    [
        (b"source_id,bp_coefficients\n1,\n", "csv", "in CSV conversion options|has no column"),
        (b"<html>busy</html>", "fits", "cannot be read as XP continuous mean spectra in fits"),
        (b"<html>busy</html>", "votable", "cannot be read as XP continuous mean spectra in votable"),
        (as_csv([1], items=54)[0], "csv", "row 1 has an array of 54 numbers, not 55"),
        (as_csv([1])[0].replace(b"(", b"(x"), "csv", "Failed to parse string"),
        (as_fits([star(1), star(2)])[:-3500], "fits", "cut short|runcated"),
    ],
    ids=["no column", "page", "page in XML", "54 numbers", "no number", "cut short"],
)
def test_what_is_no_answer_is_refused_in_one_sentence(content: bytes, form: Any, sentence: str) -> None:
    with pytest.raises(StellarError, match=sentence) as caught:
        read_raw(content, form, GAIA)
    assert len(str(caught.value).splitlines()) == 1


DR4 = load_survey("gaia_dr4")


def later_answer(folder: Path, form: str, **more: Any) -> Path:
    """An answer of a release with 51 + 55 coefficients, with a logical array beside, in a format that the archive has."""
    from astropy.table import Table

    columns: dict[str, Any] = {"source_id": np.array([7, 8])}
    for band, order in (("bp", 51), ("rp", 55)):
        columns[f"{band}_coefficients"] = np.arange(2.0 * order).reshape(2, order)
        columns[f"{band}_coefficient_errors"] = np.full((2, order), 0.5, np.float32)
        columns |= {
            f"{band}_n_relevant_bases": np.array([9, 10], np.int16),
            f"{band}_n_measurements": np.array([3, 4], np.int16),
        }
        columns[f"{band}_standard_deviation"] = np.array([1.0, 2.0], np.float32)
    path = folder / f"MEAN_SPECTRUM_XP.{form}"
    if form in ("csv", "ecsv"):
        texts = {
            name: [f"[{', '.join(map(str, row))}]" for row in values] if values.ndim == 2 else values
            for name, values in (columns | more).items()
        }
        head = "# %ECSV 1.0\n# ---\n# delimiter: ','\n" if form == "ecsv" else ""
        rows = zip(*texts.values(), strict=True)
        body = "\n".join(",".join(f'"{v}"' if str(v).startswith("[") else str(v) for v in row) for row in rows)
        path.write_text(f"{head}{','.join(texts)}\n{body}\n")
        return path
    table = Table(columns | {"is_outlier": np.array([[True, False], [False, True]])} | more)
    if form == "xml":
        from astropy.io.votable import from_table, writeto

        writeto(from_table(table), str(path), tabledata_format="binary2")
    else:
        table.write(path, format="fits")
    return path


@pytest.mark.parametrize(("form", "kind"), [("fits", "fits"), ("xml", "votable"), ("csv", "csv"), ("ecsv", "ecsv")])
def test_a_later_release_has_as_many_coefficients_as_its_profile_says(tmp_path: Path, form: str, kind: Any) -> None:
    rows = read_raw(later_answer(tmp_path, form), kind, DR4)
    assert rows["source_id"].to_pylist() == [7, 8]
    assert [len(v) for v in rows["bp_coefficients"].to_pylist()] == [51, 51]
    assert rows["rp_coefficients"].to_pylist()[1][0] == 55.0
    assert rows["bp_n_relevant_bases"].to_pylist() == [9, 10]
    with pytest.raises(StellarError, match="array of 51 numbers, not 55"):
        read_raw(tmp_path / f"MEAN_SPECTRUM_XP.{form}", kind, load_survey("gaia_dr3"))


@pytest.mark.parametrize(("form", "kind"), [("fits", "fits"), ("xml", "votable"), ("csv", "csv"), ("ecsv", "ecsv")])
def test_spectra_of_single_transits_are_refused_by_what_they_are(tmp_path: Path, form: str, kind: Any) -> None:
    transits = later_answer(tmp_path, form, transit_id=np.array([1, 2]))
    with pytest.raises(StellarError, match=r"holds spectra of single transits .*: ask for MEAN_SPECTRUM_XP"):
        read_raw(transits, kind, DR4)
