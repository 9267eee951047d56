"""The landing vouches for every part."""

from pathlib import Path

import pyarrow as pa
import pytest

from stellarfm.errors import StellarError
from stellarfm.landing.parts import Landing


def _part(first: int) -> pa.Table:
    return pa.table({"source_id": [first, first + 1], "parallax": [1.0, None]})


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    landing = Landing(tmp_path, "somewhere")
    landing.write("gaia_source", "part-0000", _part(1), query="select 1", release="DR3")
    landing.write("gaia_source", "part-0001", _part(3), query="select 2", release="DR3")
    return landing


def test_parts_are_kept_with_their_manifest(landing: Landing) -> None:
    assert landing.has("gaia_source", "part-0000")
    assert not landing.has("gaia_source", "part-0002")
    assert landing.rows() == {"gaia_source": 4}
    assert [path.name for path in landing.files("gaia_source")] == ["part-0000.parquet", "part-0001.parquet"]
    assert landing.manifests()[1].query == "select 2"


def test_a_part_that_is_there_is_never_written_again(landing: Landing) -> None:
    before = landing.snapshot_hash()
    landing.write("gaia_source", "part-0000", _part(99), query="other", release="DR3")
    assert landing.snapshot_hash() == before


def test_the_snapshot_depends_on_content_alone(landing: Landing, tmp_path: Path) -> None:
    again = Landing(tmp_path / "again", "elsewhere")
    again.write("gaia_source", "part-0001", _part(3), query="select 2", release="DR3")
    again.write("gaia_source", "part-0000", _part(1), query="select 1", release="DR3")
    assert again.snapshot_hash() == landing.snapshot_hash()


def test_a_part_without_manifest_does_not_count_because_it_may_be_cut_short(landing: Landing) -> None:
    landing.files("gaia_source")[0].with_suffix(".json").unlink()
    assert not landing.has("gaia_source", "part-0000")
    assert landing.rows() == {"gaia_source": 2}


def test_a_part_whose_content_changed_is_named_with_the_way_out(landing: Landing) -> None:
    damaged = landing.files("gaia_source")[1]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(StellarError, match=r"part-0001\.parquet is damaged \(its sha256 .*\); run `stellarfm ingest`"):
        landing.verify()


def test_a_part_that_vanished_is_named(landing: Landing) -> None:
    landing.files("gaia_source")[0].unlink()
    with pytest.raises(StellarError, match=r"part-0000\.parquet is damaged \(missing\)"):
        landing.verify()


def test_mending_withdraws_what_is_damaged_and_says_so_and_leaves_the_rest(landing: Landing) -> None:
    first, second = landing.files("gaia_source")
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    told: list[str] = []
    landing.mend(told.append)
    assert len(told) == 1 and f"{first} is damaged" in told[0]
    assert landing.files("gaia_source") == [second]
    landing.verify()


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.99])
def test_a_manifest_that_is_cut_short_is_withdrawn(landing: Landing, share: float) -> None:
    manifest = landing.files("gaia_source")[0].with_suffix(".json")
    manifest.write_bytes(manifest.read_bytes()[: int(share * manifest.stat().st_size)])
    with pytest.raises(StellarError, match=r"part-0000\.json is damaged"):
        landing.rows()
    landing.mend(lambda _: None)
    assert landing.rows() == {"gaia_source": 2}
