"""Maps of other packages: asked in their own way, on one scale, and missed in one sentence."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stellarfm.dust.maps import DUSTMAPS, MAP_NAMES, MWDUST, from_dustmaps, from_mwdust, open_map
from stellarfm.errors import StellarError

SIGHTS = np.array([[10.0], [200.0]]), np.array([[1.0], [-30.0]])
DISTANCES = np.array([[0.5, 2.0, np.nan], [4.0, 0.05, 80.0]])


@pytest.mark.parametrize("name", MAP_NAMES)
def test_a_map_whose_package_is_not_installed_says_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name.partition(":")[0], None)
    with pytest.raises(StellarError, match=r"pip install 'stellarfm\[maps\]'"):
        open_map(name)


def test_an_unknown_map_is_answered_with_the_known_ones() -> None:
    with pytest.raises(StellarError, match=r"dustmaps:bayestar, .*mwdust:Combined19"):
        open_map("bayestar")


def _installed(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    for end in range(1, name.count(".") + 2):
        part = ".".join(name.split(".")[:end])
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    for key, value in content.items():
        setattr(sys.modules[name], key, value)


def test_a_map_without_its_data_says_how_to_fetch_them(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def query(**_: Any) -> None:
        print("a page of advice")
        raise FileNotFoundError("no bayestar2019.h5")

    _installed(monkeypatch, "dustmaps.bayestar", BayestarQuery=query)
    with pytest.raises(StellarError, match=r"no bayestar2019.h5.*dustmaps.bayestar.fetch\(\)"):
        open_map("dustmaps:bayestar")
    assert capsys.readouterr().out == ""


def test_mwdust_is_not_opened_without_its_data_for_it_would_download_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    _installed(monkeypatch, "mwdust", Combined19=lambda: opened.append("opened"))
    monkeypatch.setenv("DUST_DIR", str(tmp_path))
    with pytest.raises(StellarError, match=r"there is no .*combine19.h5.*Combined19.download\(\)"):
        open_map("mwdust:Combined19")
    assert opened == []


def test_a_map_of_dustmaps_is_asked_for_known_distances_and_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def query(place: Any, mode: str) -> Any:
        asked.append((place, mode))
        return place.l.deg / 100 + place.distance.kpc

    _installed(monkeypatch, "dustmaps.bayestar", BayestarQuery=lambda max_samples, version: query)
    found = open_map("dustmaps:bayestar")(*SIGHTS, DISTANCES)
    expected = DUSTMAPS["bayestar"].scale * (SIGHTS[0] / 100 + DISTANCES)
    np.testing.assert_allclose(found, expected)
    assert asked[0][1] == "best"  # what dustmaps does by itself is to draw a sample at random
    assert len(asked[0][0]) == 5
    assert asked[0][0].frame.name == "galactic"


def test_marshall_gives_extinctions_in_ks() -> None:
    reddening = from_dustmaps(lambda place: 0.310 + 0 * place.l.deg, DUSTMAPS["marshall"].scale)
    np.testing.assert_allclose(reddening(*SIGHTS, np.ones((2, 3))), 1.0)


class Lines:
    """A map of lines in the distance modulus between the nodes of Combined19, as mwdust would give it."""

    def __init__(self) -> None:
        self.nodes = MWDUST["Combined19"].nodes
        self.values = np.random.default_rng(4).random((2, len(self.nodes))).cumsum(axis=1)
        self.asked: list[Any] = []

    def __call__(self, l_deg: float, b_deg: float, distance_kpc: Any) -> Any:
        from scipy.interpolate import InterpolatedUnivariateSpline

        self.asked.append((l_deg, b_deg))
        if b_deg > 50:
            raise IndexError("not in the map")
        line = InterpolatedUnivariateSpline(self.nodes, self.values[int(l_deg > 100)], k=1)
        return line(5 * np.log10(distance_kpc) + 10)


def test_a_map_of_mwdust_is_the_same_between_its_nodes_and_beyond_them() -> None:
    lines = Lines()
    found = from_mwdust(lines, lines.nodes)(*SIGHTS, DISTANCES)
    assert lines.asked == [(10.0, 1.0), (200.0, -30.0)]
    expected = np.stack([lines(10.0, 1.0, DISTANCES[0]), lines(200.0, -30.0, DISTANCES[1])])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.isnan(found[0, 2])
    assert np.isfinite(found[1]).all()


def test_a_sight_line_outside_of_a_map_of_mwdust_is_unknown() -> None:
    lines = Lines()
    found = from_mwdust(lines, lines.nodes)(SIGHTS[0], np.array([[60.0], [0.0]]), DISTANCES)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("known", [*DUSTMAPS.values(), *MWDUST.values()])
def test_every_scale_has_a_source(known: Any) -> None:
    assert known.scale > 0
    assert len(known.source) > 20
