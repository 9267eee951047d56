"""Python: tables of any library in, identifiers and answers out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units
from astropy.table import MaskedColumn, QTable, Table

import stellarfm
from stellarfm.errors import StellarError
from stellarfm.interface import OpenModel
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import PRESETS, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.vocabulary import load_vocabulary

BIG = 4012345678901234561


@pytest.fixture(scope="module")
def model() -> OpenModel:
    vocabulary = load_vocabulary("leung_bovy")
    num = len(vocabulary)
    return OpenModel(
        FoundationModel(
            StarNetwork(PRESETS["small"], num), vocabulary, RobustScaler(np.zeros(num, "f4"), np.ones(num, "f4")), "cpu"
        )
    )


PLAIN = {"source_id": [BIG, BIG + 2], "bprp": [0.85, 1.5], "jh": [0.3, None], "jk": [0.35, 0.7]}
FRAME = pd.DataFrame(PLAIN)
MASKED = np.ma.MaskedArray([0.3, 99.0], [False, True])
SAME = {
    "a mapping": PLAIN,
    "a mapping of arrays": {name: np.array(values, object if None in values else None) for name, values in PLAIN.items()},
    "masked arrays": {**PLAIN, "jh": MASKED},
    "a data frame": FRAME,
    "nullable columns": FRAME.convert_dtypes(),
    "Arrow": pa.table(PLAIN),
    "big-endian columns": FRAME.astype({"source_id": ">i8", "bprp": ">f8", "jh": ">f4", "jk": ">f8"}),
    "big-endian arrays": {
        "source_id": np.array(PLAIN["source_id"], ">i8"), "bprp": np.array(PLAIN["bprp"], ">f8"),
        "jh": np.ma.MaskedArray(np.array([0.3, 99], ">f8"), [False, True]), "jk": np.array(PLAIN["jk"], ">f8"),
    },
    "records": np.array(
        [(BIG, 0.85, 0.3, 0.35), (BIG + 2, 1.5, np.nan, 0.7)],
        [("source_id", ">i8"), ("bprp", ">f8"), ("jh", ">f8"), ("jk", "<f8")],
    ),
    "astropy": Table({**PLAIN, "jh": MaskedColumn(MASKED)}),
    "units": QTable({**PLAIN, "jh": MaskedColumn(MASKED, unit="mag"), "jk": [350, 700] * units.mmag}),
    "a mapping with units": {**PLAIN, "jh": MASKED, "jk": [350, 700] * units.mmag},
}  # fmt: skip


@pytest.mark.parametrize("table", SAME.values(), ids=SAME)
def test_every_kind_of_table_gives_the_same_answers_and_keeps_the_identifiers(model: OpenModel, table: object) -> None:
    expected = model.perceive(pa.table(PLAIN)).request("teff,logg")
    found = model.perceive(table).request(["teff", "logg"])
    assert list(found) == ["source_id", "teff", "teff_error", "logg", "logg_error"]
    assert found["source_id"].tolist() == [BIG, BIG + 2]
    np.testing.assert_allclose(found.iloc[:, 1:], expected.iloc[:, 1:], rtol=1e-5)


def test_a_request_is_a_name_names_or_nothing(model: OpenModel) -> None:
    model.perceive(PLAIN)
    assert list(model.request("teff")) == ["source_id", "teff", "teff_error"]
    assert list(model.request("bp0:1")) == ["source_id", "bp0", "bp0_error", "bp1", "bp1_error"]
    assert model.request([])["source_id"].tolist() == [BIG, BIG + 2]
    assert list(model.perceive({"bprp": 0.8}).request("teff")) == ["teff", "teff_error"]
    assert model.request([]).shape == (1, 0)


def test_a_missing_identifier_among_whole_ones_leaves_them_whole(model: OpenModel) -> None:
    found = model.perceive({"apogee": [1, 2], "tmass_id": [BIG, None], "bprp": [0.8, 0.9]}).request("teff")
    assert found["tmass_id"].tolist() == [BIG, pd.NA]


def test_arrays_are_columns_too(model: OpenModel) -> None:
    size = {"bp_gnorm": 55, "rp_gnorm": 55}
    rng = np.random.default_rng(1)
    table = {name: rng.normal(size=(3, width)) for name, width in size.items()}
    frame = pd.DataFrame({name: list(values) for name, values in table.items()})
    pd.testing.assert_frame_equal(model.perceive(table).request("teff"), model.perceive(frame).request("teff"))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (3, "int cannot be read as a table"),
        (np.ones((2, 2)), "its columns have no names"),
        ({"bprp": [1, 2], "jh": [1.0]}, "cannot be read as a table"),
        ({"colour": [1]}, "no column for any of the 118 tokens .*`stellarfm vocabulary show leung_bovy`"),
        (QTable({"bprp": [1.0] * units.K}), "bprp"),
        (Path("absent.csv"), "absent.csv"),
    ],
    ids=str,
)
def test_what_is_no_table_of_the_model_is_refused_in_words(model: OpenModel, table: object, sentence: str) -> None:
    with pytest.raises(StellarError, match=sentence):
        model.perceive(table)


def test_a_name_that_is_near_a_token_is_told(model: OpenModel) -> None:
    model.perceive(PLAIN)
    with pytest.raises(StellarError, match=r"no token 'tef' \(near it: teff\)"):
        model.request("tef")


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STELLARFM_HOME", str(tmp_path / "there"))
    with pytest.raises(StellarError, match=r"there is no home .*there yet"):
        stellarfm.open_model()
    with pytest.raises(StellarError, match=r"no release 'latest' in .*there"):
        stellarfm.open_catalog()
    assert list(tmp_path.iterdir()) == []
