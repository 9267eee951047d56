"""Versions, the champion, and the log of promotions: given a home with models, expected aliases."""

import json
from pathlib import Path

import pytest

from stellarfm.champions import Champions
from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.model.checkpoint import save_model
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.promotions import entry_after
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
    Champions(registry).promote(1, "the first")
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
    champions = Champions(Registry(home))
    champions.promote(2, "better")
    assert Registry(home).version("champion").version == 2
    assert Registry(home).version("previous").version == 1
    assert champions.rollback("photometry", reason="off").version == 1
    assert Registry(home).aliases() == {"champion": 1, "champion-photometry": 1}
    log = [json.loads(line) for line in (home.path / "promotions.jsonl").read_text().splitlines()]
    assert [(entry["action"], entry["before"], entry["version"]) for entry in log] == [
        ("promoted", None, 1),
        ("promoted", 1, 2),
        ("rolled back", 2, 1),
    ]
    assert Registry(home).version(2).tags["rejected"] == "off"


def test_the_history_lies_in_mlflow_as_well_and_survives_the_loss_of_the_homes(home: Home) -> None:
    before = Champions(Registry(home)).entries()
    (home.path / "promotions.jsonl").rename(home.path / "away.jsonl")
    assert Champions(Registry(home)).entries() == before
    (home.path / "away.jsonl").rename(home.path / "promotions.jsonl")


def test_an_alias_that_somebody_moved_by_hand_is_told(home: Home) -> None:
    registry = Registry(home)
    registry.set_alias("champion-photometry", 2)
    with pytest.raises(StellarError, match=r"stands for version 2, and the history of this home says 1"):
        Champions(registry).champion("photometry")
    Champions(registry).promote(1, "as it was", forced=True)
    assert Champions(registry).champion("photometry") is not None


def test_what_a_kill_left_undone_is_done_at_the_next_opening(home: Home) -> None:
    """Given an entry that reached the home and not MLflow, expect its aliases and its tag there."""
    registry = Registry(home)
    entries = Champions(registry).entries()
    entry = entry_after(entries, "promoted", "photometry", 2, "killed behind it")
    with (home.path / "promotions.jsonl").open("a", encoding="utf-8") as log:
        log.write(entry.to_json() + "\n")
    assert Champions(registry).entries() == [*entries, entry]
    assert registry.aliases()["champion-photometry"] == 2
    Champions(registry).rollback("photometry")


def test_a_version_that_is_not_there_is_answered_with_those_that_are(home: Home) -> None:
    with pytest.raises(StellarError, match=r"no model 9 .* \(versions: 2, 1\)"):
        Registry(home).version(9)


def test_an_empty_home_has_no_champion_and_nothing_to_go_back_to(tmp_path: Path) -> None:
    champions = Champions(Registry(Home.open(tmp_path)))
    assert champions.champion("photometry") is None
    with pytest.raises(StellarError, match="no earlier champion"):
        champions.rollback("photometry")


def test_mlflow_loads_a_version_by_its_alias_and_answers_a_data_frame(home: Home) -> None:
    import mlflow
    import pandas as pd

    Registry(home)
    loaded = mlflow.pyfunc.load_model("models:/stellarfm@champion")
    answer = loaded.predict(pd.DataFrame({"bprp": [0.8, 1.2]}), params={"request": "teff"})
    assert list(answer.columns) == ["teff", "teff_error"]
    assert len(answer) == 2
