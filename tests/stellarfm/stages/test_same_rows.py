"""What is made from Gaia DR3 does not change with what is learned for another release: the rows of a small sky are pinned."""

from pathlib import Path

from stellarfm.config import Archive, Settings
from stellarfm.home import Home
from stellarfm.stages.prepare import prepare

TRAINING_SET_OF_2000_STARS = "8c4c94cb0222943a8a97e695183087279973b0553ec6569daf26dc3cfd33595d"
"""Hash of marts.training_set of the sky of 2,000 stars, seed 7; a change of the sky or of a rule changes it, nothing else may."""


def test_the_training_set_of_a_small_sky_is_what_it_was(tmp_path: Path) -> None:
    from stellarfm.stages.ingest import ingest

    settings, home = Settings(archive=Archive(num_stars=2000)), Home.open(tmp_path / "home")
    assert prepare(settings, home, ingest(settings, home)).training_set_hash == TRAINING_SET_OF_2000_STARS
