"""The simulated archive writes the same parts whoever makes them, and makes none twice."""

from pathlib import Path

import pytest

from stellarfm.archives import simulated
from stellarfm.landing.parts import Landing
from stellarfm.sky import simulate as sky


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "PART_STARS", 1000)


def _hashes(landing: Landing) -> dict[tuple[str, str], str]:
    return {(manifest.table, manifest.part): manifest.sha256 for manifest in landing.manifests()}


def test_a_sky_is_written_in_parts_with_all_tables(tmp_path: Path) -> None:
    landing, told = Landing(tmp_path, "simulated"), []
    simulated.fetch(landing, 2500, 3, lambda done, total, _: told.append((done, total)))
    assert set(landing.tables()) == set(sky.TABLES)
    assert len(landing.files("gaia_source")) == 3
    assert landing.rows()["truth"] == 2500
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_parts_that_are_there_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = Landing(tmp_path, "simulated")
    simulated.fetch(landing, 2000, 3)
    before = _hashes(landing)
    (landing.folder / "truth" / "part-00001.json").unlink()
    made = []
    original = sky.simulate_range
    monkeypatch.setattr(
        sky, "simulate_range", lambda seed, first, size: made.append(first) or original(seed, first, size)
    )
    simulated.fetch(landing, 2000, 3)
    assert made == [1000]
    assert _hashes(landing) == before


def test_the_size_of_parts_changes_no_star(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    small, large = Landing(tmp_path, "small"), Landing(tmp_path, "large")
    simulated.fetch(small, 3000, 5)
    monkeypatch.setattr(simulated, "PART_STARS", 3000)
    simulated.fetch(large, 3000, 5)
    for table in sky.TABLES:
        first, second = (pq.read_table(landing.files(table)).to_pandas().astype(str) for landing in (small, large))
        assert first.equals(second)


@pytest.mark.slow
def test_the_number_of_processes_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "PART_STARS", 20_000)
    monkeypatch.setattr(simulated, "_FEW_PARTS", 2)
    alone, together = Landing(tmp_path, "alone"), Landing(tmp_path, "together")
    simulated.fetch(alone, 45_000, 5, processes=1)
    simulated.fetch(together, 45_000, 5, processes=2)
    assert _hashes(alone) == _hashes(together)


def test_a_negative_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    landing = Landing(tmp_path, "simulated")
    with pytest.raises(ValueError, match="num_stars must be an integer from 1 to"):
        simulated.fetch(landing, -1, 3)
    assert not landing.tables()
