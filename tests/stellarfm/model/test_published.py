"""The published file format: read to the published answers, written so that it reads the same."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from stellarfm.errors import StellarError
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import PRESETS, NetworkConfig, StarNetwork
from stellarfm.model.published import read_published, write_published
from stellarfm.model.scaling import RobustScaler
from stellarfm.vocabulary import load_vocabulary

TINY = NetworkConfig(
    width=16,
    encoder=((4, 32), (2, 16)),
    decoder=((4, 64), (2, 32), (1, 16)),
    head=(64, 32, 16, 8),
    pre_norm=False,
    show_errors=False,
    dropout=0.1,
)


@pytest.fixture
def published(shared: Path) -> Path:
    return shared / "reference" / "published_format_small"


def read_csv(path: Path) -> dict[str, np.ndarray]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def tiny_model() -> tuple[StarNetwork, object, RobustScaler]:
    torch.manual_seed(3)
    vocabulary = load_vocabulary("leung_bovy")
    rng = np.random.default_rng(3)
    scaler = RobustScaler(*rng.uniform(0.5, 2, (2, len(vocabulary))).astype(np.float32))
    return StarNetwork(TINY, len(vocabulary)).eval(), vocabulary, scaler


def test_a_published_model_gives_the_published_answers(published: Path) -> None:
    inputs, outputs = read_csv(published / "inputs.csv"), read_csv(published / "outputs.csv")
    model = FoundationModel(*read_published(published), device="cpu")
    model.perceive(np.stack(list(inputs.values()), axis=1).astype(np.float32), list(inputs))
    names = [name for name in outputs if not name.endswith("_error")]
    answers = model.request(names)
    for k, name in enumerate(names):
        width = model.scaler.width[model.vocabulary.index(name)]
        np.testing.assert_allclose(answers.values[:, k], outputs[name], rtol=1e-4, atol=1e-4 * width)
        np.testing.assert_allclose(answers.errors[:, k], outputs[f"{name}_error"], rtol=1e-4)


def test_tokens_of_a_published_model_have_our_units_and_the_first_task(published: Path) -> None:
    _, vocabulary, _ = read_published(published)
    assert vocabulary == load_vocabulary("leung_bovy")


def test_their_older_name_of_the_reddening_token_becomes_ours(published: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(published, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    names = config["tokenizer_config"]["vocabs"]
    names[names.index("logebv")] = "logc19"
    (folder / "config.json").write_text(json.dumps(config))
    assert read_published(folder)[1].index("logebv") == names.index("logc19")


def test_what_is_written_in_the_published_format_reads_back_the_same(tmp_path: Path) -> None:
    network, vocabulary, scaler = tiny_model()
    write_published(tmp_path / "model", network, vocabulary, scaler)
    again, vocabulary_again, scaler_again = read_published(tmp_path / "model")
    assert again.config == network.config
    assert vocabulary_again == vocabulary
    np.testing.assert_array_equal(scaler_again.width, scaler.width)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_an_export_has_the_keys_shapes_and_settings_of_the_published_files(published: Path, tmp_path: Path) -> None:
    write_published(tmp_path / "model", *read_published(published))
    ours, theirs = (json.loads((f / "config.json").read_text()) for f in (tmp_path / "model", published))
    ours["nn_config"].pop("backend_framewoark"), theirs["nn_config"].pop("backend_framewoark")
    for name in ("_input_mean", "_input_std"):
        np.testing.assert_allclose(ours["norm_config"].pop(name), theirs["norm_config"].pop(name), rtol=1e-6)
    assert ours == theirs
    written, read = (
        torch.load(f / "weights.pt", weights_only=True)["model_state_dict"] for f in (tmp_path / "model", published)
    )
    assert {n: t.shape for n, t in written.items()} == {n: t.shape for n, t in read.items()}


def test_a_network_of_another_design_is_not_exported(tmp_path: Path) -> None:
    _, vocabulary, scaler = tiny_model()
    network = StarNetwork(PRESETS["small"], len(vocabulary))
    with pytest.raises(StellarError, match="published design"):
        write_published(tmp_path / "model", network, vocabulary, scaler)


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code ran",)


def test_weights_that_would_run_code_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_published(tmp_path / "model", *tiny_model())
    torch.save({"model_state_dict": RunsCode()}, tmp_path / "model" / "weights.pt")
    with pytest.raises(StellarError, match="could run code"):
        read_published(tmp_path / "model")
    assert "code ran" not in capsys.readouterr().out


def test_a_folder_that_is_no_published_model_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(StellarError, match=r"needs config\.json and weights\.pt"):
        read_published(tmp_path)
