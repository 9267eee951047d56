"""The vocabulary of a run has as many coefficients as the release of Gaia, and the one that ships is made from the profile."""

from stellarfm.config import Gaia, Settings
from stellarfm.resources import resource_folder
from stellarfm.stages.vocabularies import fitted, vocabulary_of, vocabulary_text
from stellarfm.surveys.reading import load_survey
from stellarfm.vocabulary import load_vocabulary


def test_the_vocabulary_that_ships_is_what_the_profile_makes() -> None:
    shipped = (resource_folder("vocabularies") / "gaia_dr4.toml").read_text(encoding="utf-8")
    assert shipped == vocabulary_text(load_survey("gaia_dr4"))


def test_a_run_on_a_release_has_the_coefficients_of_that_release() -> None:
    of_dr3, of_dr4 = vocabulary_of(Settings()), vocabulary_of(Settings(gaia=Gaia(release="Gaia DR4")))
    assert of_dr3 == load_vocabulary("leung_bovy")
    assert of_dr4.fingerprint == load_vocabulary("gaia_dr4").fingerprint
    assert [name for name in of_dr3.names if name not in of_dr4.names] == ["bp51", "bp52", "bp53", "bp54"]


def test_a_task_asks_for_nothing_that_the_release_does_not_have() -> None:
    vocabulary = fitted(load_vocabulary("leung_bovy"), load_survey("gaia_dr4"))
    assert all(name in vocabulary.names for task in vocabulary.tasks for name in (*task.inputs, *task.requests))


def test_a_vocabulary_without_spectra_is_left_alone() -> None:
    photometry = load_vocabulary("photometry")
    assert fitted(photometry, load_survey("gaia_dr4")) is photometry
