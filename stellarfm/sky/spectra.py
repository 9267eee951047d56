"""Spectral energy distributions from Teff, log g and [M/H]: a black body with the features that XP resolves.

The strengths are simple functions of temperature, gravity and metallicity with the right sign and place; they carry the
information that real spectra carry, not a model atmosphere's accuracy.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_H, _C, _K = 6.62607015e-34, 2.99792458e8, 1.380649e-23


def black_body(wavelengths_nm: Floats, teff: Floats) -> Floats:
    """Return B_lambda, shape (N, W), in W m-2 nm-1 sr-1.

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    teff
        Shape (N,), K.
    """
    metres = wavelengths_nm * 1e-9
    exponent = _H * _C / (_K * metres * teff[:, None])
    return 2 * _H * _C**2 / metres**5 / np.expm1(exponent) * 1e-9


def optical_depths(wavelengths_nm: Floats, teff: Floats, logg: Floats, m_h: Floats) -> Floats:
    """Return the optical depth of all features, shape (N, W).

    Parameters
    ----------
    wavelengths_nm
        Shape (W,).
    teff, logg, m_h
        Shape (N,); K, dex, dex.
    """
    w = wavelengths_nm
    cool = np.clip((6500 - teff) / 2500, 0, 1.6)
    metals = 10 ** (0.45 * m_h)
    hydrogen = np.exp(-(((teff - 8800) / 2400) ** 2))
    dwarf = 1 / (1 + np.exp(-(logg - 3.6) / 0.5))
    giant = 1 - dwarf
    g_band = np.exp(-(((teff - 5200) / 900) ** 2))
    titanium = 1 / (1 + np.exp((teff - 3750) / 160)) * 10 ** (0.35 * m_h)
    tau = np.zeros((len(teff), len(w)))

    def add(strength: Floats, shape: Floats) -> None:
        np.add(tau, strength[:, None] * shape, out=tau)

    add(0.55 * hydrogen, 1 / (1 + np.exp((w - 368) / 6)))  # Balmer jump
    for centre, share in ((656.3, 0.20), (486.1, 0.24), (434.0, 0.25), (410.2, 0.25)):
        add(share * hydrogen, _line(w, centre, 5.0))
    add(0.34 * metals * (0.25 + cool), 1 / (1 + np.exp((w - 420) / 16)))  # blanketing by metals in the blue
    add(0.16 * metals * (0.2 + cool), 1 / (1 + np.exp((w - 520) / 25)))
    add(0.60 * metals * (0.35 + cool), _line(w, 395.0, 5.0))  # Ca H and K
    add(0.22 * g_band * metals, _line(w, 430.5, 4.0))  # CH
    add((0.16 + 0.28 * dwarf) * metals * cool, _line(w, 516.5, 6.5))  # Mg b and MgH
    add((0.05 + 0.22 * dwarf) * metals * cool**2, _line(w, 589.3, 4.5))  # Na D
    add((0.06 + 0.12 * giant) * metals * (0.4 + cool), _line(w, 854.2, 6.0))  # Ca triplet
    add((0.04 + 0.08 * giant) * metals * (0.4 + cool), _line(w, 866.2, 4.0))
    add(0.20 * giant * cool * metals, _line(w, 421.5, 6.0))  # CN, a mark of giants
    add(0.14 * giant * cool * metals, _line(w, 388.0, 6.0))
    add(0.05 * giant * cool * metals, _line(w, 925.0, 14.0))
    for centre, width, share in (
        (438.4, 4, 0.10),
        (452.7, 5, 0.07),
        (489.0, 6, 0.06),
        (527.0, 5, 0.10),
        (615.0, 9, 0.04),
    ):
        add(share * metals * (0.3 + cool), _line(w, centre, width))  # blends of iron-peak lines
    for head, length, share in (
        (476.0, 12, 0.5), (495.5, 12, 0.6), (516.7, 14, 0.7), (544.8, 14, 0.7), (584.7, 16, 0.6), (615.8, 18, 0.8),
        (665.1, 22, 0.9), (705.3, 26, 1.1), (758.9, 28, 0.8), (820.6, 20, 0.5), (843.2, 24, 0.9), (885.9, 26, 0.6),
    ):  # fmt: skip
        add(share * titanium, _band(w, head, length))  # TiO, degraded to the red
    add(0.5 * dwarf * titanium, _line(w, 690.0, 9.0))  # CaH, a mark of dwarfs
    return tau


def spectra(wavelengths_nm: Floats, teff: Floats, logg: Floats, m_h: Floats) -> Floats:
    """Return spectra in arbitrary absolute units, shape (N, W); per nm."""
    return black_body(wavelengths_nm, teff) * np.exp(-optical_depths(wavelengths_nm, teff, logg, m_h))


def _line(w: Floats, centre: float, width: float) -> Floats:
    return np.exp(-0.5 * ((w - centre) / width) ** 2)


def _band(w: Floats, head: float, length: float) -> Floats:
    """Return a molecular band: sharp at its head, fading to longer wavelengths."""
    return np.where(w >= head, np.exp(-np.maximum(w - head, 0) / length), np.exp(-0.5 * ((w - head) / 2.0) ** 2))
