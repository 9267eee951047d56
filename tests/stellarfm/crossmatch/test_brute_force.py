"""Against all pairs by hand: random skies with poles, RA 0, repeated and missing positions, motions and epochs."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stellarfm.crossmatch import Side, find_pairs
from stellarfm.crossmatch.neighbours import keep_nearest, keep_one_to_one

Floats = NDArray[np.float64]

_PLACES = np.array([[0, 90], [77, -90], [0, 0], [359.9999, 12], [180, -45], [266.4, 89.9995], [45, 35.264389]])
"""Where a sky is crowded: both poles, RA 0, a diagonal of the grid."""
_MAS = np.pi / 648e6


def test_a_sky_of_two_thousand_points_has_exactly_the_pairs_of_brute_force() -> None:
    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(_skies())
    def check(sky: "_Sky") -> None:
        _compare(sky)

    check()


@pytest.mark.slow
def test_two_hundred_skies_have_exactly_the_pairs_of_brute_force() -> None:
    @settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(_skies())
    def check(sky: "_Sky") -> None:
        _compare(sky)

    check()


@pytest.mark.parametrize("radius_arcsec", [0.01, 20.7, 40.0, 250.5, 1999.0, 3600.0])
def test_points_are_a_pair_up_to_the_radius_and_no_farther(radius_arcsec: float) -> None:
    con = duckdb.connect()
    con.execute("create table l as select 10.0::double as ra, 0.0::double as dec")
    con.execute(
        f"create table r as select 10.0::double as ra, {radius_arcsec} / 3600 * f as dec from unnest([0.999, 1.001]) t(f)"
    )
    find_pairs(con, Side("l"), Side("r"), radius_arcsec=radius_arcsec)
    assert con.execute("select left_row, right_row from pairs").fetchall() == [(0, 0)]


class _Sky:
    """Two tables of one random sky."""

    def __init__(
        self, seed: int, sizes: tuple[int, int], radius: float, left_motion: str, right_motion: str, epochs: str
    ) -> None:
        rng = np.random.default_rng(seed)
        self.radius = radius
        self.left, self.right = (
            _table(rng, n, radius, motion) for n, motion in zip(sizes, (left_motion, right_motion), strict=True)
        )
        if len(self.left) and len(self.right):  # identical positions on both sides
            n = min(len(self.left), len(self.right)) // 4
            self.right[:n, :2] = self.left[:n, :2]
        for side, varies in ((self.left, epochs in ("left", "both")), (self.right, epochs in ("right", "both"))):
            side[:, 4] = 1990 + 30 * rng.random(len(side)) if varies else 2000 + 16 * (side is self.left)
        self.moves = (left_motion != "none", right_motion != "none")
        self.dated = epochs != "none"

    def __repr__(self) -> str:
        return (
            f"{len(self.left)} x {len(self.right)} points, {self.radius} arcsec, moves {self.moves}, dated {self.dated}"
        )


@st.composite
def _skies(draw: st.DrawFn) -> _Sky:
    size = st.sampled_from([2000, 2000, 2000, 900, 1, 0])
    motion = st.sampled_from(["none", "some", "fast", "gaps"])
    return _Sky(
        draw(st.integers(0, 2**32)),
        (draw(size), draw(size)),
        draw(st.one_of(st.sampled_from([0.05, 1.0, 3.0, 3600.0]), st.floats(0.05, 3600.0))),
        draw(motion),
        draw(motion),
        draw(st.sampled_from(["none", "constant", "left", "right", "both"])),
    )


def _table(rng: np.random.Generator, n: int, radius: float, motion: str) -> Floats:
    """Return columns ra, dec, pmra, pmdec, epoch of points crowded within some radii of the places."""
    crowd = _PLACES[rng.integers(len(_PLACES), size=n)]
    points = _vector(crowd[:, 0], crowd[:, 1]) + np.radians(20 * radius / 3600) * rng.standard_normal((n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    table = np.empty((n, 5))
    table[:, 0] = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    table[:, 0] += np.where(rng.random(n) < 0.5, 360, 0) * (table[:, 0] < 0)
    table[:, 1] = np.degrees(np.arcsin(np.clip(points[:, 2], -1, 1)))
    repeated = rng.random(n) < 0.1
    table[repeated, :2] = table[rng.integers(n, size=int(repeated.sum())), :2]
    table[rng.random(n) < 0.02, 0] = np.nan
    table[rng.random(n) < 0.02, 1] = np.nan
    speed = {"none": 0.0, "some": 50.0, "fast": 3000.0, "gaps": 500.0}[motion]
    table[:, 2:4] = np.clip(speed * rng.standard_normal((n, 2)), -9e4, 9e4)
    if motion == "gaps":
        table[rng.random(n) < 0.3, 2:4] = np.nan
    return table


def _vector(ra: Floats, dec: Floats) -> Floats:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def _carried(points: Floats, years: Floats) -> Floats:
    """Return unit vectors of points after years of their motion, shape (N, M, 3); a motion that is not known is none."""
    ra, dec = np.radians(points[:, 0]), np.radians(points[:, 1])
    east = np.stack([-np.sin(ra), np.cos(ra), 0 * ra], axis=1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1)
    motion = _MAS * np.nan_to_num(points[:, 2, None] * east + points[:, 3, None] * north)
    moved = _vector(points[:, 0], points[:, 1])[:, None, :] + motion[:, None, :] * years[..., None]
    return moved / np.linalg.norm(moved, axis=2, keepdims=True)


def _brute_force(sky: _Sky) -> Floats:
    """Return the separation of every left and right point in arcsec, NaN where a position is missing."""
    left, right = sky.left, sky.right
    years = right[None, :, 4] - left[:, None, 4]
    left_moves = sky.dated & sky.moves[0] & np.isfinite(left[:, 2])
    right_moves = sky.dated & sky.moves[1] & np.isfinite(right[:, 2])
    a = _carried(left, years * left_moves[:, None])
    b = np.swapaxes(_carried(right, (-years * (~left_moves[:, None] & right_moves[None, :])).T), 0, 1)
    return 2 * np.degrees(np.arcsin(np.clip(np.linalg.norm(a - b, axis=2) / 2, 0, 1))) * 3600


def _compare(sky: _Sky) -> None:
    con = duckdb.connect(config={"threads": "1"})
    sides = []
    for name, table, moves in (("l", sky.left, sky.moves[0]), ("r", sky.right, sky.moves[1])):
        con.register(name, pa.table(dict(zip(("ra", "dec", "pmra", "pmdec", "epoch"), table.T, strict=True))))
        sides.append(Side(name, epoch="epoch" if sky.dated else "", moves=moves))
    find_pairs(con, *sides, radius_arcsec=sky.radius)
    separation = _brute_force(sky)
    expected = {(int(i), int(j)) for i, j in np.argwhere(separation <= sky.radius)}
    found = con.sql("select left_row, right_row, separation_arcsec from pairs").fetchnumpy()
    pairs = list(zip(found["left_row"].tolist(), found["right_row"].tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == expected
    np.testing.assert_allclose(found["separation_arcsec"], [separation[pair] for pair in pairs], rtol=0, atol=1e-6)
    _compare_choices(con, found)


def _compare_choices(con: duckdb.DuckDBPyConnection, found: dict[str, Floats]) -> None:
    """Nearest and one to one, by sorting all pairs."""
    listed = sorted(
        zip(found["separation_arcsec"], found["left_row"].tolist(), found["right_row"].tolist(), strict=True)
    )
    nearest: dict[int, int] = {}
    single: dict[int, int] = {}
    for _, left, right in sorted(listed, key=lambda pair: (pair[0], pair[2])):
        nearest.setdefault(left, right)
    for _, left, right in listed:
        if left not in single and right not in single.values():
            single[left] = right
    con.execute("create temp table all_pairs as from pairs")
    keep_one_to_one(con)
    assert dict(con.execute("select left_row, right_row from pairs").fetchall()) == single
    con.execute("create or replace temp table pairs as from all_pairs")
    keep_nearest(con)
    assert dict(con.execute("select left_row, right_row from pairs").fetchall()) == nearest
