"""Settings: where they come from, who wins, and what is refused."""

from pathlib import Path

import pytest

from stellarfm.config import load_settings, setting_names
from stellarfm.errors import StellarError


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().training.preset == "small"


def test_the_command_line_wins_over_the_environment_and_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "survey.toml"
    file.write_text("seed = 1\n[training]\nmax_steps = 10\npreset = 'paper'\n[archive]\nnum_stars = 500\n")
    monkeypatch.setenv("STELLARFM_TRAINING__MAX_STEPS", "20")
    monkeypatch.setenv("STELLARFM_SEED", "2")
    settings = load_settings(file, ["seed=3"])
    assert (settings.seed, settings.training.max_steps, settings.archive.num_stars) == (3, 20, 500)
    assert settings.training.preset == "paper"


def test_settings_survive_the_way_through_toml(tmp_path: Path) -> None:
    settings = load_settings(overrides=["archive.num_stars=1234", "training.max_steps=5"])
    file = tmp_path / "again.toml"
    file.write_text(settings.to_toml())
    assert load_settings(file) == settings


@pytest.mark.parametrize("name", ["sead=1", "training.presett=small", "training.preset.x=1"])
def test_an_unknown_setting_is_refused_by_name(name: str) -> None:
    with pytest.raises(StellarError, match=name.split("=")[0].split(".")[-1] if "preset.x" not in name else "preset"):
        load_settings(overrides=[name])


def test_a_misspelt_environment_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STELLARFM_TRAINING__STEPS", "20")
    with pytest.raises(StellarError, match="STELLARFM_TRAINING__STEPS sets nothing"):
        load_settings()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seed=-1", "seed cannot be '-1'"),
        ("archive.num_stars=many", "archive.num_stars cannot be 'many'"),
        ("training", "needs section.key=value"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_the_setting(override: str, sentence: str) -> None:
    with pytest.raises(StellarError, match=sentence):
        load_settings(overrides=[override])


@pytest.mark.parametrize("text", [None, "seed = = 1"])
def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "broken.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(StellarError, match=r"broken\.toml"):
        load_settings(file)


def test_every_setting_can_be_set_by_name() -> None:
    assert {"seed", "archive.num_stars", "training.preset", "gate.accept"} <= set(setting_names())


def test_a_setting_that_was_renamed_still_counts_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "survey.toml"
    file.write_text("[asking]\nattempts = 2\nrows_per_part = 50\n")
    monkeypatch.setenv("STELLARFM_ASKING__TIMEOUT_S", "7")
    settings = load_settings(file, ["asking.wait_s=0.5"])
    assert (settings.retry.attempts, settings.retry.timeout_s, settings.retry.wait_s) == (2, 7, 0.5)
    assert settings.archive.rows_per_part == 50
    said = capsys.readouterr().err
    assert "the setting asking.attempts is called retry.attempts now" in said
    assert said.count("please rename it") == 4


def test_the_new_name_wins_over_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "survey.toml"
    file.write_text("[asking]\nattempts = 2\n[retry]\nattempts = 9\n")
    assert load_settings(file).retry.attempts == 9
