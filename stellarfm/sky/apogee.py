"""APOGEE DR17 `allStar` as SDSS gives it: labels with errors, repeats, flags, failures and fill values."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.sky.astrometry import GALACTIC_TO_ICRS, to_angles, to_vector
from stellarfm.sky.footprint import Directions
from stellarfm.sky.observed import Observed
from stellarfm.sky.population import Stars
from stellarfm.sky.twomass import Detections

Floats = NDArray[np.float64]

BRIGHT_NEIGHBOR, VERY_BRIGHT_NEIGHBOR, LOW_SNR = 1 << 2, 1 << 3, 1 << 4
PERSIST_HIGH, PERSIST_MED, PERSIST_LOW, SUSPECT_BROAD_LINES = 1 << 9, 1 << 10, 1 << 11, 1 << 17
"""Bits of STARFLAG (DR17 data model)."""
M_H_WARN, M_H_BAD, STAR_BAD = 1 << 3, 1 << 19, 1 << 23
"""Bits of ASPCAPFLAG (DR17 data model)."""
DUPLICATE = 1 << 4
"""Bit of EXTRATARG: not the best row of a star that was observed more than once."""

_BAD_MAGNITUDE, _BAD_ERROR = 99.999, -9999.99
"""Fill values of `allStar`: a reader that takes them for measurements must fail on the simulated sky too."""

_FRACTION_OBSERVED, _FRACTION_REPEATED = 0.85, 0.08
"""Of the detections bright enough for APOGEE, and of the stars observed."""

_FAINTEST_H = 14.2
_STARFLAG_FRACTIONS = (
    (PERSIST_HIGH, 0.07), (PERSIST_MED, 0.04), (PERSIST_LOW, 0.05), (BRIGHT_NEIGHBOR, 0.02),
    (VERY_BRIGHT_NEIGHBOR, 0.004), (SUSPECT_BROAD_LINES, 0.02),
)  # fmt: skip
_LOW_SNR = 40.0
"""S/N per pixel below which a row gets the bit of the same name."""


@dataclass(frozen=True)
class Visits:
    """The M rows of the table.

    Attributes
    ----------
    star
        Shape (M,): index of the star, 0 to N - 1.
    is_second
        Shape (M,): whether the star has a better row.
    is_repeated
        Shape (M,): whether the star has another row.
    apogee_id
        Shape (N,): name of each star, "" if it was not observed.
    """

    star: NDArray[np.intp]
    is_second: NDArray[np.bool_]
    is_repeated: NDArray[np.bool_]
    apogee_id: NDArray[np.str_]


def all_star(
    rng: np.random.Generator,
    stars: Stars,
    seen: Observed,
    directions: Directions,
    found: Detections,
    source: pa.Table,
    index: NDArray[np.int64],
) -> tuple[pa.Table, NDArray[np.str_]]:
    """Return `allStar` rows and each star's APOGEE_ID ("" if it was not observed).

    Parameters
    ----------
    rng
        Source of randomness.
    stars, seen, directions
        N stars, what arrives from them and where they stand.
    found
        Their 2MASS detections: APOGEE chose its targets there.
    source
        Their `gaia_source` rows, N.
    index
        Shape (N,): running number of each star.

    Returns
    -------
    table
        M rows in the columns and units of DR17.
    apogee_id
        Shape (N,).
    """
    visits = _choose(rng, found, index)
    row = visits.star
    m = len(row)
    snr = _signal_to_noise(rng, found.magnitudes[row, 1], visits.is_second)
    labels, errors, aspcapflag = _pipeline(rng, stars, row, snr)
    starflag = _draw_bits(rng, m, _STARFLAG_FRACTIONS) | np.where(snr < _LOW_SNR, LOW_SNR, 0)
    columns = _observation(rng, seen, directions, found, visits) | {
        "SNR": pa.array(snr).cast(pa.float32()),
        "STARFLAG": pa.array(starflag),
        "ASPCAPFLAG": pa.array(aspcapflag),
    }
    columns |= _magnitudes(rng, found, row)
    for k, label in enumerate(("TEFF", "LOGG", "M_H")):
        columns[label] = pa.array(labels[:, k]).cast(pa.float32())
        columns[f"{label}_ERR"] = pa.array(errors[:, k]).cast(pa.float32())
    return pa.table(columns | _gaia_columns(rng, source, row)), visits.apogee_id


def _observation(
    rng: np.random.Generator, seen: Observed, directions: Directions, found: Detections, visits: Visits
) -> dict[str, pa.Array]:
    """Return who was observed where, how often and how fast the star moves."""
    row = visits.star
    m = len(row)
    places = zip(directions.l[row], directions.b[row], strict=True)  # the plate's field, not the star's own place
    longitude, latitude = to_angles(to_vector(found.ra[row], found.dec[row]) @ GALACTIC_TO_ICRS)
    return {
        "APOGEE_ID": pa.array(visits.apogee_id[row].tolist()),
        "TELESCOPE": pa.array(np.where(found.dec[row] > -10, "apo25m", "lco25m").tolist()),
        "FIELD": pa.array([f"{int(lon):03d}{int(lat):+03d}" for lon, lat in places]),
        "RA": pa.array(found.ra[row]),
        "DEC": pa.array(found.dec[row]),
        "GLON": pa.array(longitude),
        "GLAT": pa.array(latitude),
        "NVISITS": pa.array(rng.integers(1, 7, m, dtype=np.int32)),
        "EXTRATARG": pa.array(np.where(visits.is_repeated & visits.is_second, DUPLICATE, 0).astype(np.int32)),
        "VHELIO_AVG": pa.array(seen.radial_velocity[row] + 0.1 * rng.standard_normal(m)).cast(pa.float32()),
        "VERR": pa.array(np.full(m, 0.05)).cast(pa.float32()),
    }


def _choose(rng: np.random.Generator, found: Detections, index: NDArray[np.int64]) -> Visits:
    """Choose the stars that get a fibre, and those that get one twice."""
    n = len(index)
    h = np.nan_to_num(found.magnitudes[:, 1], nan=99.0)
    observed = (found.designation != "") & (h < _FAINTEST_H) & (rng.random(n) < _FRACTION_OBSERVED)
    # one fibre a detection: of two stars that 2MASS did not separate, one row
    _, first = np.unique(found.designation, return_index=True)
    observed &= np.isin(np.arange(n), first)
    repeated = observed & (rng.random(n) < _FRACTION_REPEATED)
    row = np.concatenate([np.flatnonzero(observed), np.flatnonzero(repeated)])
    second = np.arange(len(row)) >= observed.sum()
    order = np.lexsort((second, row))  # by star, the better row of a star first
    row, second = row[order], second[order]
    apogee_id = np.where(observed, np.char.add("2M", found.designation), "")
    return Visits(row, second, repeated[row], apogee_id)


def _signal_to_noise(rng: np.random.Generator, h: Floats, is_second: NDArray[np.bool_]) -> Floats:
    """Return the S/N per pixel, shape (M,): visits are planned so that stars to H = 12 reach 100."""
    snr = 160 * 10 ** (-0.2 * (h - 11.5)) * np.exp(0.45 * rng.standard_normal(len(h)))
    snr = 1 / np.hypot(1 / snr, 1 / 1100)  # flat fields set a limit
    return np.asarray(np.where(is_second, 0.6 * snr, snr))


def _pipeline(
    rng: np.random.Generator, stars: Stars, row: NDArray[np.intp], snr: Floats
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return labels and errors, each of shape (M, 3), NaN where the pipeline gave up, and ASPCAPFLAG."""
    m = len(row)
    # ASPCAP is made for cool stars: hotter than 7000 K most fail
    failed = rng.random(m) < np.where(stars.teff[row] > 7000, 0.8, 0.03)
    flag = np.where(failed, STAR_BAD, 0) | _draw_bits(rng, m, ((M_H_WARN, 0.03), (M_H_BAD, 0.008)))
    labels, errors = _labels(rng, stars, row, snr)
    # a star that failed keeps its flag, and in some rows its labels as well: the flag must be read
    labels[failed & (rng.random(m) < 0.7)] = np.nan
    errors[np.isnan(labels)] = np.nan
    return labels, errors, flag


def _labels(rng: np.random.Generator, stars: Stars, row: NDArray[np.intp], snr: Floats) -> tuple[Floats, Floats]:
    """Return measured labels and errors, each of shape (M, 3); errors grow at low S/N and for cool and poor stars.

    The stated errors are those of DR17; what a pipeline gets wrong beyond them is about as large (Jönsson et al. 2020).
    """
    m = len(row)
    # how hard a spectrum is: up to 1.6 more for weak lines below [M/H] = -0.6, 1 more below 3600 K, 0.5 more for dwarfs
    hard = 1 + 0.8 * np.clip(-stars.m_h[row] - 0.6, 0, 2) + (stars.teff[row] < 3600) + 0.5 * (stars.logg[row] > 3.8)
    factor = (hard * np.hypot(1, 70 / snr))[:, None]
    # the stated errors, and then what is wrong beyond them, of Teff in K, log g and [M/H] in dex
    errors = np.array([9.0, 0.025, 0.008]) * factor * np.exp(0.2 * rng.standard_normal((m, 3)))
    beyond = np.array([18.0, 0.035, 0.015]) * np.sqrt(hard)[:, None]
    truth = np.stack([stars.teff[row], stars.logg[row], stars.m_h[row]], axis=1)
    return truth + np.hypot(errors, beyond) * rng.standard_normal((m, 3)), errors


def _magnitudes(rng: np.random.Generator, found: Detections, row: NDArray[np.intp]) -> dict[str, pa.Array]:
    """Return J, H, K as targeting had them; a few rows carry fill values."""
    bad = rng.random(len(row)) < 0.003
    columns: dict[str, pa.Array] = {}
    for k, band in enumerate("JHK"):
        columns[band] = pa.array(np.where(bad, _BAD_MAGNITUDE, found.magnitudes[row, k])).cast(pa.float32())
        columns[f"{band}_ERR"] = pa.array(np.where(bad, _BAD_ERROR, found.errors[row, k])).cast(pa.float32())
    return columns


def _gaia_columns(rng: np.random.Generator, source: pa.Table, row: NDArray[np.intp]) -> dict[str, pa.Array]:
    """Return the Gaia EDR3 columns that allStar carries; 0 and NaN where its match found nothing."""
    lost = rng.random(len(row)) < 0.012

    # allStar was matched with EDR3, whose photometry and astrometry DR3 took over: the values are those of `source`
    def copied(name: str) -> pa.Array:
        values = source[name].to_numpy(zero_copy_only=False)[row]
        return pa.array(np.where(lost, np.nan, values)).cast(pa.float32())

    names = ("parallax", "parallax_error", "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag")
    ids = np.where(lost, 0, source["source_id"].to_numpy()[row])
    return {"GAIAEDR3_SOURCE_ID": pa.array(ids)} | {f"GAIAEDR3_{name.upper()}": copied(name) for name in names}


def _draw_bits(rng: np.random.Generator, n: int, fractions: tuple[tuple[int, float], ...]) -> NDArray[np.int64]:
    flags = np.zeros(n, dtype=np.int64)
    for bit, fraction in fractions:
        flags |= np.where(rng.random(n) < fraction, bit, 0)
    return flags
