"""Calibrate the strengths of the features of simulated spectra on real mean spectra, and write them to the package.

Dwarfs are calibrated on the mean Gaia XP spectra by spectral type, giants and the warmer dwarfs on bright stars with
GSP-Phot labels, whose temperatures come from their dereddened colours. A strength is a non-negative linear coefficient
of the logarithm of the flux, smooth in temperature; residuals count as they are in the spectrum and as the instrument
sees them in the low orders of its coefficients. Names, profiles and exponents of the features are read from the table.

Example: python -m tests.calibration.sky_features ../shared/real
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from stellarfm.realism.spectra import DWARF_TEFF, TEMPLATES
from stellarfm.sky.continuum import log_continuum
from stellarfm.sky.dust import extinction
from stellarfm.sky.features import features, giant_share, linear_weights
from stellarfm.sky.kiel import main_sequence_logg
from stellarfm.sky.xp import instrument, token_statistics
from stellarfm.sky.xp_errors import coefficient_errors

Floats = NDArray[np.float64]

TABLE = Path(__file__).parents[2] / "stellarfm" / "sky" / "reference" / "features.csv"
LABELLED = "gaia_dr3_xp_sampled_gspphot.parquet"

POORLY_TYPED = ("F1", "F7", "G6", "G8", "K9")
"""Means that are redder than both of their neighbours: the types of their stars were mixed."""

COOLER_TYPES = {"M6": 2810.0, "M7": 2680.0}

COLOURS = (
    [2810, 3060, 3210, 3430, 3560, 3660, 3850, 4100, 4440, 4830, 5100, 5270, 5480, 5660, 5770, 5930, 6280, 6550, 6820,
     7220, 7590, 8100, 8800, 9700],
    [3.9, 3.35, 2.9, 2.5, 2.2, 2.09, 1.84, 1.62, 1.41, 1.19, 1.06, 0.983, 0.90, 0.85, 0.823, 0.767, 0.66, 0.587, 0.50,
     0.377, 0.30, 0.194, 0.08, -0.037],
)  # fmt: skip
"""Intrinsic BP-RP of dwarfs by temperature (Pecaut & Mamajek 2013)."""

_MAX_TEMPLATE_EBV, _FLOOR = 0.05, 2e-3
_SMOOTHNESS, _RIDGE, _LIKE_DWARFS = 0.03 * 0.08**2, 0.02, 0.06
_INSTRUMENT_SHARE, _COOL_K = 0.25, 4200.0
_ORDERS = np.r_[0:26, 55:80]


@dataclass(frozen=True)
class Stars:
    """N real spectra without dust, their parameters and how much each counts."""

    flux: Floats
    teff: Floats
    logg: Floats
    m_h: Floats
    weight: Floats

    def join(self, other: "Stars") -> "Stars":
        """Return the stars of both."""
        return Stars(*(np.concatenate([a, b]) for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def read_templates(folder: Path) -> Stars:
    """Return the mean spectra by type, freed of the little dust that their colours betray."""
    table = pq.read_table(folder / TEMPLATES)
    found = dict(zip([n[:2] for n in table["spectral_type"].to_pylist()], table["flux"].to_pylist(), strict=True))
    known = {**DWARF_TEFF, **COOLER_TYPES}
    types = [name for name in found if name in known and name not in POORLY_TYPED]
    flux, teff = np.array([found[name] for name in types]), np.array([float(known[name]) for name in types])
    excess = (_colour(flux) - np.interp(teff, *COLOURS)) / 1.3
    ebv = np.clip(excess, 0, _MAX_TEMPLATE_EBV) * (teff > 4000)
    n = len(teff)
    return Stars(_deredden(flux, ebv), teff, main_sequence_logg(teff), np.full(n, -0.05), np.full(n, 3.0))


def read_labelled(folder: Path) -> Stars:
    """Return bright stars with labels: giants, and dwarfs that are warmer than the Sun's cooler neighbours."""
    table = pq.read_table(folder / LABELLED)
    flux = np.maximum(np.array(table["flux"].to_pylist()), 1e-20)
    gsp, logg, m_h, a_zero = (
        table[name].to_numpy().astype(float) for name in ("teff_gspphot", "logg_gspphot", "mh_gspphot", "azero_gspphot")
    )
    flux = _deredden(flux, a_zero / 3.1)
    giant, colour = logg < 3.6, _colour(flux)
    teff = np.where((colour > 2.25) | (gsp > 7500), gsp, _teff_of_colour(colour, np.clip(m_h, -2, 0.4), giant))
    agree = (a_zero < 0.8) & (gsp < 9800) & (np.abs(teff / gsp - 1) < 0.12) & (m_h > -0.8)
    cool_giant = (teff < 4550) & (a_zero < 2.5) & (m_h > -1.5) & giant
    k = np.flatnonzero(agree | cool_giant)
    weight = np.where(teff < _COOL_K, 6.0, np.where(teff < 4500, 2.5, 0.7))
    return Stars(flux[k], teff[k], logg[k], np.clip(m_h[k], -0.8, 0.4), weight[k])


def calibrate(stars: Stars) -> tuple[Floats, Floats]:
    """Return the strengths of dwarfs and of giants, each of shape (J, K)."""
    table = features()
    profiles = table.profiles(instrument().wavelengths_nm)
    matrix, right = _normal_equations(stars, profiles)
    _add_priors(matrix, len(table.names), np.log(table.knots))
    signed = np.array([shape == "continuum" for shape in table.shapes])
    low = np.tile(np.repeat(np.where(signed, -3.0, 0.0), len(table.knots)), 2)
    return tuple(_solve_bounded(matrix, right, low).reshape(2, len(table.names), len(table.knots)))  # type: ignore[return-value]


def _normal_equations(stars: Stars, profiles: Floats) -> tuple[Floats, Floats]:
    """Sum up matrix and right side over stars; each star's overall level is free."""
    table, maps = features(), instrument()
    flux = np.maximum(stars.flux, _FLOOR * stars.flux.max(axis=1, keepdims=True))
    missing = np.log(flux) - log_continuum(maps.wavelengths_nm, stars.teff, stars.logg)
    coefficients, g_flux = maps.coefficients(flux)
    centre, width = (column[:110] for column in token_statistics())
    knots, giant = linear_weights(table.knots, stars.teff), giant_share(stars.logg)
    noise = np.sqrt(maps.design**2 @ coefficient_errors(np.array([12.0]), np.ones(1))[0] ** 2)
    by_wavelength = np.where(maps.wavelengths_nm > 985, 2.5, 1.0) / np.sqrt(0.6 + 0.4 * (noise / np.median(noise)) ** 2)
    size = 2 * len(table.names) * len(table.knots)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for i in range(len(stars.teff)):
        metals = 10 ** (table.exponents[:, 0] * stars.m_h[i])
        share = np.stack([np.outer(metals, (1 - giant[i]) * knots[i]), np.outer(metals, giant[i] * knots[i])]).ravel()
        used = np.flatnonzero(share)
        model = -(profiles[(used // len(table.knots)) % len(table.names)] * share[used, None]).T
        tolerance = np.hypot(width, 0.07 * np.abs(coefficients[i] - centre))[_ORDERS]
        boost = _INSTRUMENT_SHARE * (2.5 if stars.teff[i] < _COOL_K else 1.0) / 2
        seen = (maps.inverse * (flux[i] / g_flux[i]))[_ORDERS] * (boost / tolerance)[:, None]
        for view in (np.diag(by_wavelength), seen):
            rows, target, level = view @ model, view @ missing[i], view.sum(axis=1)
            level /= np.linalg.norm(level)
            rows, target = rows - np.outer(level, level @ rows), target - level * (level @ target)
            matrix[np.ix_(used, used)] += stars.weight[i] ** 2 * rows.T @ rows
            right[used] += stars.weight[i] ** 2 * rows.T @ target
    return matrix, right


def _add_priors(matrix: Floats, num_features: int, knots: Floats) -> None:
    """Ask for strengths that are smooth in log Teff, small, and alike for giants and dwarfs where data are few."""
    k = len(knots)
    left, right = np.diff(knots)[:-1], np.diff(knots)[1:]
    second = np.zeros((k - 2, k))
    for row in range(k - 2):
        second[row, row : row + 3] = 1 / left[row], -1 / left[row] - 1 / right[row], 1 / right[row]
    smooth = _SMOOTHNESS * second.T @ second
    half = num_features * k
    for start in range(0, 2 * half, k):
        matrix[start : start + k, start : start + k] += smooth
    one = np.eye(half)
    matrix[:half, :half] += (_RIDGE + _LIKE_DWARFS) * one
    matrix[half:, half:] += _LIKE_DWARFS * one
    matrix[:half, half:] -= _LIKE_DWARFS * one
    matrix[half:, :half] -= _LIKE_DWARFS * one


def _solve_bounded(matrix: Floats, right: Floats, low: Floats) -> Floats:
    """Minimise x M x / 2 - r x for x >= low by block principal pivoting (Kim & Park 2011)."""
    n = len(right)
    matrix, right = matrix + 1e-9 * np.eye(n), right - matrix @ low
    free, best, tries = np.ones(n, dtype=bool), n + 1, 3
    x = np.zeros(n)
    for _ in range(500):
        x = np.zeros(n)
        x[free] = cho_solve(cho_factor(matrix[np.ix_(free, free)]), right[free])
        slope = np.where(free, 0, matrix @ x - right)
        wrong = (free & (x < -1e-9)) | (~free & (slope < -1e-9))
        if not wrong.any():
            return np.maximum(x, 0) + low
        if wrong.sum() < best:
            best, tries = int(wrong.sum()), 3
        elif tries > 0:
            tries -= 1
        else:
            wrong &= np.arange(n) == np.flatnonzero(wrong)[-1]
        free ^= wrong
    raise RuntimeError("the strengths did not settle")


def _colour(flux: Floats) -> Floats:
    magnitudes = instrument().magnitudes(instrument().coefficients(flux)[0])
    return np.asarray(magnitudes[:, 1] - magnitudes[:, 2])


def _deredden(flux: Floats, ebv: Floats) -> Floats:
    return np.asarray(flux * 10 ** (0.4 * extinction(instrument().wavelengths_nm, ebv, np.full(len(ebv), 3.1))))


def _teff_of_colour(colour: Floats, m_h: Floats, giant: NDArray[np.bool_]) -> Floats:
    """Return Teff of the dereddened BP-RP (Mucciarelli, Bellazzini & Massari 2021, A&A 653, A90)."""
    for_giants = np.array([0.5323, 0.4775, -0.0344, -0.0110, -0.0020, -0.0009])
    for_dwarfs = np.array([0.4929, 0.5092, -0.0353, 0.0192, -0.0020, -0.0395])
    b = np.where(giant[:, None], for_giants, for_dwarfs).T
    theta = b[0] + b[1] * colour + b[2] * colour**2 + b[3] * m_h + b[4] * m_h**2 + b[5] * m_h * colour
    return np.asarray(5040 / theta)


def write_table(path: Path, dwarf: Floats, giant: Floats) -> None:
    """Put new strengths in the place of the old ones."""
    with path.open(encoding="utf-8", newline="") as file:
        heading, *rows = list(csv.reader(file))
    for place, row in enumerate(rows):
        strengths = (dwarf if row[7] == "dwarf" else giant)[place // 2]
        row[8:] = [f"{value:.4f}".replace("-0.0000", "0.0000") for value in strengths]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([heading, *rows])


def main() -> None:
    """Calibrate and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("real", type=Path, help=f"folder with {TEMPLATES} and {LABELLED}")
    parser.add_argument("--output", type=Path, default=TABLE, help="table to rewrite")
    options = parser.parse_args()
    write_table(options.output, *calibrate(read_templates(options.real).join(read_labelled(options.real))))


if __name__ == "__main__":
    main()
