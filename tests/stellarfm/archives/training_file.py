"""A file in the layout of the authors' training set, written from the marts of a simulated home."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import h5py
import numpy as np

SCALARS = {
    "phot_g_mean_mag": "phot_g_mean_mag", "parallax": "parallax", "parallax_err": "parallax_error",
    **{name + end: {"logc19": "logebv"}.get(name, name) + ("_error" if end else "")
       for name in ("bprp", "jh", "jk", "g_fakemag", "logc19", "teff", "logg", "m_h") for end in ("", "_err")},
}  # fmt: skip
"""Each scalar dataset below /raw and the column of ``marts.stars``."""

_ROWS = """
    select
        stars.* exclude (phot_g_mean_mag),
        training_set.phot_g_mean_mag,
        observed.bp_n_relevant_bases,
        observed.rp_n_relevant_bases,
        pow(10, (25.6873668671 - observed.phot_g_mean_mag) / 2.5) as g_flux,
        if(stars.is_gaia_good, [c / g_flux for c in bp_coefficients::float[] || rp_coefficients::float[]], null) as xp,
        if(stars.is_gaia_good, [e / g_flux for e in bp_coefficient_errors::float[] || rp_coefficient_errors::float[]], null)
            as xp_error
    from marts.training_set
    inner join marts.stars using (source_id)
    inner join marts.star_observations as observed using (source_id)
    order by source_id
"""


def write_training_file(warehouse: Path, target: Path) -> None:
    """Write the training set of a warehouse as its authors would: coefficients not masked, relevancy beside them."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.sql(_ROWS).to_arrow_table()
    good = np.array(rows["is_gaia_good"].to_pylist())
    designations = [name or f"{i:08d}+{i:07d}" for i, name in enumerate(rows["tmass_designation"].to_pylist())]
    datasets: dict[str, Any] = {
        "2mass_designation": np.array(designations, dtype="S16")[:, None],
        "gaia_source_id": rows["source_id"].to_numpy(),
        "raw/xp_coeffs_gnorm": _spectra(rows["xp"], good),
        "raw/xp_coeffs_gnorm_err": _spectra(rows["xp_error"], good),
        "raw/xp_relevancy": np.hstack(
            [np.arange(55) < _numbers(rows[f"{band}_n_relevant_bases"])[:, None] for band in ("bp", "rp")]
        ),
        **{f"raw/{name}": _numbers(rows[column]) for name, column in SCALARS.items()},
    }
    write_datasets(target, datasets)


def write_datasets(target: Path, datasets: Mapping[str, Any]) -> None:
    """Write arrays under their names."""
    with h5py.File(target, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values)


def _numbers(column: Any) -> Any:
    return column.to_numpy().astype(np.float64)


def _spectra(column: Any, good: Any) -> Any:
    values = np.full((len(good), 110), np.nan)
    values[good] = column.drop_null().combine_chunks().flatten().to_numpy().reshape(-1, 110)
    return values
