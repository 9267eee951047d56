"""Reddenings from a map, rule by rule of Leung & Bovy (2024): given a star and a map, expected its token."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stellarfm.dust.draws import SCHEMA, reddening_tokens, tokens_of_ebv
from stellarfm.errors import StellarError

Map = Callable[[Any, Any, Any], Any]
STAR = {
    "source_id": 7, "l": 120.0, "b": -5.0, "parallax": 0.96, "zero_point_mas": -0.04, "parallax_error": 0.02, "ruwe": 1.0,
}  # fmt: skip
"""A star at 1 kpc."""


def token(map_: Map, **changed: Any) -> tuple[float | None, float | None]:
    """Return token and error of one star."""
    table = reddening_tokens(pa.Table.from_pylist([STAR | changed]), map_, seed=3)
    return table["logebv"].to_pylist()[0], table["logebv_error"].to_pylist()[0]


def everywhere(ebv: float) -> Map:
    return lambda _l, _b, distance: np.full(distance.shape, ebv)


def per_kpc(l_deg: Any, b_deg: Any, distance_kpc: Any) -> Any:
    return 0.3 * distance_kpc


def test_the_token_is_the_median_of_the_logarithm_over_the_draws_and_its_error_their_spread() -> None:
    found = token(per_kpc)
    assert found[0] == pytest.approx(np.log(0.3), abs=0.003)  # the corrected parallax is 1 mas
    assert found[1] == pytest.approx(0.02, rel=0.1)  # sigma of ln d is sigma of the parallax over the parallax


def test_the_error_grows_with_that_of_the_parallax() -> None:
    assert token(per_kpc, parallax_error=0.1)[1] == pytest.approx(0.1, rel=0.1)


def test_the_map_is_asked_at_the_place_of_the_star() -> None:
    assert token(lambda l_deg, b_deg, d: (l_deg + b_deg) / 1000 + 0 * d)[0] == pytest.approx(np.log(0.115))


@pytest.mark.parametrize("ebv", [0.0, -0.2, np.exp(-7), 1e-5])
def test_no_reddening_is_minus_seven_and_less_than_none_is_none(ebv: float) -> None:
    assert token(everywhere(ebv)) == (-7.0, 0.0)


def test_draws_without_reddening_count_as_minus_seven() -> None:
    """Beyond 1 kpc, half of the draws, there is dust."""
    found = token(lambda _l, _b, d: np.where(d > 1, np.exp(-1), 0.0), parallax=0.95)
    assert found[0] == -1
    assert token(lambda _l, _b, d: np.where(d > 1.1, np.exp(-1), 0.0))[0] == -7


def test_more_than_ten_magnitudes_are_unknown() -> None:
    assert token(everywhere(10.1)) == (None, None)
    assert token(everywhere(10.0))[0] == pytest.approx(np.log(10))
    assert token(lambda _l, _b, d: np.where(d > 1, 11.0, 0.5)) == pytest.approx((np.log(0.5), 0.0))


def test_outside_of_the_map_there_is_no_token_and_draws_outside_are_left_out() -> None:
    assert token(everywhere(np.nan)) == (None, None)
    assert token(lambda _l, _b, d: np.where(d > 1, np.nan, 0.5)) == pytest.approx((np.log(0.5), 0.0))


@pytest.mark.parametrize(
    "poor",
    [
        {"parallax_error": 0.11},
        {"ruwe": 1.41},
        {"parallax": None},
        {"ruwe": None},
        {"parallax_error": None},
        {"l": None},
    ],
    ids=str,
)
def test_a_star_without_a_good_parallax_or_a_place_has_no_token(poor: dict[str, Any]) -> None:
    assert token(everywhere(0.5), **poor) == (None, None)


def test_a_parallax_error_of_0_1_mas_and_ruwe_of_1_4_are_still_good() -> None:
    assert token(everywhere(0.5), parallax_error=0.1, ruwe=1.4)[0] == pytest.approx(np.log(0.5))


def test_a_well_measured_star_whose_parallax_is_not_positive_lies_at_99_kpc() -> None:
    asked: list[Any] = []

    def far(_l: Any, _b: Any, distance: Any) -> Any:
        asked.append(distance)
        return np.full(distance.shape, 0.5)

    assert token(far, parallax=-0.01, parallax_error=0.05)[0] == pytest.approx(np.log(0.5))
    assert (asked[0] == 99).all()
    assert asked[0].shape == (1, 1000)


def test_negative_draws_of_other_stars_have_no_distance() -> None:
    asked: list[Any] = []

    def near(_l: Any, _b: Any, distance: Any) -> Any:
        asked.append(distance)
        return np.full(distance.shape, 0.5)

    assert token(near, parallax=0.01, parallax_error=0.05)[0] == pytest.approx(np.log(0.5))
    assert 0.1 < np.isnan(asked[0]).mean() < 0.3  # a normal of mean 0.05 and width 0.05 is negative in 16 %
    assert np.nanmin(asked[0]) > 0


def stars(num_stars: int) -> pa.Table:
    rng = np.random.default_rng(1)
    ids = rng.permutation(num_stars) + 4_000_000_000_000_000_000
    return pa.table({**{name: [value] * num_stars for name, value in STAR.items()}, "source_id": ids})


def test_the_draws_of_a_star_depend_on_nothing_but_seed_and_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    given = stars(50)
    whole = reddening_tokens(given, per_kpc, seed=3)
    monkeypatch.setattr("stellarfm.dust.draws._DRAWS_AT_ONCE", 3000)
    assert reddening_tokens(given, per_kpc, seed=3) == whole
    backwards = given.take(list(reversed(range(50))))
    assert reddening_tokens(backwards, per_kpc, seed=3).take(list(reversed(range(50)))) == whole
    other = reddening_tokens(given, per_kpc, seed=4)
    assert np.count_nonzero(other["logebv"].to_numpy() == whole["logebv"].to_numpy()) < 3


def test_stars_have_draws_of_their_own_whose_medians_scatter_as_medians_do() -> None:
    medians = reddening_tokens(stars(2000), per_kpc, seed=3)["logebv"].to_numpy()
    assert medians.std() == pytest.approx(0.02 * 1.2533 / np.sqrt(1000), rel=0.1)
    assert medians.mean() == pytest.approx(np.log(0.3), abs=2e-4)


def test_the_table_is_that_of_the_landing_and_names_its_map() -> None:
    table = reddening_tokens(stars(3), per_kpc, seed=3, map_name="mine")
    assert table.schema == SCHEMA
    assert table["map"].to_pylist() == ["mine"] * 3


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StellarError, match="lack the column ruwe"):
        reddening_tokens(pa.Table.from_pylist([STAR]).drop_columns(["ruwe"]), per_kpc, seed=1)


def test_a_known_reddening_becomes_a_token_by_the_same_rules() -> None:
    ids, ebv = np.arange(5), np.array([0.5, 0.0, -0.1, 11.0, np.nan])
    table = tokens_of_ebv(ids, ebv, np.full(5, 0.1), "a table")
    half = np.float32(np.log(0.5))
    assert table["logebv"].to_pylist() == [half, -7, -7, None, None]
    assert table["logebv_error"].to_pylist() == [np.float32(0.2), 0, 0, None, None]
    assert tokens_of_ebv(ids, ebv, None, "a table")["logebv_error"].null_count == 5
