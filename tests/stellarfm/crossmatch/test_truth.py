"""The simulated sky, whose truth is known."""

from tests.benchmarks.purity import compare_with_truth


def test_single_stars_of_a_simulated_sky_get_their_own_detection() -> None:
    single, blends = compare_with_truth(seed=3, num_stars=20_000)
    assert single["stars_are"] == "not blends"
    assert single["purity_percent"] >= 99.9
    assert single["completeness_percent"] >= 99.9
    assert blends["purity_percent"] >= 99
    assert 45 <= blends["completeness_percent"] <= 55  # one detection for two stars
