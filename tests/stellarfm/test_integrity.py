"""Damage is never used: whichever byte is changed, it is said; and what is whole passes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellarfm import integrity
from stellarfm.integrity import (
    CHECKSUM,
    DamagedError,
    FileSum,
    check_seal,
    checked,
    read_record,
    seal,
    signed,
    write_record,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
)


@given(data=st.dictionaries(st.text().filter(lambda key: key != CHECKSUM), JSON, max_size=4))
def test_a_record_gives_back_what_was_written(data: dict[str, object]) -> None:
    assert checked(json.loads(json.dumps(signed(data)))) == data


def test_a_record_with_any_digit_changed_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    write_record(file, {"key": "abc", "rows": {"stars": 12}, "share": 0.25})
    whole = file.read_bytes()
    for place, byte in enumerate(whole):
        if chr(byte).isspace():
            continue  # JSON means the same
        file.write_bytes(whole[:place] + bytes([byte ^ 1]) + whole[place + 1 :])
        try:
            read = read_record(file, "make it anew")
        except DamagedError:
            continue
        # the name of the hash itself: then there is a field that nobody knows, which whoever reads the record refuses
        assert set(read) - {"key", "rows", "share"}, (place, read)


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.8, 0.99])
def test_a_record_that_is_cut_short_is_one_sentence_with_the_way_out(tmp_path: Path, share: float) -> None:
    file = tmp_path / "record.json"
    write_record(file, {"key": "abc"})
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(DamagedError, match=r"record\.json is damaged \(.*\); make it anew"):
        read_record(file, "make it anew")


def test_a_record_from_before_there_were_hashes_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"key": "abc"}')
    assert read_record(tmp_path / "old.json", "") == {"key": "abc"}


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "below").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "below" / "weights").write_bytes(bytes(range(256)))
    seal(folder)
    return folder


def test_a_sealed_folder_that_is_whole_passes(sealed: Path) -> None:
    assert check_seal(sealed, "") == integrity.seal_hash(sealed)


def test_a_sealed_folder_is_what_sha256sum_reads(sealed: Path) -> None:
    lines = (sealed / "SHA256SUMS").read_text().splitlines()
    assert [line[64:] for line in lines] == ["  below/weights", "  config.json"]


@pytest.mark.parametrize("name", ["config.json", "below/weights", "SHA256SUMS"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_changed_byte_anywhere_in_a_sealed_folder_is_found(sealed: Path, name: str, share: float) -> None:
    content = bytearray((sealed / name).read_bytes())
    content[int(share * len(content))] ^= 1
    (sealed / name).write_bytes(content)
    with pytest.raises(DamagedError, match="is damaged"):
        check_seal(sealed, "")


def test_a_file_that_is_missing_or_was_added_is_found(sealed: Path) -> None:
    (sealed / "added").touch()
    with pytest.raises(DamagedError, match=r"added is damaged \(not among the files written\)"):
        check_seal(sealed, "")
    (sealed / "added").unlink()
    (sealed / "config.json").unlink()
    with pytest.raises(DamagedError, match=r"config.json is damaged \(missing\)"):
        check_seal(sealed, "")


def test_a_large_file_is_judged_by_its_ends_and_a_sample_and_whole_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(integrity, "_WHOLE_BYTES", 4096)
    file = tmp_path / "catalog"
    file.write_bytes(bytes(100 * 1024))
    written = FileSum.of(file)
    assert written.difference(file) == ""
    for place in (5, 100 * 1024 - 5):
        content = bytearray(100 * 1024)
        content[place] = 1
        file.write_bytes(content)
        assert "are not those written" in written.difference(file)
    content = bytearray(100 * 1024)
    content[50 * 1024] = 1
    file.write_bytes(content)
    assert "sha256" in written.difference(file, whole=True)
    # 16 of 98 blocks each time, drawn anew: once in a while every block is looked at
    assert any(written.difference(file) for _ in range(200))


def test_a_file_of_another_length_is_told_by_its_length(tmp_path: Path) -> None:
    file = tmp_path / "catalog"
    file.write_bytes(bytes(2000))
    written = FileSum.of(file)
    file.write_bytes(bytes(1000))
    assert written.difference(file) == "1,000 bytes in place of 2,000"
    file.unlink()
    assert written.difference(file) == "missing"
