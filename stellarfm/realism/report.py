"""The comparison as a whole: all checks, all figures, and one self-contained page."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stellarfm.atomic import fresh_file
from stellarfm.pages import render_page
from stellarfm.progress import ProgressCallback, no_progress
from stellarfm.realism import figures
from stellarfm.realism.checks import (
    Check,
    TokenCheck,
    check_kiel,
    check_magnitudes,
    check_parallaxes,
    check_relevancy,
    check_tokens,
)
from stellarfm.realism.reference import reference
from stellarfm.realism.sample import Sample, draw_sample
from stellarfm.realism.spectra import (
    check_components,
    check_round_trip,
    check_types,
    compare_components,
    compare_types,
    read_field,
)


@dataclass(frozen=True)
class Comparison:
    """Simulated against real.

    Attributes
    ----------
    num_stars, num_training_stars, seed
        Number of simulated stars, of those among them that the training set keeps, and the seed of the sky.
    tokens
        Every token.
    checks
        Every other figure.
    figures
        PNG files by name.
    with_real_stars
        Whether real spectra were at hand.
    """

    num_stars: int
    num_training_stars: int
    seed: int
    tokens: list[TokenCheck]
    checks: list[Check]
    figures: Mapping[str, bytes]
    with_real_stars: bool

    @property
    def shortfalls(self) -> list[str]:
        """Names of what is outside its limits: other checks by group and name, tokens by name."""
        others = [f"{check.group} {check.name}" for check in self.checks if not check.passed]
        return [check.token for check in self.tokens if not check.passed] + others

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form, without the figures."""
        return {
            "num_stars": self.num_stars,
            "num_training_stars": self.num_training_stars,
            "seed": self.seed,
            "with_real_stars": self.with_real_stars,
            "shortfalls": self.shortfalls,
            "tokens": [asdict(check) for check in self.tokens],
            "checks": [check.to_dict() for check in self.checks],
        }


def compare(
    num_stars: int, seed: int, real: Path | None = None, progress: ProgressCallback = no_progress
) -> Comparison:
    """Simulate stars, take them through the warehouse and compare them with what is known of the real ones.

    Parameters
    ----------
    num_stars, seed
        Size and seed of the sky.
    real
        Folder with real spectra; without it they are left out.
    progress
        Called with stars done and stars in all.

    Returns
    -------
    Comparison
        Whether anything falls short is for the caller to act on.

    Raises
    ------
    StellarError
        If the folder lacks the real spectra.
    ValueError
        If the number of stars or the seed is out of its limits.
    """
    # real files first: a wrong folder shows at once, not after minutes of simulation
    types = None if real is None else compare_types(real)
    field = None if real is None else read_field(real)
    sample = draw_sample(num_stars, seed, progress)
    tokens = check_tokens(sample, reference())
    checks, drawn = _compare_sample(sample)
    drawn["tokens"] = figures.draw_tokens(tokens)
    checks += check_round_trip()
    if types is not None and field is not None:
        components = compare_components(sample.coefficients, field)
        checks += check_types(types) + check_components(components)
        drawn |= {"types": figures.draw_types(types), "components": figures.draw_components(components)}
    ordered = {name: drawn[name] for name in figures.CAPTIONS if name in drawn}
    return Comparison(num_stars, len(sample.g_mag), seed, tokens, checks, ordered, real is not None)


def _compare_sample(sample: Sample) -> tuple[list[Check], dict[str, bytes]]:
    known = reference()
    checks = check_relevancy(sample, known) + check_magnitudes(sample, known) + check_parallaxes(sample, known)
    drawn = {
        "relevancy": figures.draw_relevancy(sample, known),
        "distributions": figures.draw_distributions(sample, known),
        "kiel": figures.draw_kiel(sample),
    }
    return checks + check_kiel(sample), drawn


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the comparison as one page with its figures inside; the page appears when it is complete.

    Parameters
    ----------
    comparison
        What `compare` returned.
    path
        HTML file to write.
    """
    images = {name: base64.b64encode(data).decode() for name, data in comparison.figures.items()}
    page = render_page("sky.html", comparison=comparison, images=images, captions=figures.CAPTIONS)
    with fresh_file(path) as partial:
        partial.write_text(page, encoding="utf-8")
