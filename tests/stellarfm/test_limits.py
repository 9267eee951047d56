"""What a file claims, or unfolds to, is refused by a sentence before it is believed."""

import gzip
import json
import zipfile
from pathlib import Path

import duckdb
import pytest
import torch

from stellarfm import cli
from stellarfm.archives.xp import read_zip
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.integrity import seal
from stellarfm.limits import Room, free_bytes, gunzip, read_short_text, refuse_bomb
from stellarfm.model.checkpoint import _least_numbers, save_model
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import PRESETS, NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.surveys.selection import choose_surveys
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import Token, Vocabulary, load_vocabulary

SHAPE = NetworkConfig(8, ((2, 8),), ((2, 8),), (8,), pre_norm=True, show_errors=False)
TOKENS = Vocabulary("two", "", (Token("teff", value="teff"), Token("logg", value="logg")))


def test_a_zip_that_unfolds_a_hundredfold_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "answer.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for place in range(3):
            archive.writestr(f"{place}.fits", bytes(100 << 20))
    with pytest.raises(StellarError, match=r"would unfold to 315 MB; nothing of it was unpacked"):
        read_zip(bomb, choose_surveys().gaia)


def test_an_honest_zip_passes(tmp_path: Path) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.txt", bytes(1 << 20))
    with zipfile.ZipFile(path) as archive:
        refuse_bomb(path, archive.infolist())


def test_gzip_is_bounded_too() -> None:
    assert gunzip(gzip.compress(b"numbers")) == b"numbers"
    with pytest.raises(StellarError, match="unfolds to more than"):
        gunzip(gzip.compress(bytes(200 << 20)))


def test_a_text_that_is_read_whole_is_bounded(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(StellarError, match="no such file has more than 64 MB"):
        read_short_text(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [("width", 1 << 20), ("head", [1 << 20, 1 << 20]), ("encoder", [[2, 1 << 30]]), ("width", 1 << 60)],
)
def test_a_model_that_describes_more_than_it_has_takes_no_memory(tmp_path: Path, key: str, value: object) -> None:
    torch.manual_seed(1)
    scaler = RobustScaler.from_dict({"centre": [0.0, 0.0], "width": [1.0, 1.0]})
    save_model(tmp_path / "model", StarNetwork(SHAPE, 2), TOKENS, scaler)
    FoundationModel.load(tmp_path / "model", "cpu")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["network"][key] = value
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    seal(tmp_path / "model")  # as whoever makes such a model would
    with pytest.raises(StellarError, match="is not a model of stellarfm"):
        FoundationModel.load(tmp_path / "model", "cpu")


@pytest.mark.parametrize("count", ["1000000000", "-1", "0", "true", "'3'"])
def test_a_series_of_any_length_is_not_believed(tmp_path: Path, count: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f"[[token]]\nname = 'flux'\nvalue = 'flux'\ncount = {count}\n")
    with pytest.raises(StellarError, match="the count of the token 'flux'"):
        load_vocabulary(file)


def test_rows_that_do_not_fit_into_memory_are_refused_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stellarfm.limits.free_bytes", lambda: 1_000_000)
    relation = "(select 5000.0 as teff, 4.5 as logg from range(1000000000))"
    with pytest.raises(StellarError, match=r"huge.parquet does not fit into memory: 0.001 GB are free"):
        read_tokens(duckdb.connect(), relation, TOKENS, called="huge.parquet")


def test_room_counts_what_was_taken() -> None:
    room = Room("it")
    room.take(free_bytes() // 4)
    with pytest.raises(StellarError, match="it does not fit"):
        room.take(1 << 60)


def test_no_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def exhausted(words: list[str]) -> None:
        raise MemoryError("Unable to allocate 1. TiB")

    monkeypatch.setattr(cli, "app", exhausted)
    with pytest.raises(SystemExit):
        cli.main(["doctor"])
    assert "there is not enough memory (Unable to allocate 1. TiB)" in capsys.readouterr().err


def test_every_connection_is_bounded_by_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(**config: str) -> str:
        with open_database(**config) as con:
            return str(con.execute("select current_setting('memory_limit')").fetchall()[0][0])

    assert limit() == "1.8 GiB"
    monkeypatch.setenv("STELLARFM_WAREHOUSE__MEMORY_LIMIT", "500MB")
    assert limit() == "476.8 MiB"
    assert limit(memory_limit="1GB") == "953.6 MiB"


def test_what_spills_lies_in_no_folder_of_the_user_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_database(memory_limit="60MB", threads=1) as con:
        query = "select count(*) from (select distinct i::varchar || repeat('x', 50) from range(3000000) t(i))"
        assert con.execute(query).fetchall() == [(3_000_000,)]
        folder = Path(con.execute("select current_setting('temp_directory')").fetchall()[0][0])
        assert folder.is_dir()
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_network_is_counted_as_is_most_of_what_it_has(preset: str) -> None:
    network = StarNetwork(PRESETS[preset], 118)
    there = sum(tensor.numel() for tensor in network.state_dict().values())
    assert 0.6 * there < _least_numbers(PRESETS[preset], 118) <= there
