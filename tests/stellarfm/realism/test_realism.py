"""The comparison of the simulated sky with the real one says what is true, and shows it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stellarfm.commands.sky import sky_app
from stellarfm.errors import StellarError
from stellarfm.realism.checks import (
    check_kiel,
    check_magnitudes,
    check_relevancy,
    check_tokens,
    is_tight,
    relevancy,
)
from stellarfm.realism.reference import Density, reference
from stellarfm.realism.report import compare
from stellarfm.realism.sample import Sample, draw_sample
from stellarfm.realism.spectra import (
    MIN_EXPLAINED,
    NUM_COMPONENTS,
    compare_components,
    compare_types,
    read_field,
    relative_rms,
)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return draw_sample(6000, 7)


def _short(sample: Sample) -> list[str]:
    return [check.token for check in check_tokens(sample, reference()) if not check.passed]


def test_every_token_is_like_the_real_one(sample: Sample) -> None:
    """At this size chance moves medians by a few per cent of the spread: one token at the edge may fall out."""
    assert len(_short(sample)) <= 2, _short(sample)


def test_relevancy_magnitudes_and_kiel_diagram_are_like_the_real_ones(sample: Sample) -> None:
    checks = [*check_relevancy(sample, reference()), *check_magnitudes(sample, reference()), *check_kiel(sample)]
    assert [check.name for check in checks if not check.passed] == []


def test_real_field_stars_lie_on_the_simulated_components(sample: Sample, shared: Path) -> None:
    components = compare_components(sample.coefficients, read_field(shared / "real"))
    assert components.explained[NUM_COMPONENTS - 1] > MIN_EXPLAINED


def test_the_figures_in_the_package_are_those_of_the_reference(shared: Path) -> None:
    for name in ("token_statistics", "xp_relevancy_fraction", "gmag_density", "parallax_density"):
        inside = Path(__file__).parents[3] / "stellarfm" / "sky" / "reference" / f"{name}.csv"
        assert inside.read_text() == (shared / "reference" / f"{name}.csv").read_text()


def test_the_real_magnitudes_have_their_published_quantiles() -> None:
    found = reference().g_mag.quantiles(np.array([0.05, 0.25, 0.5, 0.75, 0.95]))
    assert np.allclose(found, [10.17, 11.90, 13.03, 14.36, 15.99], atol=0.03)


def test_quantiles_of_a_flat_density_are_the_values_themselves() -> None:
    flat = Density(np.arange(0.05, 1, 0.1), np.ones(10))
    assert np.allclose(flat.quantiles(np.array([0, 0.25, 1])), [0, 0.25, 1])


def test_a_token_that_is_shifted_or_too_wide_falls_short(sample: Sample) -> None:
    place, mad = sample.names.index("teff"), reference().mad[113]
    median = np.nanmedian(sample.values[:, place])
    for change in (lambda x: x + 0.8 * mad, lambda x: median + 2 * (x - median)):
        values = sample.values.copy()
        values[:, place] = change(values[:, place])
        assert "teff" in _short(replace(sample, values=values))


def test_a_token_that_nobody_has_falls_short(sample: Sample) -> None:
    values = sample.values.copy()
    values[:, sample.names.index("jh")] = np.nan
    assert "jh" in _short(replace(sample, values=values))


@pytest.mark.parametrize(
    ("name", "tight"),
    [("bp14", True), ("bp15", False), ("rp9", True), ("rp10", False), ("bprp", True), ("logg", True)],
)
def test_high_orders_are_judged_by_their_width_alone(name: str, tight: bool) -> None:
    assert is_tight(name) is tight


def test_masked_coefficients_are_those_beyond_the_relevant_bases(sample: Sample) -> None:
    share = relevancy(sample, "bp")
    assert (np.diff(share) <= 1e-12).all()
    assert share[54] == share[51]  # the highest orders share the fate of order 51


def test_identical_spectra_differ_by_nothing_and_scaled_ones_neither() -> None:
    flux = np.linspace(1, 2, 343)[None]
    assert relative_rms(flux, 3 * flux) == pytest.approx(0)
    assert relative_rms(flux, flux * np.linspace(0.9, 1.1, 343))[0] > 0.03


def test_without_real_spectra_the_comparison_still_stands() -> None:
    comparison = compare(2000, 1)
    assert not comparison.with_real_stars
    assert len(comparison.tokens) == 118
    assert set(comparison.figures) == {"tokens", "relevancy", "distributions", "kiel"}


def test_a_folder_without_the_real_spectra_is_named(tmp_path: Path) -> None:
    with pytest.raises(StellarError, match=r"gaia_xp_templates\.parquet cannot be read"):
        compare_types(tmp_path)


def test_the_command_writes_one_page_that_needs_nothing_else(tmp_path: Path, shared: Path) -> None:
    page = tmp_path / "sky.html"
    words = ["compare", "--num-stars", "2000", "--real", str(shared / "real"), "-o", str(page), "--json"]
    done = CliRunner().invoke(sky_app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    text = page.read_text(encoding="utf-8")
    assert told["num_stars"] == 2000 and told["with_real_stars"] is True
    assert all(f">{name}<" in text for name in ("bp0", "rp54", "logebv"))
    assert text.count("data:image/png;base64,") == 6
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    for name in told["shortfalls"]:
        assert name in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--num-stars", "0"], "num_stars must be an integer from 1 to"),
        (["--seed", "-1"], "seed must be an integer from 0 to"),
        (["--real", "/nowhere"], "gaia_xp_templates.parquet cannot be read"),
        (["-o", "/nowhere/page.html"], "the folder /nowhere of the page does not exist"),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], words: str, tmp_path: Path) -> None:
    output = [] if "-o" in options else ["-o", str(tmp_path / "page.html")]
    done = CliRunner().invoke(sky_app, ["compare", *options, *output])
    assert isinstance(done.exception, StellarError)
    assert words in str(done.exception)
    assert not (tmp_path / "page.html").exists()


def test_the_table_says_where_the_sky_falls_short(tmp_path: Path) -> None:
    done = CliRunner().invoke(sky_app, ["compare", "--num-stars", "2000", "-o", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert "falls short in" in done.stdout or "every figure is inside of its limits" in done.stdout
    assert "higher orders with the right width" in done.stdout
