"""The settings that a release names, by a list: what is not on it is not published, whatever is added later."""

from typing import Any

from stellarfm.config import Settings

PUBLISHED = {
    "seed": (),
    "archive": ("name", "path", "num_stars", "rows_per_part", "spectra_per_part"),
    "gaia": ("tap_url", "data_url", "bulk_url", "release", "where", "max_rows", "xp", "xp_structure"),
    "twomass": ("by", "irsa_url", "radius_arcsec"),
    "apogee": ("source", "url", "checksums", "vizier_url"),
    "extinction": ("map", "table"),
    "checks": ("max_quarantined_share",),
    "training": ("preset", "vocabulary", "max_steps", "device"),
    "gate": (
        "open",
        "accept",
        "max_teff_scatter_ratio",
        "min_coverage_68",
        "max_coverage_68",
        "min_coverage_95",
        "max_coverage_95",
        "max_moved_share",
        "max_slower",
        "wait_for_approval",
    ),
}
"""Keys by section; none for a setting without a section."""


def published_settings(settings: Settings) -> dict[str, Any]:
    """Return what a release says of its settings: addresses without accounts and keys, files by their names.

    Parameters
    ----------
    settings
        Of the run.
    """
    data = settings.model_dump(mode="json")
    return {name: {key: data[name][key] for key in keys} if keys else data[name] for name, keys in PUBLISHED.items()}
