"""The vocabulary of a run: the one that the settings name, with as many coefficients as the release of Gaia has."""

import re
from dataclasses import replace

from stellarfm.config import Settings
from stellarfm.resources import resource_folder
from stellarfm.surveys.profile import Survey
from stellarfm.surveys.selection import choose_surveys
from stellarfm.vocabulary import Vocabulary, load_vocabulary

_BANDS = {"bp_gnorm": "bp", "rp_gnorm": "rp"}
"""Columns of the training set that are arrays of coefficients, and their band."""


def vocabulary_of(settings: Settings) -> Vocabulary:
    """Return the vocabulary of a run; coefficients that the release of Gaia does not have are left out of it.

    Raises
    ------
    StellarError
        If there is no such vocabulary or release.
    """
    vocabulary = load_vocabulary(settings.training.vocabulary)
    return fitted(vocabulary, choose_surveys(settings.gaia.release).gaia)


def fitted(vocabulary: Vocabulary, survey: Survey) -> Vocabulary:
    """Return a vocabulary without the coefficients that a release does not have; the same one where it has all."""
    assert survey.xp is not None, "every profile of Gaia has spectra"
    counts = {column: survey.xp.num_of(band) for column, band in _BANDS.items()}
    kept = tuple(t for t in vocabulary.tokens if t.element is None or t.element < counts.get(t.value, t.element + 1))
    if len(kept) == len(vocabulary.tokens):
        return vocabulary
    names = {token.name for token in kept}
    tasks = tuple(
        replace(
            task,
            inputs=tuple(name for name in task.inputs if name in names),
            requests=tuple(name for name in task.requests if name in names),
        )
        for task in vocabulary.tasks
    )
    # another name, for a model of it is no rival of one that has all tokens: each has a champion of its own
    name = f"{vocabulary.name}-{survey.release.lower().replace(' ', '-')}"
    return replace(vocabulary, name=name, tokens=kept, tasks=tasks)


def vocabulary_text(survey: Survey, base: str = "leung_bovy") -> str:
    """Return a vocabulary in TOML with as many coefficients as a release has: what ``vocabularies/gaia_*.toml`` is made by.

    Parameters
    ----------
    survey
        Profile of the release of Gaia.
    base
        Vocabulary that it is made from.
    """
    assert survey.xp is not None, "every profile of Gaia has spectra"
    text = (resource_folder("vocabularies") / f"{base}.toml").read_text(encoding="utf-8")
    for column, band in _BANDS.items():
        text = re.sub(rf'(count = )\d+(\nvalue = "{column}")', rf"\g<1>{survey.xp.num_of(band)}\g<2>", text)
    counts = f"{survey.xp.num_bp} of BP and {survey.xp.num_rp} of RP"
    head = (
        f"# The tokens of {base}, with the coefficients that {survey.release} has: {counts}.\n"
        "# Made from the profile of the release (stellarfm/stages/vocabularies.py), not by hand.\n"
    )
    return head + "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# The 118 tokens"))
