"""Where MLflow keeps things: a home that moves or may only be read, and servers that are not there."""

import os
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mlflow
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stellarfm.champions import Champions
from stellarfm.errors import StellarError
from stellarfm.home import TRACKING_VARIABLE, Home
from stellarfm.model.checkpoint import save_model
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.registry import Registry
from stellarfm.vocabulary import load_vocabulary

TINY = NetworkConfig(width=8, encoder=((2, 8),), decoder=((2, 8),), head=(8,))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one version, the champion."""
    home = Home.open(tmp_path_factory.mktemp("first") / "home")
    vocabulary = load_vocabulary("photometry")
    num, folder = len(vocabulary), home.runs / "key" / "model"
    folder.parent.mkdir(parents=True)
    save_model(folder, StarNetwork(TINY, num), vocabulary, RobustScaler(np.zeros(num, "f4"), np.ones(num, "f4")))
    registry = Registry(home)
    run = registry.start_run("key", "a run", {"seed": 1})
    version = registry.register("key", run, folder, {"vocabulary": "photometry"})
    Champions(registry).promote(version.version, "the first")
    registry.finish_run(run, folder)
    return home


@pytest.fixture
def moved(original: Home, tmp_path: Path) -> Home:
    """A copy of that home; the original does not exist for those who only know where it was."""
    shutil.copytree(original.path, tmp_path / "moved")
    return Home.at(tmp_path / "moved")


def _texts(home: Home) -> Iterator[tuple[str, bytes]]:
    for file in home.path.rglob("*"):
        if file.is_file() and file.name != ".lock":
            yield str(file.relative_to(home.path)), file.read_bytes()


def test_no_absolute_path_is_kept_in_a_home(original: Home) -> None:
    assert [name for name, content in _texts(original) if str(original.path.parent).encode() in content] == []
    with closing(sqlite3.connect(original.path / "mlflow.db")) as con:
        assert {row[0] for row in con.execute("select artifact_location from experiments")} <= {
            "stellarfm-home:/artifacts", "stellarfm-home:/mlruns/0",
        }  # fmt: skip


def test_a_home_that_has_moved_has_its_own_champion_for_us_and_for_mlflow(moved: Home) -> None:
    champion = Registry(moved).version("champion")
    assert champion.folder.is_relative_to(moved.path)
    assert (champion.folder / "weights.safetensors").is_file()
    (moved.path / "runs").rename(moved.path / "gone")
    mlflow.set_tracking_uri(f"sqlite:///{moved.path}/mlflow.db")
    served = mlflow.pyfunc.load_model("models:/stellarfm@champion")
    assert list(served.predict({"bprp": [0.8]}, params={"request": "teff"})) == ["teff", "teff_error"]


def test_a_home_with_absolute_places_forgets_them_when_it_is_opened(moved: Home, original: Home) -> None:
    store = moved.path / "mlflow.db"
    with closing(sqlite3.connect(store)) as con, con:
        con.execute(
            "update experiments set artifact_location = 'file:///somewhere/else/artifacts' where name = 'stellarfm'"
        )
        con.execute("update runs set artifact_uri = replace(artifact_uri, 'stellarfm-home:', 'file:///somewhere/else')")
    Registry(moved).versions()
    with closing(sqlite3.connect(store)) as con:
        found = con.execute("select artifact_location from experiments where name = 'stellarfm'").fetchall()
        found += con.execute("select artifact_uri from runs").fetchall()
    assert all(place.startswith("stellarfm-home:/artifacts") for (place,) in found)
    with closing(sqlite3.connect(store)) as con, closing(sqlite3.connect(original.path / "mlflow.db")) as before:
        assert (
            con.execute("select artifact_uri from runs").fetchall()
            == before.execute("select artifact_uri from runs").fetchall()
        )


def test_a_home_that_may_only_be_read_is_read(moved: Home) -> None:
    everything = [moved.path, *moved.path.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = sorted(str(path) for path in moved.path.rglob("*"))
    try:
        assert Registry(moved).version("champion").version == 1
        assert sorted(str(path) for path in moved.path.rglob("*")) == before
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_whoever_only_looks_makes_nothing(tmp_path: Path) -> None:
    assert Registry(Home.at(tmp_path)).versions() == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StellarError, match=r"there is no home .*nowhere yet"):
        Home.at(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="/"), min_size=1, max_size=40)
)
def test_a_home_may_have_any_name(original: Home, tmp_path: Path, name: str) -> None:
    _works_under_the_name(original, tmp_path, name)


@pytest.mark.parametrize(
    "name", ["a b", "50%", "x%41", "what?", "#1", "[x]*", "key=value", "it's", 'say "so"', "ä", "a&b;c"]
)
def test_a_home_may_have_a_name_with_signs(original: Home, tmp_path: Path, name: str) -> None:
    _works_under_the_name(original, tmp_path, name)


def _works_under_the_name(original: Home, tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"{name[:60]}."
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original.path, folder)
    home = Home.at(folder)
    assert Registry(home).version("champion").folder.is_relative_to(folder)
    Registry(home).set_tag(1, "note", name)
    assert Registry(home).version(1).tags["note"] == name


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "postgresql://u:secret@127.0.0.1:{port}/x"])
def test_a_server_that_is_down_is_named_within_seconds(
    original: Home, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv(TRACKING_VARIABLE, address.format(port=port))
    began = time.monotonic()
    with pytest.raises(StellarError, match=f"{TRACKING_VARIABLE} names .*127.0.0.1:{port}.*start it, or unset") as said:
        Registry(original).version("champion")
    assert time.monotonic() - began < 10
    assert "secret" not in str(said.value)


def test_a_server_that_never_answers_is_named_within_seconds(original: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(TRACKING_VARIABLE, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StellarError, match="where no server answers"):
            Registry(original).versions()
        assert time.monotonic() - began < 10


def test_a_folder_is_no_store_any_more(original: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("./mlruns", "file:///tmp/mlruns"):
        monkeypatch.setenv(TRACKING_VARIABLE, address)
        with pytest.raises(StellarError, match=f"{TRACKING_VARIABLE} names the folder {address}"):
            Registry(original).versions()


def test_an_empty_variable_names_no_server(original: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACKING_VARIABLE, "")
    assert Registry(original).version("champion").version == 1
    assert not os.environ.get(TRACKING_VARIABLE)
