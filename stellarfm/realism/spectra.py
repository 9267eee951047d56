"""Spectra, simulated against real: dwarfs by type, the way through GaiaXPy and back, and principal components."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stellarfm.errors import StellarError
from stellarfm.realism.checks import Check
from stellarfm.sky.kiel import main_sequence_logg
from stellarfm.sky.release import ZERO_POINTS
from stellarfm.sky.spectra import spectra
from stellarfm.sky.xp import instrument

Floats = NDArray[np.float64]

TEMPLATES = "gaia_xp_templates.parquet"
FIELD = "gaia_dr3_xp_continuous_field.parquet"

# limits of relative differences and of explained variance, ours as those in `stellarfm.realism.checks`
MAX_TEMPLATE_RMS, MAX_ROUND_TRIP_RMS = 0.08, 0.02
NUM_COMPONENTS, MIN_EXPLAINED = 10, 0.97

_COMPARED_NM = (400.0, 950.0)
"""Range of comparisons: towards either end BP or RP sees little, and a relative difference is mostly noise."""

DWARF_TEFF = {
    "A0": 9700, "A1": 9300, "A2": 8800, "A3": 8600, "A4": 8250, "A5": 8100, "A6": 7910, "A7": 7760, "A8": 7590,
    "A9": 7400,
    "F0": 7220, "F1": 7020, "F2": 6820, "F3": 6750, "F4": 6670, "F5": 6550, "F6": 6350, "F7": 6280, "F8": 6180,
    "F9": 6050,
    "G0": 5930, "G1": 5860, "G2": 5770, "G3": 5720, "G4": 5680, "G5": 5660, "G6": 5600, "G7": 5550, "G8": 5480,
    "G9": 5380,
    "K0": 5270, "K1": 5170, "K2": 5100, "K3": 4830, "K4": 4600, "K5": 4440, "K6": 4300, "K7": 4100, "K8": 3990,
    "K9": 3930,
    "M0": 3850, "M1": 3660, "M2": 3560, "M3": 3430, "M4": 3210, "M5": 3060,
}  # fmt: skip
"""Effective temperature of dwarfs by spectral type, K (Pecaut & Mamajek 2013, version of 2022)."""


@dataclass(frozen=True)
class TypeSpectra:
    """Spectra of dwarfs by type, each divided by its mean over 400 to 950 nm.

    Attributes
    ----------
    types
        K spectral types.
    simulated, real
        Shape (K, 343): relative flux per nm, 336 to 1020 nm in steps of 2 nm.
    rms
        Shape (K,): rms of their relative difference over 400 to 950 nm.
    """

    types: tuple[str, ...]
    simulated: Floats
    real: Floats
    rms: Floats


@dataclass(frozen=True)
class Components:
    """Principal components of the simulated coefficients, and how far they carry for real stars.

    Attributes
    ----------
    explained
        Shape (30,): fraction of the real variance around the simulated mean that the first components explain.
    explained_simulated
        Shape (30,): the same for the simulated stars.
    simulated, real
        Shape (N, 3) and (M, 3): projections on the first three, for unit G flux.
    """

    explained: Floats
    explained_simulated: Floats
    simulated: Floats
    real: Floats


def dwarf_spectra(types: tuple[str, ...]) -> Floats:
    """Return simulated spectra of dwarfs of solar metallicity, in arbitrary units, shape (K, 343).

    Parameters
    ----------
    types
        K types of `DWARF_TEFF`.
    """
    teff = np.array([float(DWARF_TEFF[name]) for name in types])
    return spectra(instrument().wavelengths_nm, teff, main_sequence_logg(teff), np.zeros_like(teff))


def compare_types(folder: Path) -> TypeSpectra:
    """Compare simulated dwarfs with the mean real spectra by type.

    Parameters
    ----------
    folder
        Folder with `TEMPLATES`.

    Returns
    -------
    TypeSpectra
        Of the types that the file has and `DWARF_TEFF` knows.

    Raises
    ------
    StellarError
        If the file is missing or has other columns.
    """
    table = _read(folder / TEMPLATES, ("spectral_type", "flux"))
    # "G2V" is looked up as "G2": all means are of dwarfs
    found = dict(zip([name[:2] for name in table["spectral_type"].to_pylist()], table["flux"].to_pylist(), strict=True))
    types = tuple(name for name in DWARF_TEFF if name in found)
    real = _normalised(np.array([found[name] for name in types], dtype=float))
    simulated = _normalised(dwarf_spectra(types))
    return TypeSpectra(types, simulated, real, relative_rms(simulated, real))


def check_types(compared: TypeSpectra) -> list[Check]:
    """Check every type: one check each, the worst first."""
    limit = f"rms at most {MAX_TEMPLATE_RMS:.0%} over 400-950 nm"
    return [
        Check("spectra by type", f"{compared.types[k]}V", float(compared.rms[k]), MAX_TEMPLATE_RMS, limit,
              bool(compared.rms[k] <= MAX_TEMPLATE_RMS))
        for k in np.argsort(-compared.rms)
    ]  # fmt: skip


def check_round_trip() -> list[Check]:
    """Turn spectra of noiseless dwarfs into coefficients and back; the worst type is shown."""
    # what is lost on the way is what 110 coefficients cannot hold, the floor of every other comparison
    types = tuple(DWARF_TEFF)
    flux = dwarf_spectra(types)
    coefficients, g_flux = instrument().coefficients(flux)
    rms = relative_rms((coefficients * g_flux[:, None]) @ instrument().design.T, flux)
    worst = int(np.argmax(rms))
    limit = f"rms at most {MAX_ROUND_TRIP_RMS:.0%} over 400-950 nm"
    passed = bool(rms[worst] <= MAX_ROUND_TRIP_RMS)
    return [Check("round trip", f"{types[worst]}V (worst)", float(rms[worst]), MAX_ROUND_TRIP_RMS, limit, passed)]


def relative_rms(simulated: Floats, real: Floats) -> Floats:
    """Return the rms of the relative difference of normalised spectra over 400 to 950 nm, shape (K,).

    Parameters
    ----------
    simulated, real
        Shape (K, 343), in any units: only their shapes are compared.
    """
    inside = _inside()
    return np.asarray(np.sqrt(np.mean((_normalised(simulated) / _normalised(real) - 1)[:, inside] ** 2, axis=1)))


def read_field(folder: Path) -> Floats:
    """Return the coefficients of real field stars for unit G flux, shape (M, 110); G comes from the spectrum.

    Parameters
    ----------
    folder
        Folder with `FIELD`.

    Raises
    ------
    StellarError
        If the file is missing or has other columns.
    """
    table = _read(folder / FIELD, ("bp_coefficients", "rp_coefficients"))
    bands = [np.array(table[f"{band}_coefficients"].to_pylist(), dtype=float) for band in ("bp", "rp")]
    coefficients = np.concatenate(bands, axis=1)
    # a noisy spectrum may have a negative flux in a band, and no magnitude
    coefficients = coefficients[(coefficients @ instrument().photometry > 0).all(axis=1)]
    g_flux = 10 ** ((ZERO_POINTS[0] - instrument().magnitudes(coefficients)[:, 0]) / 2.5)
    return np.asarray(coefficients / g_flux[:, None])


def compare_components(simulated: Floats, real: Floats) -> Components:
    """Find the principal components of simulated coefficients and project real ones on them.

    Parameters
    ----------
    simulated, real
        Coefficients for unit G flux, shape (N, 110) and (M, 110).

    Returns
    -------
    Components
        Those of the simulated stars, and how well they describe both.
    """
    # the real stars are taken about the simulated mean too: a sky that is off as a whole must show
    mean = simulated.mean(axis=0)
    _, _, axes = np.linalg.svd(simulated - mean, full_matrices=False)
    # rows of `axes`, (110, 110), are the components, the one of largest variance first
    explained = [
        np.cumsum((((x - mean) @ axes.T) ** 2).sum(axis=0)) / ((x - mean) ** 2).sum() for x in (real, simulated)
    ]
    projected = [(x - mean) @ axes[:3].T for x in (simulated, real)]
    return Components(explained[0][:30], explained[1][:30], *projected)


def check_components(components: Components) -> list[Check]:
    """Check how much of the real variance ten simulated components explain."""
    value = float(components.explained[NUM_COMPONENTS - 1])
    limit = f"at least {MIN_EXPLAINED:.0%} of the variance of real field stars"
    return [Check("components", f"{NUM_COMPONENTS} components", value, MIN_EXPLAINED, limit, value >= MIN_EXPLAINED)]


def _inside() -> NDArray[np.bool_]:
    wavelengths = instrument().wavelengths_nm
    return (wavelengths >= _COMPARED_NM[0]) & (wavelengths <= _COMPARED_NM[1])


def _normalised(flux: Floats) -> Floats:
    return np.asarray(flux / flux[:, _inside()].mean(axis=1, keepdims=True))


def _read(path: Path, columns: tuple[str, ...]) -> pa.Table:
    try:
        return pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        first = str(error).splitlines()[0]
        raise StellarError(
            f"{path} cannot be read as real spectra ({first}); --real names the folder that holds it"
        ) from error
