"""Versions, the champion, and the log of promotions: given a home with models, expected aliases."""

import json
from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.model.checkpoint import save_model
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.registry import Registry
from stellarfm.vocabulary import Vocabulary, load_vocabulary

TINY = NetworkConfig(width=8, encoder=((2, 8),), decoder=((2, 8),), head=(8,))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary("photometry")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary) -> Path:
    import numpy as np

    folder = tmp_path_factory.mktemp("model") / "model"
    num = len(vocabulary)
    save_model(folder, StarNetwork(TINY, num), vocabulary, RobustScaler(np.zeros(num, "f4"), np.ones(num, "f4")))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Home:
    """A home with two versions, the first of them champion."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    registry = Registry(home)
    for key in ("first", "second"):
        run = registry.start_run(key, key, {"seed": 1})
        registry.log_metrics(run, 1, {"loss": 1.0})
        registry.register(key, run, model, {"vocabulary": "photometry"})
        registry.finish_run(run)
    registry.promote(1, "the first")
    return home


def test_versions_are_listed_newest_first_with_their_files_and_tags(home: Home) -> None:
    versions = Registry(home).versions()
    assert [version.version for version in versions] == [2, 1]
    assert [version.champion for version in versions] == [False, True]
    assert versions[0].tags["vocabulary"] == "photometry"
    assert (versions[0].folder / "weights.safetensors").is_file()


def test_nothing_that_is_kept_of_a_model_is_pickled(home: Home) -> None:
    kept = [path for path in home.artifacts.rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in kept)
    assert not [path for path in kept if path.suffix in (".pkl", ".pt", ".pth", ".pickle")]


def test_a_run_is_registered_once(home: Home, model: Path) -> None:
    registry = Registry(home)
    again = registry.register("second", registry.start_run("second", "second", {}), model, {})
    assert again.version == 2
    assert len(registry.versions()) == 2


def test_promotion_moves_the_champion_and_rollback_moves_it_back(home: Home) -> None:
    registry = Registry(home)
    registry.promote(2, "better")
    assert registry.version("champion").version == 2
    assert registry.rollback().version == 1
    log = [json.loads(line) for line in (home.path / "promotions.jsonl").read_text().splitlines()]
    assert [(entry["before"], entry["version"]) for entry in log] == [(None, 1), (1, 2), (2, 1)]
    assert log[-1]["reason"] == "rolled back from version 2"


def test_a_run_that_ends_by_an_error_is_a_failed_one_and_goes_on_when_started_again(home: Home) -> None:
    registry = Registry(home)
    run = registry.start_run("broken", "broken", {})
    with pytest.raises(ZeroDivisionError), registry.ends_as_failed(run):
        1 / 0  # noqa: B018
    assert registry.client.get_run(run).info.status == "FAILED"
    assert registry.start_run("broken", "broken", {}) == run
    assert registry.client.get_run(run).info.status == "RUNNING"


def test_a_version_that_is_not_there_is_answered_with_those_that_are(home: Home) -> None:
    with pytest.raises(StellarError, match=r"no model 9 .* \(versions: 2, 1\)"):
        Registry(home).version(9)


def test_an_empty_home_has_no_champion_and_nothing_to_go_back_to(tmp_path: Path) -> None:
    registry = Registry(Home.open(tmp_path))
    assert registry.champion() is None
    with pytest.raises(StellarError, match="no earlier champion"):
        registry.rollback()


def test_mlflow_loads_a_version_by_its_alias_and_answers_a_data_frame(home: Home) -> None:
    import mlflow
    import pandas as pd

    Registry(home)
    loaded = mlflow.pyfunc.load_model("models:/stellarfm@champion")
    answer = loaded.predict(pd.DataFrame({"bprp": [0.8, 1.2]}), params={"request": "teff"})
    assert list(answer.columns) == ["teff", "teff_error"]
    assert len(answer) == 2
