"""Stars, dust and motions obey the physics they cite."""

import numpy as np
import pytest

from stellarfm.sky.dust import extinction, reddening
from stellarfm.sky.footprint import FIELDS, Directions, draw_directions
from stellarfm.sky.infrared import near_infrared
from stellarfm.sky.kiel import bolometric_correction_g, branch_teff, main_sequence_logg
from stellarfm.sky.kinematics import velocities
from stellarfm.sky.observed import observe, shine
from stellarfm.sky.population import Stars, draw_companions, draw_stars
from stellarfm.sky.selection import Sightlines


@pytest.fixture(scope="module")
def drawn() -> tuple[Directions, Stars]:
    rng = np.random.default_rng(5)
    directions = draw_directions(rng, 8000)
    return directions, draw_stars(rng, directions)


def _one(teff: float, logg: float, m_h: float = 0.0) -> Stars:
    values = {"teff": teff, "logg": logg, "m_h": m_h, "alpha": 0.0, "carbon": 0.0, "absolute_g": 1.0}
    return Stars(**{name: np.array([value]) for name, value in values.items()}, population=np.zeros(1, dtype=np.intp))


def test_the_red_clump_and_the_dwarfs_stand_out(drawn: tuple[Directions, Stars]) -> None:
    counts, edges = np.histogram(drawn[1].logg, bins=np.arange(0, 5.2, 0.1))
    giants = np.argmax(np.where(edges[:-1] < 3.5, counts, 0))
    dwarfs = np.argmax(np.where(edges[:-1] > 4.0, counts, 0))
    assert abs(edges[giants] + 0.05 - 2.45) < 0.11
    assert abs(edges[dwarfs] + 0.05 - 4.55) < 0.11


def test_metallicity_tilts_the_branch() -> None:
    logg = np.array([1.0, 2.0, 3.0])
    assert (branch_teff(logg, np.full(3, -1.0)) > branch_teff(logg, np.zeros(3)) + 150).all()


def test_metal_poor_stars_are_few_but_there(drawn: tuple[Directions, Stars]) -> None:
    share = np.mean(drawn[1].m_h < -1)
    assert 0.005 < share < 0.06
    assert drawn[1].m_h.min() < -1.8


def test_stars_lie_in_their_fields(drawn: tuple[Directions, Stars]) -> None:
    assert len(FIELDS) == 16
    lon, lat = np.radians(drawn[0].l)[:, None], np.radians(drawn[0].b)[:, None]
    centre_l, centre_b = np.radians(FIELDS[:, 0]), np.radians(FIELDS[:, 1])
    cosine = np.sin(lat) * np.sin(centre_b) + np.cos(lat) * np.cos(centre_b) * np.cos(lon - centre_l)
    assert (np.degrees(np.arccos(np.minimum(cosine, 1))) <= FIELDS[:, 2] + 1e-6).any(axis=1).all()


def test_companions_are_fainter_dwarfs_of_dwarfs(drawn: tuple[Directions, Stars]) -> None:
    companions, host = draw_companions(np.random.default_rng(6), drawn[1])
    assert 0.15 < len(host) / (drawn[1].logg > 3.9).sum() < 0.3
    assert (drawn[1].logg[host] > 3.9).all()
    assert (companions.teff <= drawn[1].teff[host] + 1e-9).all()


def test_the_sun_has_its_bolometric_correction_and_gravity() -> None:
    assert bolometric_correction_g(np.array([5772.0]))[0] == pytest.approx(0.06, abs=0.005)
    assert main_sequence_logg(np.array([5772.0]))[0] == pytest.approx(4.46, abs=0.03)


def test_bolometric_corrections_join_smoothly() -> None:
    for teff in (3300.0, 4000.0, 8000.0):
        below, above = bolometric_correction_g(np.array([teff - 0.01, teff + 0.01]))
        assert below == pytest.approx(above, abs=0.06)


def test_dust_grows_with_distance_and_thins_towards_the_poles() -> None:
    distance = np.array([50.0, 100.0, 1000.0, 5000.0])
    plane = reddening(distance, np.full(4, 90.0), np.zeros(4), np.ones(4))
    pole = reddening(distance, np.full(4, 90.0), np.full(4, 90.0), np.ones(4))
    assert plane[0] == 0  # inside the local bubble
    assert (np.diff(plane) > 0).all()
    assert pole[3] == pytest.approx(pole[2], rel=0.02) and pole[3] < 0.1


def test_the_extinction_law_is_that_of_fitzpatrick() -> None:
    from dust_extinction.parameter_averages import F99

    wavelengths = np.array([400.0, 551.0, 700.0, 1000.0, 2159.0])
    for r_v in (2.6, 3.1, 4.2):
        expected = np.asarray(F99(Rv=r_v).evaluate(1000 / wavelengths, r_v)) * r_v
        assert np.allclose(extinction(wavelengths, np.ones(1), np.array([r_v]))[0], expected)
    assert extinction(np.array([551.0]), np.ones(1), np.array([3.1]))[0, 0] == pytest.approx(3.1, rel=0.03)


def test_dust_reddens_dims_and_hides_temperature() -> None:
    clear, dusty = (Sightlines(np.array([1000.0]), np.array([ebv]), np.array([3.1])) for ebv in (0.0, 0.5))
    bare, red = shine(_one(5000, 2.9), clear), shine(_one(5000, 2.9), dusty)
    dimming = red.absolute_g[0] - bare.absolute_g[0]
    assert 2.2 * 0.5 < dimming < 2.9 * 0.5  # A_G / E(B-V), Casagrande & VandenBerg (2018)
    cool = shine(_one(4000, 1.5), clear)
    assert abs(red.coefficients[0, 0] - cool.coefficients[0, 0]) < 0.5 * abs(
        bare.coefficients[0, 0] - cool.coefficients[0, 0]
    )
    assert red.near_infrared[0, 2] - bare.near_infrared[0, 2] == pytest.approx(0.31 * 0.5, abs=0.05)


@pytest.mark.parametrize(
    ("teff", "logg", "j_k"), [(5772, 4.44, 0.36), (4800, 2.45, 0.64), (4000, 1.4, 0.94), (3430, 4.9, 0.80)]
)
def test_infrared_colours_are_the_known_ones(teff: float, logg: float, j_k: float) -> None:
    j, _, k = near_infrared(np.zeros(1), np.array([teff]), np.array([logg]), np.zeros(1))[0]
    assert j - k == pytest.approx(j_k, abs=0.04)


def test_motions_on_the_sky_follow_from_distance_and_velocity(drawn: tuple[Directions, Stars]) -> None:
    seen = observe(np.random.default_rng(8), drawn[1], drawn[0])
    total = np.hypot(seen.pm_east, seen.pm_north) * seen.distance_pc / 1000 * 4.740470463
    assert 20 < np.median(total) < 160  # km/s across the line of sight
    near = seen.distance_pc < np.percentile(seen.distance_pc, 20)
    assert np.median(np.hypot(seen.pm_east, seen.pm_north)[near]) > 2 * np.median(
        np.hypot(seen.pm_east, seen.pm_north)[~near]
    )


def test_the_apex_and_rotation_show_in_radial_velocities() -> None:
    """Looking along the Sun's motion stars approach; the halo, which does not rotate, comes at 230 km/s."""
    n = 4000
    ahead = Directions(np.full(n, 90.0), np.zeros(n))
    rng = np.random.default_rng(9)
    disc = velocities(rng, ahead, np.full(n, 100.0), np.zeros(n, dtype=np.intp))
    halo = velocities(rng, ahead, np.full(n, 100.0), np.full(n, 2))
    assert np.median(disc[:, 2]) == pytest.approx(-24, abs=4)
    assert np.median(halo[:, 2]) == pytest.approx(-227, abs=10)
