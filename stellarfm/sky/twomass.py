"""The 2MASS point source catalogue as IRSA gives it (`fp_psc`): earlier epochs, and blends below 2 arcsec."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.sky.astrometry import shift
from stellarfm.sky.observed import Observed
from stellarfm.sky.release import EPOCH_YEAR

Floats = NDArray[np.float64]
Strings = NDArray[np.str_]

_JD_1997_JUNE, _JD_2001_FEBRUARY = 2450606.5, 2451955.5
"""Julian dates of the survey's first and last observations."""

_DAYS_PER_YEAR = 365.25
_JD_J2000 = 2451545.0
_BLEND_ARCSEC = 2.0
"""Closer than this, two stars are one source."""

_COMPLETE_KS_MAG = 14.6
"""Ks at which half of the stars are detected."""

_FAINT_MAG = np.array([15.3, 14.6, 13.9])
"""J, H and Ks at which the noise of the sky is 0.05 mag."""

_POSITION_ERROR_MAS = 75.0


@dataclass(frozen=True)
class Detections:
    """What 2MASS made of N stars.

    Attributes
    ----------
    table
        Rows of `fp_psc`, one a detection.
    designation
        Shape (N,): the detection that holds each star's light, "" if there is none.
    is_blend
        Shape (N,): whether the detection holds the light of two stars.
    ra, dec
        Shape (N,): measured position of the star's detection, degrees; NaN if there is none.
    magnitudes, errors
        Shape (N, 3): J, H, Ks of the detection and their errors, mag; NaN if there is none.
    """

    table: pa.Table
    designation: Strings
    is_blend: NDArray[np.bool_]
    ra: Floats
    dec: Floats
    magnitudes: Floats
    errors: Floats


def detect(rng: np.random.Generator, seen: Observed, partner: NDArray[np.intp]) -> Detections:
    """Detect stars: faint ones are lost, close pairs become one source.

    Parameters
    ----------
    rng
        Source of randomness.
    seen
        What arrives from N stars.
    partner
        Shape (N,): index of the star that a star lies next to, -1 if it stands alone.

    Returns
    -------
    Detections
    """
    n = len(seen.ra)
    jd, ra, dec = _observe_positions(rng, seen, partner)
    flux, host, merged = _merge(10 ** (-0.4 * seen.near_infrared), ra, dec, partner)
    noiseless = -2.5 * np.log10(flux)  # (N, 3)
    # a floor for bright stars, and the noise of the sky for faint ones
    sigma = np.hypot(0.022, 0.05 * 10 ** (0.35 * (noiseless - _FAINT_MAG)))
    magnitudes = noiseless + sigma * rng.standard_normal((n, 3))
    detected = (noiseless[:, 2] < _COMPLETE_KS_MAG + 0.4 * rng.standard_normal(n)) & (rng.random(n) < 0.99)
    detected &= host == np.arange(n)  # the fainter star of a blend has no row of its own
    designation = np.where(detected, designations(ra, dec), "")
    magnitudes[~detected], sigma[~detected] = np.nan, np.nan
    ra, dec = np.where(detected, ra, np.nan), np.where(detected, dec, np.nan)
    table = _table(rng, detected, designation, ra, dec, magnitudes, sigma, jd, merged)
    return Detections(table, designation[host], merged, ra[host], dec[host], magnitudes[host], sigma[host])


def _observe_positions(
    rng: np.random.Generator, seen: Observed, partner: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Return Julian dates, and measured positions in degrees at that time."""
    n = len(seen.ra)
    jd = _JD_1997_JUNE + (_JD_2001_FEBRUARY - _JD_1997_JUNE) * rng.random(n)
    jd = np.where(partner >= 0, jd[partner], jd)  # neighbours fall on one scan
    # carried back from Gaia's epoch: 15 to 19 years of proper motion lie between the two catalogues
    years = 2000.0 + (jd - _JD_J2000) / _DAYS_PER_YEAR - EPOCH_YEAR
    east = seen.pm_east * years + _POSITION_ERROR_MAS * rng.standard_normal(n)
    north = seen.pm_north * years + _POSITION_ERROR_MAS * rng.standard_normal(n)
    return (jd, *shift(seen.ra, seen.dec, east, north))


def _merge(
    flux: Floats, ra: Floats, dec: Floats, partner: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
    """Give the light of close pairs to the brighter one; return fluxes, whose detection each star is in, and blends."""
    host, merged = np.arange(len(ra)), np.zeros(len(ra), dtype=bool)
    for i in map(int, np.flatnonzero(partner >= 0)):
        j = int(partner[i])
        if _separation_arcsec(ra, dec, i, j) < _BLEND_ARCSEC:
            # the source is called after the star that is brighter in Ks, and holds the light of both
            bright, faint = (i, j) if flux[i, 2] > flux[j, 2] else (j, i)
            flux[bright] += flux[faint]
            merged[i] = merged[j] = True
            host[faint] = bright
    return flux, host, merged


def designations(ra: Floats, dec: Floats) -> Strings:
    """Return 2MASS designations (hhmmssss+ddmmsss), shape (N,).

    Parameters
    ----------
    ra, dec
        Shape (N,), degrees.
    """
    # in whole hundredths of a second of time and tenths of an arcsec, cut off rather than rounded, as in names of sources
    centiseconds = np.floor(ra / 15 * 360000).astype(np.int64) % (24 * 360000)
    deciseconds = np.floor(np.abs(dec) * 36000).astype(np.int64)
    hours, rest = np.divmod(centiseconds, 360000)
    minutes, seconds = np.divmod(rest, 6000)
    degrees, remainder = np.divmod(deciseconds, 36000)
    arcminutes, arcseconds = np.divmod(remainder, 600)
    sign = np.where(dec < 0, "-", "+")
    parts = zip(hours, minutes, seconds, sign, degrees, arcminutes, arcseconds, strict=True)
    return np.array([f"{h:02d}{m:02d}{s:04d}{g}{d:02d}{a:02d}{t:03d}" for h, m, s, g, d, a, t in parts], dtype=str)


def _separation_arcsec(ra: Floats, dec: Floats, i: int, j: int) -> float:
    # flat over the few arcsec between partners; the remainder keeps a pair across RA 0 together
    east = (ra[i] - ra[j] + 180) % 360 - 180
    return float(3600 * np.hypot(east * np.cos(np.radians(dec[i])), dec[i] - dec[j]))


def _table(
    rng: np.random.Generator,
    detected: NDArray[np.bool_],
    designation: Strings,
    ra: Floats,
    dec: Floats,
    magnitudes: Floats,
    sigma: Floats,
    jd: Floats,
    merged: NDArray[np.bool_],
) -> pa.Table:
    n = int(detected.sum())
    upper = sigma[detected] > 0.22  # 2MASS gives no error for an upper limit
    # the grades of 2MASS: A, B, C for a signal of 10, 7 and 5 times the noise, which are errors of 0.11, 0.15 and 0.22 mag
    quality = np.select([sigma[detected] < 0.10, sigma[detected] < 0.15, ~upper], ["A", "B", "C"], "U")
    f32 = pa.float32()
    columns = {
        "designation": pa.array(designation[detected].tolist()),
        "ra": pa.array(ra[detected]),
        "dec": pa.array(dec[detected]),
        "err_maj": pa.array(np.full(n, 0.08)).cast(f32),
        "err_min": pa.array(np.full(n, 0.07)).cast(f32),
        "err_ang": pa.array(180 * rng.random(n)).cast(f32),
    }
    for k, band in enumerate("jhk"):
        columns[f"{band}_m"] = pa.array(magnitudes[detected, k]).cast(f32)
        columns[f"{band}_msigcom"] = pa.array(sigma[detected, k], mask=upper[:, k]).cast(f32)
    confused = merged[detected] & (rng.random(n) < 0.5)
    columns |= {
        "ph_qual": pa.array(["".join(row) for row in quality]),
        "rd_flg": pa.array(["222"] * n),
        "bl_flg": pa.array(np.where(confused, "222", "111").tolist()),
        "cc_flg": pa.array(np.where(confused, "ccc", "000").tolist()),
        "gal_contam": pa.array((rng.random(n) < 0.002).astype(np.int16)),
        "mp_flg": pa.array(np.zeros(n, np.int16)),
        "prox": pa.array(np.where(merged[detected], 4.0, 20.0) + 5 * rng.random(n)).cast(f32),
        "jdate": pa.array(jd[detected]),
    }
    return pa.table(columns)
