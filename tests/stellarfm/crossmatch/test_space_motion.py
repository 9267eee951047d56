"""Carried positions are those of astropy."""

import warnings

import astropy.units as u
import duckdb
import numpy as np
import pyarrow as pa
from astropy.coordinates import SkyCoord
from astropy.time import Time
from numpy.typing import NDArray

from stellarfm.crossmatch import Side, find_pairs

Floats = NDArray[np.float64]


def test_positions_are_carried_as_astropy_applies_space_motion() -> None:
    """Gaia stars, some fast and some at the poles, are found within a millionth of an arcsec of where astropy puts them."""
    rng = np.random.default_rng(4)
    n = 400
    dec = np.concatenate([[90.0, -90.0, 89.99999, -89.99999], np.degrees(np.arcsin(rng.uniform(-1, 1, n - 4)))])
    ra = np.concatenate([[12.0, 0.0, 0.0, 300.0, 0.0, 360.0 - 1e-9], rng.uniform(0, 360, n - 6)])
    speed = np.where(rng.random(n) < 0.3, 5000.0, 20.0)
    pmra, pmdec = speed * rng.standard_normal((2, n))
    epoch = rng.uniform(1950, 2060, n)
    carried = _apply_space_motion(ra, dec, pmra, pmdec, epoch)
    con = duckdb.connect()
    con.register("gaia", pa.table({"ra": ra, "dec": dec, "pmra": pmra, "pmdec": pmdec}))
    con.register("later", pa.table({"ra": carried.ra.deg, "dec": carried.dec.deg, "year": epoch}))
    gaia, later = Side("gaia", epoch="2016.0", moves=True), Side("later", epoch="year")
    find_pairs(con, gaia, later, radius_arcsec=1.0)
    found = con.execute("select left_row, separation_arcsec from pairs where left_row = right_row").fetchall()
    assert len(found) == n
    assert max(separation for _, separation in found) < 1e-6


def _apply_space_motion(ra: Floats, dec: Floats, pmra: Floats, pmdec: Floats, epoch: Floats) -> SkyCoord:
    """Carry stars without radial velocity from 2016.0 to their epochs; without distance there is no perspective."""
    stars = SkyCoord(
        ra * u.deg,
        dec * u.deg,
        pm_ra_cosdec=pmra * u.mas / u.yr,
        pm_dec=pmdec * u.mas / u.yr,
        obstime=Time(2016.0, format="jyear", scale="tdb"),  # TCB runs faster by 1.5e-8
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the distance that is not known
        return stars.apply_space_motion(new_obstime=Time(epoch, format="jyear", scale="tdb"))
