"""A table as a vocabulary reads it, whatever the file calls units, gaps and arrays."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from astropy.table import Table

from stellarfm.errors import StellarError
from stellarfm.formats import open_table
from stellarfm.formats.memory import open_memory
from stellarfm.measured import as_measured
from stellarfm.model.token_table import TokenTable
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import Token, Vocabulary, load_vocabulary

COLOURS = {"phot_bp_mean_mag": [12.5, 13.5, 14.5], "phot_rp_mean_mag": [11.5, 12.0, 12.5]}
SPECTRA = Vocabulary("spectra", "source_id", tuple(Token(f"bp{i}", "bp_gnorm", element=i) for i in range(3)))


def read(source: Any, vocabulary: Vocabulary) -> tuple[TokenTable, tuple[str, ...]]:
    """Return the tokens of a file or a table, and what is noted."""
    con = duckdb.connect()
    opened = open_table(con, source, "t") if isinstance(source, Path) else open_memory(con, source, "t")
    measured = as_measured(con, opened, vocabulary)
    return read_tokens(con, measured.relation, vocabulary, allow_missing=True, called=measured.called), measured.notes


def column(table: TokenTable, vocabulary: Vocabulary, name: str) -> list[float]:
    return [None if np.isnan(v) else round(float(v), 4) for v in table.values[:, vocabulary.index(name)]]


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv", "memory"])
@pytest.mark.parametrize(
    ("name", "unit", "scale", "token"),
    [
        ("phot_bp_mean_mag", "mmag", 1000.0, "bprp"),
        ("parallax", "arcsec", 0.001, "log_fakemag"),
        ("teff", "kK", 0.001, "teff"),
        ("ebv", "mmag", 1000.0, "ebv"),
        ("logg", "dex(cm / s2)", 1.0, "logg"),
    ],
)
def test_a_column_that_is_in_another_unit_gives_the_same_tokens(
    tmp_path: Path, suffix: str, name: str, unit: str, scale: float, token: str
) -> None:
    photometry = load_vocabulary("photometry")
    values = COLOURS | {"phot_g_mean_mag": [12.0, 13.0, 14.0], "parallax": [5.0, 4.0, 3.0], "parallax_error": [0.1, 0.1, 0.1],
                        "teff": [5000.0, 5500.0, 6000.0], "ebv": [0.1, 0.2, 0.3], "logg": [4.5, 2.5, 1.0]}  # fmt: skip
    expected = column(read(Table(values), photometry)[0], photometry, token)
    given: Any = Table(values | {name: [value * scale for value in values[name]]})
    given[name].unit = unit
    if suffix != "memory":
        form = {".fits": "fits", ".vot": "votable", ".ecsv": "ascii.ecsv"}[suffix]
        given.write(tmp_path / f"t{suffix}", format=form)
        given = tmp_path / f"t{suffix}"
    assert column(read(given, photometry)[0], photometry, token) == pytest.approx(expected, rel=1e-4)


def test_a_unit_of_another_kind_is_refused_by_column_and_unit() -> None:
    table = Table(COLOURS)
    table["phot_bp_mean_mag"].unit = "Jy"
    with pytest.raises(
        StellarError, match=r"states the unit 'Jy' for the column phot_bp_mean_mag, which cannot be converted to mag"
    ):
        read(table, load_vocabulary("photometry"))


@pytest.mark.parametrize("fill", [-9999.0, -9999.99, -999.9, 1e20, float(np.float32(-9999.99))])
def test_numbers_that_stand_for_none_are_unknown_and_said_with_their_count(tmp_path: Path, fill: float) -> None:
    photometry = load_vocabulary("photometry")
    teff = [5000.0, fill, 5500.0, fill, fill]
    table = Table(
        {"teff": teff, "tmass_h": [11.0, 99.999, 12.0, 11.5, 11.2], "tmass_j": [12.0, 12.0, 12.5, 12.0, 12.0]}
    )
    table.write(tmp_path / "t.csv")
    found, notes = read(tmp_path / "t.csv", photometry)
    assert column(found, photometry, "teff") == [5000.0, None, 5500.0, None, None]
    assert column(found, photometry, "jh") == [1.0, None, 0.5, 0.5, 0.8]
    assert len(notes) == 1
    assert f"teff {fill:.12g} (3 rows)" in notes[0] and "tmass_h 99.999 (1 row)" in notes[0]


def test_a_number_that_stars_have_is_no_fill_value() -> None:
    vocabulary = Vocabulary("motions", "", (Token("pmra", "pmra", unit="mas / yr"),))
    values = [-2000.0, -999.0, 50.0, 99.999, 3000.0]
    found, notes = read(Table({"pmra": values}), vocabulary)
    assert (column(found, vocabulary, "pmra"), notes) == (values, ())


@pytest.mark.parametrize(
    "text", ["[1.0, 2.5, -3e-1]", "(1.0, 2.5, -0.3)", "[ 1.   2.5\n -0.3]", "array([1.0, 2.5, -0.3], dtype=float32)"]
)
def test_arrays_that_text_holds_are_read_in_every_form_that_people_write(tmp_path: Path, text: str) -> None:
    quoted = text.replace('"', '""')
    (tmp_path / "t.csv").write_text(f'source_id,bp_gnorm\n1,"{quoted}"\n2,\n')
    found, _ = read(tmp_path / "t.csv", SPECTRA)
    assert np.allclose(found.values[0], [1.0, 2.5, -0.3])
    assert np.isnan(found.values[1]).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1.0, x, 3.0]", r"the column bp_gnorm has '\[1\.0, x, 3\.0\]' in row 2, which is no array of numbers"),
        ("[1.0 ... 3.0]", r"the column bp_gnorm has '\[1\.0 \.\.\. 3\.0\]' in row 2, which is no array of numbers"),
        ("[1.0, 2.0]", r"the column bp_gnorm holds 2 numbers in row 2, and the vocabulary needs 3"),
    ],
)
def test_an_array_that_cannot_be_read_is_refused_by_column_and_row(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(f'source_id,bp_gnorm\n1,"[1, 2, 3]"\n2,"{text}"\n')
    with pytest.raises(StellarError, match=sentence):
        read(tmp_path / "t.csv", SPECTRA)


@pytest.mark.parametrize("name", ["source_id", "SOURCE_ID", "Source_Id"])
def test_a_star_is_the_same_star_whatever_the_case_of_its_identifier(name: str) -> None:
    photometry = load_vocabulary("photometry")
    found, _ = read(Table({name: [40, 41, 40]} | COLOURS), photometry)
    assert found.ids.tolist() == [40, 41, 40]


@pytest.mark.parametrize(
    "ids", [["J00+20", "J01+20", "J00+20"], np.array([2**63 + 9, 2**63 + 11, 2**63 + 9], np.uint64)]
)
def test_identifiers_that_no_number_of_64_bits_holds_tell_stars_apart(ids: Any) -> None:
    found, _ = read(Table({"source_id": ids} | COLOURS), load_vocabulary("photometry"))
    assert found.ids[0] == found.ids[2] != found.ids[1]
