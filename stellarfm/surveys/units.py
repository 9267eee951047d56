"""Units in which the columns of the surveys are, by the names that archives and people give them."""

import re

_UNITS = {
    "deg": r"ra|dec|raj2000|dej2000|l|b|glon|glat|ecl_(lat|lon)",
    "mas": r"(ra|dec)_error|(parallax|plx)(_error)?",
    "mas / yr": r"pm|pm(ra|dec)(_error)?",
    "arcsec": r"err_(maj|min)|position_error_arcsec",
    "mag": r"phot_\w+_mean_mag(_error)?|(bp_rp|bp_g|g_rp|ebv)(_error)?|(tmass|ps1|wise)_\w+|[jhk]_m(sigcom)?"
    r"|[jhk]s?(_err|_error)?",
    "K": r"teff(_err|_error)?",
    "dex": r"(logg|m_h|fe_h|logebv)(_err|_error)?",
    "km / s": r"radial_velocity(_error)?|vhelio_avg|verr",
    "yr": r"ref_epoch|epoch_year",
    "d": r"jdate",
}
"""Unit, as astropy writes it, and the names of columns that are in it, whatever their case."""


def unit_of(column: str) -> str | None:
    """Return the unit in which a column of this name is read, None if the name says nothing."""
    return next((unit for unit, names in _UNITS.items() if re.fullmatch(names, column, re.IGNORECASE)), None)
