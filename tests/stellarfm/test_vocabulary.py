"""Vocabularies are data."""

from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.vocabulary import Vocabulary, default_request, expand_names, load_vocabulary, request_names


def test_the_published_vocabulary_has_its_118_tokens_in_order() -> None:
    vocabulary = load_vocabulary("leung_bovy")
    assert len(vocabulary) == 118
    assert vocabulary.names[:2] == ("bp0", "bp1")
    assert vocabulary.names[55] == "rp0"
    assert vocabulary.names[110:] == ("bprp", "jh", "jk", "teff", "logg", "m_h", "logebv", "g_fakemag")


def test_two_tokens_of_it_are_inputs_only() -> None:
    vocabulary = load_vocabulary("leung_bovy")
    assert [token.name for token in vocabulary.tokens if not token.requestable] == ["bprp", "jk"]


def test_a_vocabulary_survives_the_way_through_json() -> None:
    vocabulary = load_vocabulary("leung_bovy")
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


def test_a_series_becomes_one_token_an_element(tmp_path: Path) -> None:
    file = tmp_path / "pixels.toml"
    file.write_text('[[token]]\nname = "flux"\ncount = 3\nvalue = "flux"\nkind = "spectrum"\n')
    vocabulary = load_vocabulary(file)
    assert vocabulary.names == ("flux0", "flux1", "flux2")
    assert [token.element for token in vocabulary.tokens] == [0, 1, 2]


def test_a_range_of_names_has_both_ends() -> None:
    assert expand_names("bp3:5") == ["bp3", "bp4", "bp5"]
    assert expand_names("teff") == ["teff"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[token]]\nname = "a"\n', "no name or no value"),
        ('[[token]]\nname = "a"\nvalue = "a"\nunits = "K"\n', "unknown key 'units'"),
        ('[[token]]\nname = "a"\nvalue = "a"\nkind = "guess"\n', "has kind 'guess'"),
        ('[[token]]\nname = "a"\nvalue = "a"\n[[token]]\nname = "a"\nvalue = "b"\n', "each name only once"),
        ("", "at least one"),
        ("[[token", "not valid TOML"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(StellarError, match=sentence):
        load_vocabulary(file)


@pytest.mark.parametrize(
    ("kinds", "inputs", "requests"),
    [
        (("colour", "label", "spectrum"), ("t0", "t2"), ("t1",)),
        (("colour", "spectrum", "spectrum"), ("t0",), ("t1", "t2")),
        (("colour", "colour", "colour"), ("t1",), ("t0", "t2")),
        (("label", "label"), ("t0",), ("t1",)),
    ],
)
def test_a_vocabulary_of_any_kinds_has_something_to_ask(
    tmp_path: Path, kinds: tuple[str, ...], inputs: tuple[str, ...], requests: tuple[str, ...]
) -> None:
    file = tmp_path / "own.toml"
    entries = [f'[[token]]\nname = "t{i}"\nvalue = "c{i}"\nkind = "{kind}"\n' for i, kind in enumerate(kinds)]
    file.write_text("\n".join(entries))
    vocabulary = load_vocabulary(file)
    assert (vocabulary.tasks[0].inputs, vocabulary.tasks[0].requests) == (inputs, requests)
    assert set(requests) <= set(default_request(vocabulary))


def test_a_request_is_text_or_names_with_ranges() -> None:
    assert request_names("teff, bp0:1") == request_names(["teff", "bp0:1"]) == ("teff", "bp0", "bp1")
    assert request_names([]) == ()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(StellarError, match=r"use one of .*leung_bovy"):
        load_vocabulary("no_such")
    with pytest.raises(StellarError, match="has no token 'age'"):
        load_vocabulary("leung_bovy").index("age")
