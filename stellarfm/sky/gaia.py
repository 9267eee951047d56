"""Gaia DR3 `gaia_source` as its archive gives it: measured from what arrives, with errors and flaws."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from stellarfm.sky.astrometry import GALACTIC_TO_ICRS, ecliptic_latitude, to_angles, to_vector
from stellarfm.sky.observed import Observed
from stellarfm.sky.release import EPOCH_YEAR, SURVEYS, ZERO_POINTS

Floats = NDArray[np.float64]

XP_LIMIT_MAG = 17.65
"""XP continuous spectra were published to this G (De Angeli et al. 2023)."""

# fractions of sources that lack something, and of poor or reduced astrometric solutions: readers must cope with each of them
_FRACTION_WITHOUT_XP = 0.035
_FRACTION_POOR, _FRACTION_TWO_PARAMETERS, _FRACTION_SIX_PARAMETERS, _FRACTION_WITHOUT_COLOUR = 0.07, 0.004, 0.08, 0.003
_RVS_LIMIT_MAG = 14.0
"""G below which most stars have a radial velocity from the spectrograph."""

_PARALLAX_ERROR = (
    [6, 9, 13, 14, 15, 16, 17, 18, 19, 20],
    [0.030, 0.016, 0.014, 0.018, 0.026, 0.040, 0.066, 0.115, 0.2, 0.4],
)
"""Median parallax error in mas by G (Lindegren et al. 2021)."""

_ZERO_POINT_G = [6.0, 10.8, 11.2, 11.8, 12.2, 12.9, 13.1, 15.9, 16.1, 17.5, 19.0]
_ZERO_POINT_MAS = [-0.0270, -0.0272, -0.0303, -0.0335, -0.0137, -0.0195, -0.0380, -0.0383, -0.0311, -0.0292, -0.0184]
_ZERO_POINT_BETA_MAS = [-0.0096, -0.0031, -0.0092, -0.0101, -0.0001, -0.0016, 0.0026, 0.0056, 0.0028, -0.0001, 0.0060]
"""Parallax zero point by G and its slope in the sine of ecliptic latitude (Lindegren et al. 2021b, five parameters)."""


def source_ids(ra: Floats, dec: Floats, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return identifiers as Gaia makes them, shape (N,): the HEALPix pixel, nested, in the upper bits.

    Parameters
    ----------
    ra, dec
        Shape (N,), degrees.
    index
        Shape (N,): running number of the star, below 2^28: what makes identifiers of one pixel differ.
    """
    from astropy import units

    identifier = SURVEYS.gaia.identifier
    assert identifier is not None, "every profile of Gaia says how identifiers hold their pixel"
    grid = HEALPix(nside=2**identifier.healpix_level, order="nested")
    # the lowest 7 bits are 0: in Gaia they tell the components of a source apart
    pixel = grid.lonlat_to_healpix(ra * units.deg, dec * units.deg)
    return np.asarray((pixel.astype(np.int64) << identifier.num_bits_below_healpix) | (index << 7))


@dataclass(frozen=True)
class _Solution:
    """How well the astrometric solution of N sources went."""

    params: NDArray[np.int64]
    ruwe: Floats
    sigma: Floats
    """Parallax error, mas; NaN where only a position was found."""


def gaia_source(rng: np.random.Generator, ids: NDArray[np.int64], seen: Observed) -> pa.Table:
    """Return `gaia_source` rows for N stars, with errors and flaws drawn.

    Parameters
    ----------
    rng
        Source of randomness.
    ids
        Shape (N,): source identifiers.
    seen
        What arrives from the N stars.

    Returns
    -------
    Table
        N rows in the columns and units of the archive, NULL where a value is missing.
    """
    n = len(ids)
    g = seen.gaia[:, 0]
    solution = _solve(rng, g)
    photometry, has_colour = _photometry(rng, seen)
    # of the star itself, which may have been moved next to another
    longitude, latitude = to_angles(to_vector(seen.ra, seen.dec) @ GALACTIC_TO_ICRS)
    position: dict[str, pa.Array] = {
        "source_id": pa.array(ids),
        "ref_epoch": pa.array(np.full(n, EPOCH_YEAR)),
        "ra": pa.array(seen.ra),
        "ra_error": column(0.8 * _position_sigma(g, solution), pa.float32()),
        "dec": pa.array(seen.dec),
        "dec_error": column(0.8 * _position_sigma(g, solution), pa.float32()),
        "l": pa.array(longitude),
        "b": pa.array(latitude),
    }
    has_xp = (g < XP_LIMIT_MAG) & has_colour & (rng.random(n) >= _FRACTION_WITHOUT_XP)
    # the error in km/s: 0.3 for bright stars, and from G = 9 on it grows with the inverse root of the flux
    measured = (g < _RVS_LIMIT_MAG) & (rng.random(n) < 0.8)
    velocity_error = 0.3 * 10 ** (0.2 * np.maximum(g - 9, 0))
    velocity = np.where(measured, seen.radial_velocity + velocity_error * rng.standard_normal(n), np.nan)
    rest = {
        "has_xp_continuous": pa.array(has_xp),
        "radial_velocity": column(velocity, pa.float32()),
        "phot_variable_flag": pa.array(np.where(rng.random(n) < 0.04, "VARIABLE", "NOT_AVAILABLE").tolist()),
    }
    return pa.table(position | _astrometry(rng, seen, solution) | photometry | rest)


def _solve(rng: np.random.Generator, g: Floats) -> _Solution:
    n = len(g)
    # a large RUWE goes with large errors: about the same stars fail both cuts
    poor = rng.random(n) < _FRACTION_POOR
    ruwe = np.where(poor, 1.4 + rng.exponential(1.5, n), 1 + 0.06 * rng.standard_normal(n))
    sigma = np.interp(g, *_PARALLAX_ERROR) * np.exp(0.15 * rng.standard_normal(n)) * np.where(poor, 2.5, 1)
    two, six = rng.random(n) < _FRACTION_TWO_PARAMETERS, rng.random(n) < _FRACTION_SIX_PARAMETERS
    # bits of what was solved for: the position; parallax and proper motion with it; the colour as well
    params = np.where(two, 3, np.where(six, 95, 31))
    return _Solution(params, np.where(two, np.nan, ruwe), np.where(two, np.nan, sigma))


def _position_sigma(g: Floats, solution: _Solution) -> Floats:
    """Return errors of positions in mas, before a common factor: as the parallax's, 2 where only a position was found."""
    return np.where(np.isnan(solution.sigma), 2.0, solution.sigma)


def _astrometry(rng: np.random.Generator, seen: Observed, solution: _Solution) -> dict[str, pa.Array]:
    """Return parallax, proper motions and how they were found; NULL where only a position was."""
    n = len(seen.ra)
    f32, f64 = pa.float32(), pa.float64()
    sigma, pm_sigma = solution.sigma, 1.2 * solution.sigma
    beta = ecliptic_latitude(seen.ra, seen.dec)
    # in mas: a distance of 1000 pc is 1 mas. The zero point is added here, for the warehouse to take it off again
    parallax = 1000 / seen.distance_pc + zero_point_mas(seen.gaia[:, 0], beta) + sigma * rng.standard_normal(n)
    # effective wavenumber in 1/micron by BP-RP: known from photometry for 5 parameters, solved for with 6
    colour = np.interp(seen.gaia[:, 1] - seen.gaia[:, 2], [-0.4, 0.5, 1.0, 2.0, 3.5], [1.85, 1.62, 1.54, 1.40, 1.27])
    return {
        "ecl_lat": pa.array(beta),
        "parallax": column(parallax, f64),
        "parallax_error": column(sigma, f32),
        "pmra": column(seen.pm_east + pm_sigma * rng.standard_normal(n), f64),
        "pmra_error": column(pm_sigma, f32),
        "pmdec": column(seen.pm_north + pm_sigma * rng.standard_normal(n), f64),
        "pmdec_error": column(pm_sigma, f32),
        "ruwe": column(solution.ruwe, f32),
        "astrometric_params_solved": pa.array(solution.params.astype(np.int16)),
        "nu_eff_used_in_astrometry": column(np.where(solution.params == 31, colour, np.nan), f32),
        "pseudocolour": column(np.where(solution.params == 95, colour, np.nan), f32),
    }


def zero_point_mas(g_mag: Floats, ecliptic_latitude_deg: Floats) -> Floats:
    """Return the parallax zero point in mas: Lindegren et al. (2021b) with the correction of Leung et al. (2023).

    Parameters
    ----------
    g_mag
        Shape (N,).
    ecliptic_latitude_deg
        Shape (N,), degrees.
    """
    base, slope = (np.interp(g_mag, _ZERO_POINT_G, values) for values in (_ZERO_POINT_MAS, _ZERO_POINT_BETA_MAS))
    faint = 0.005 * np.minimum(np.maximum(g_mag - 13, 0), 4)
    return np.asarray(base + slope * np.sin(np.radians(ecliptic_latitude_deg)) + faint)


def _photometry(rng: np.random.Generator, seen: Observed) -> tuple[dict[str, pa.Array], NDArray[np.bool_]]:
    """Return G, BP and RP with errors, and whether BP and RP were found."""
    n = len(seen.ra)
    f32 = pa.float32()
    # photon noise, relative to a star of about 16 mag in each band, and a floor that calibration sets for bright stars
    snr = 10 ** (-0.2 * (seen.gaia - np.array([16.0, 16.4, 15.5])))
    mean = 1 / np.hypot(1 / (np.array([6000, 350, 450]) * snr), 1 / np.array([12000, 1500, 1800]))
    over_error = mean * np.exp(0.2 * rng.standard_normal((n, 3)))
    magnitudes = seen.gaia + 1.0857 / over_error * rng.standard_normal((n, 3))
    has_colour = rng.random(n) >= _FRACTION_WITHOUT_COLOUR
    bp, rp = (np.where(has_colour, magnitudes[:, k], np.nan) for k in (1, 2))
    # BP and RP are measured through a wider window than G: a neighbour adds to them alone
    blended = np.where(rng.random(n) < 0.01, 1.2, 0)
    g_flux, bp_flux, rp_flux = (
        10 ** (-0.4 * (m - zero)) for m, zero in zip((magnitudes[:, 0], bp, rp), ZERO_POINTS, strict=True)
    )
    excess = (bp_flux + rp_flux) / g_flux + blended
    columns = {
        "phot_g_mean_mag": column(magnitudes[:, 0], f32),
        "phot_bp_mean_mag": column(bp, f32),
        "phot_rp_mean_mag": column(rp, f32),
        "phot_g_mean_flux_over_error": column(over_error[:, 0], f32),
        "phot_bp_mean_flux_over_error": column(np.where(has_colour, over_error[:, 1], np.nan), f32),
        "phot_rp_mean_flux_over_error": column(np.where(has_colour, over_error[:, 2], np.nan), f32),
        # the difference of the columns as they are published, rounded to 32 bits
        "bp_rp": column((bp.astype(np.float32) - rp.astype(np.float32)).astype(np.float64), f32),
        "phot_bp_rp_excess_factor": column(excess, f32),
    }
    return columns, has_colour


def column(values: Floats, kind: pa.DataType) -> pa.Array:
    """Return a column where NaN became NULL, as the archive gives it.

    Parameters
    ----------
    values
        Shape (N,).
    kind
        Type of the column.
    """
    return pa.array(values, mask=np.isnan(values)).cast(kind)
