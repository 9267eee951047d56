"""Nothing half-written is visible."""

from pathlib import Path

import pytest

from stellarfm.atomic import content_key, fresh_file, fresh_folder


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with fresh_folder(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"


def test_a_folder_whose_making_fails_never_appears_and_an_older_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with fresh_folder(target) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(RuntimeError), fresh_folder(target) as folder:
        (folder / "a").write_text("new")
        raise RuntimeError
    assert (target / "a").read_text() == "old"


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".made.partial").mkdir()
    (tmp_path / ".made.partial" / "rest").write_text("half")
    with fresh_folder(tmp_path / "made") as folder:
        (folder / "a").write_text("1")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a"]


def test_a_file_whose_writing_fails_keeps_its_old_content(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), fresh_file(target) as path:
        path.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"


def test_keys_depend_on_content_and_not_on_the_order_of_a_mapping() -> None:
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key("ab", "c") != content_key("a", "bc")
