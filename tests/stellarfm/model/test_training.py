"""Whole trainings: they learn, go on where they stopped, and say in a sentence why they cannot."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stellarfm.errors import StellarError
from stellarfm.model.checkpoint import CHECKPOINTS, load_checkpoint, save_checkpoint
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.plan import TrainingPlan
from stellarfm.model.presets import TRAINING_PRESETS, TrainingSettings
from stellarfm.model.token_table import TokenTable, open_table, write_table
from stellarfm.model.training import TrainingProgress, train
from stellarfm.vocabulary import Token, Vocabulary
from tests.stellarfm.model.conftest import TINY

World = Callable[..., TokenTable]
HERE = Path(__file__).parent
ROOMY = replace(TINY, width=32, encoder=((4, 64),), decoder=((4, 64),))


def longer(quick: TrainingSettings) -> TrainingSettings:
    return replace(quick, max_steps=700, optimiser=replace(quick.optimiser, learning_rate=5e-3))


def run_alone(folder: Path, steps: int, at: int = 0, what: str = "") -> subprocess.CompletedProcess[str]:
    """Train in a process of its own; at a step, something happens to it."""
    command = [sys.executable, "-m", "tests.stellarfm.model.killed_training", str(folder), str(steps), str(at), what]
    return subprocess.run(command, cwd=HERE.parents[2], capture_output=True, text=True, check=False, timeout=120)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "weights.safetensors")


def assert_identical(a: Path, b: Path) -> None:
    one, two = weights(a), weights(b)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_network_learns_what_follows_from_what(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    stars = world(1000, unknown=0.0), world(200, seed=2)
    result = train(*stars, vocabulary, ROOMY, longer(quick), tmp_path, device="cpu")
    model = FoundationModel.load(result.folder, device="cpu")
    stars = world(500, seed=3, unknown=0.0)
    model.perceive(stars.values[:, :2], ["s0", "s1"])
    teff = model.request(["teff"])
    scatter = np.std(teff.values[:, 0] - stars.values[:, vocabulary.index("teff")])
    assert scatter < 125  # K, of 500 K; s0 + s1 gives it exactly
    assert result.history[-1][2] < result.history[0][2]


def test_a_network_overfits_a_table_of_a_few_stars(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    few = world(8, unknown=0.0)
    drawn = replace(quick.sampler, requests=2, full_share=1.0, hide_labels_share=1.0, label_share=1.0, copy_share=0.0)
    settings = replace(longer(quick), sampler=drawn, max_steps=400)
    folder = train(few, few, vocabulary, ROOMY, settings, tmp_path, device="cpu").folder
    model = FoundationModel.load(folder, device="cpu")
    model.perceive(few.values[:, :4], ["s0", "s1", "s2", "colour"])
    answers = model.request(["teff", "logg"])
    np.testing.assert_allclose(answers.values[:, 0], few.values[:, 4], atol=25)
    np.testing.assert_allclose(answers.values[:, 1], few.values[:, 5], atol=0.05)


def test_predicted_errors_leave_the_labels_own_noise_out(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    noisy = world(2000, unknown=0.0, error=0.5)
    noisy.values[:, 4] += np.random.default_rng(5).normal(size=2000).astype(np.float32) * 250
    noisy.errors[:, :4] = 0
    result = train(noisy, noisy, vocabulary, ROOMY, longer(quick), tmp_path, device="cpu")
    model = FoundationModel.load(result.folder, device="cpu")
    model.perceive(noisy.values[:, :2], ["s0", "s1"])
    errors = model.request(["teff"]).errors
    assert np.median(errors) < 170  # K; the labels scatter by 250 K


def test_killed_and_resumed_is_bit_identical_to_unbroken(tmp_path: Path) -> None:
    assert run_alone(tmp_path / "unbroken", 200).returncode == 0
    killed = run_alone(tmp_path / "killed", 200, 130, "SIGKILL")
    assert killed.returncode == -9
    assert [path.name for path in (tmp_path / "killed" / CHECKPOINTS).iterdir()] == ["step-000000120"]
    assert not (tmp_path / "killed" / "model").exists()
    assert run_alone(tmp_path / "killed", 200).returncode == 0
    assert_identical(tmp_path / "unbroken", tmp_path / "killed")


def test_sigterm_writes_a_checkpoint_and_the_rest_is_bit_identical(tmp_path: Path) -> None:
    assert run_alone(tmp_path / "unbroken", 150).returncode == 0
    assert run_alone(tmp_path / "stopped", 150, 70, "SIGTERM").returncode == 143
    (checkpoint,) = (tmp_path / "stopped" / CHECKPOINTS).iterdir()
    assert checkpoint.name in ("step-000000070", "step-000000071")
    assert run_alone(tmp_path / "stopped", 150).returncode == 0
    assert_identical(tmp_path / "unbroken", tmp_path / "stopped")


@pytest.mark.slow
def test_two_processes_train_like_one_up_to_the_order_of_sums(tmp_path: Path) -> None:
    assert run_alone(tmp_path / "one", 60, what="exact").returncode == 0
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    script = ["tests.stellarfm.model.killed_training", str(tmp_path / "two"), "60", "0", "exact"]
    two = subprocess.run(
        [sys.executable, "-m", *launcher, *script], cwd=HERE.parents[2], capture_output=True, text=True, check=False
    )
    assert two.returncode == 0, two.stderr
    one, both = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in one.items():
        torch.testing.assert_close(both[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_stays(tmp_path: Path) -> None:
    full = run_alone(tmp_path, 200, 50, "full disk")
    assert full.returncode == 1
    assert "no checkpoint could be written" in full.stderr.splitlines()[-1]
    assert "free some space and start again" in full.stderr.splitlines()[-1]
    assert [path.name for path in (tmp_path / CHECKPOINTS).iterdir()] == ["step-000000040"]
    assert run_alone(tmp_path, 200).returncode == 0


def test_a_checkpoint_of_another_vocabulary_is_refused(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    settings = replace(quick, max_steps=20)
    train(world(), world(), vocabulary, TINY, settings, tmp_path, device="cpu")
    tokens = (*vocabulary.tokens[:-1], Token("m_h", "m_h"))
    other = replace(vocabulary, tokens=tokens)
    with pytest.raises(StellarError, match="belongs to another vocabulary"):
        train(world(), world(), other, TINY, settings, tmp_path, device="cpu")


def test_a_loss_that_is_no_number_stops_names_the_token_and_keeps_the_checkpoint(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    wild = world(1000)
    wild.values[:, vocabulary.index("logg")] = 3 + 0.1 * wild.values[:, 0]
    wild.values[777, vocabulary.index("logg")] = 1e30
    settings = replace(quick, checkpoint_every=1, sampler=replace(quick.sampler, batch=8))
    with pytest.raises(StellarError, match=r"no longer a number at step \d+ .*: logg at .* widths") as error:
        train(wild, world(), vocabulary, TINY, settings, tmp_path, device="cpu")
    assert "last good checkpoint is kept" in str(error.value)
    (checkpoint,) = (tmp_path / CHECKPOINTS).iterdir()
    kept = load_file(checkpoint / "state.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in kept.values() if tensor.is_floating_point())


@pytest.mark.parametrize(
    ("where", "number", "sentence"),
    [
        ("values", np.inf, "the token 'teff' of star 7 has an infinite value"),
        ("errors", -1.0, "the token 'teff' of star 7 has a negative error"),
        ("errors", np.inf, "the token 'teff' of star 7 has an infinite error"),
    ],
)
def test_what_no_measurement_is_is_refused(
    where: str,
    number: float,
    sentence: str,
    world: World,
    vocabulary: Vocabulary,
    quick: TrainingSettings,
    tmp_path: Path,
) -> None:
    bad = world()
    getattr(bad, where)[7, 4] = number
    with pytest.raises(StellarError, match=sentence):
        train(bad, world(), vocabulary, TINY, quick, tmp_path, device="cpu")
    with pytest.raises(StellarError, match=sentence):
        train(world(), bad, vocabulary, TINY, quick, tmp_path, device="cpu")


def test_a_damaged_checkpoint_is_said_and_removed_and_the_one_before_is_gone_on_with(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 20, {"fingerprint": "x", "step": 20}, {"weights": torch.ones(3)})
    kept = tmp_path / "step-000000020"
    shutil.copytree(kept, tmp_path / "step-000000040")
    (tmp_path / "step-000000040" / "state.json").write_text("{")
    told: list[str] = []
    found = load_checkpoint(tmp_path, "x", told.append)
    assert found is not None and found[0]["step"] == 20
    assert len(told) == 1 and "step-000000040/state.json is damaged" in told[0]
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


def test_training_stops_early_when_the_validation_loss_no_longer_falls(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    still = replace(
        quick, patience=2, validate_every=10, optimiser=replace(quick.optimiser, learning_rate=0.0, ema=0.0)
    )
    result = train(world(), world(), vocabulary, TINY, replace(still, max_steps=200), tmp_path, device="cpu")
    assert result.steps == 200  # equal is not worse
    fast = replace(still, optimiser=replace(still.optimiser, learning_rate=0.5), max_steps=500)
    result = train(world(60), world(60, seed=9), vocabulary, TINY, fast, tmp_path / "fast", device="cpu")
    assert result.steps < 500


def test_progress_and_figures_are_reported(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    plans: list[TrainingPlan] = []
    seen: list[TrainingProgress] = []
    figures: dict[int, dict[str, float]] = {}
    settings = replace(quick, max_steps=100)
    stars = world()
    train(
        stars, world(), vocabulary, TINY, settings, tmp_path, device="cpu",
        on_plan=plans.append, on_progress=seen.append, log=figures.__setitem__,
    )  # fmt: skip
    assert (plans[0].stars, plans[0].steps, plans[0].device) == (400, 100, "cpu")
    assert plans[0].tokens == np.isfinite(stars.values).sum()
    assert plans[0].expected_s > 0 and "100 steps" in str(plans[0])
    assert [now.step for now in seen] == list(range(10, 101, 10))
    assert seen[-1].targets_per_s > 0
    assert set(figures) == {50, 100}
    assert set(figures[50]) == {"loss", "validation_loss", "learning_rate"}


def test_a_plan_changes_nothing(world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path) -> None:
    settings = replace(quick, max_steps=20)
    stars = world(), world()
    for name, on_plan in (("with", print), ("without", None)):
        train(*stars, vocabulary, TINY, settings, tmp_path / name, device="cpu", on_plan=on_plan)
    assert_identical(tmp_path / "with", tmp_path / "without")


def test_a_memory_mapped_table_trains_like_one_in_memory(
    world: World, vocabulary: Vocabulary, quick: TrainingSettings, tmp_path: Path
) -> None:
    stars, settings = world(), replace(quick, max_steps=20)
    write_table(tmp_path / "table", stars.blocks(100), len(stars), len(vocabulary))
    for name, table in (("mapped", open_table(tmp_path / "table")), ("held", stars)):
        train(table, world(), vocabulary, TINY, settings, tmp_path / name, device="cpu")
    assert_identical(tmp_path / "mapped", tmp_path / "held")


def test_preset_paper_is_the_published_recipe() -> None:
    paper = TRAINING_PRESETS["paper"]
    assert paper.max_steps == 4096 * (357_046 // 1024)
    assert paper.sampler.as_published and paper.sampler.batch == 1024
    assert (paper.optimiser.learning_rate, paper.optimiser.cycles) == (1e-4, 8)
