"""The releases that the simulated sky imitates, and what it takes from them."""

from stellarfm.rules import rule_value
from stellarfm.surveys.profile import Xp
from stellarfm.surveys.selection import choose_surveys

SURVEYS = choose_surveys()
"""Profiles of the releases."""


def _xp() -> Xp:
    xp = SURVEYS.gaia.xp
    assert xp is not None, "every profile of Gaia has spectra"
    return xp


NUM_BP, NUM_RP = _xp().num_bp, _xp().num_rp
"""XP coefficients of each band."""

NUM_COEFFICIENTS = NUM_BP + NUM_RP
"""XP coefficients of both bands: BP's come first wherever they stand together."""

ZERO_POINTS = tuple(rule_value(f"{band}_zero_point_mag") for band in ("g", "bp", "rp"))
"""Zero points of G, BP and RP in mag, for fluxes in electrons per second."""

EPOCH_YEAR = SURVEYS.gaia.epoch_year
"""Epoch of Gaia's positions, Julian year."""
