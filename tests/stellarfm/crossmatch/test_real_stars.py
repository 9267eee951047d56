"""Real stars of open clusters: the pairs of VizieR are found again."""

from pathlib import Path

from tests.benchmarks.clusters import EXPLANATIONS, compare_clusters


def test_the_pairs_of_vizier_are_recovered_and_the_rest_is_explained(shared: Path) -> None:
    rows = compare_clusters(shared / "real" / "gaia_2mass_open_clusters.parquet")
    close = {row["kind"]: row["share_percent"] for row in rows if row["angdist_below_arcsec"] == 1}
    every = {row["kind"]: row["pairs"] for row in rows if row["angdist_below_arcsec"] == 3}
    assert close["recovered"] + close.get("recovered, shared", 0) >= 99.5
    assert sum(every.values()) == 22_001
    assert set(every) <= set(EXPLANATIONS) - {"lost"}


def test_proper_motions_bring_the_pairs_closer(shared: Path) -> None:
    rows = compare_clusters(shared / "real" / "gaia_2mass_open_clusters.parquet")
    close = next(row for row in rows if row["kind"] == "recovered")
    assert close["median_separation_arcsec"] < 0.085 < 0.1 < close["median_angdist_arcsec"]
