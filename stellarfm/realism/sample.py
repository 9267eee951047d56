"""A sample of the simulated sky as the warehouse sees it: the training set after all cuts, with its tokens."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stellarfm.archives import simulated
from stellarfm.landing.parts import Landing
from stellarfm.progress import ProgressCallback, no_progress
from stellarfm.sky.release import NUM_COEFFICIENTS, SURVEYS
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import load_vocabulary
from stellarfm.warehouse.build import STAGING, build_marts, build_staging
from stellarfm.warehouse.connection import connect

Floats = NDArray[np.float64]

# Ordered by source_id, as the tokens are, so that row i is one star in each of the arrays.
_OBSERVED = (
    "select phot_g_mean_mag, coalesce(parallax, 'nan'::double) as parallax from marts.stars"
    " where in_training_set order by source_id"
)
# All coefficients of the stars with a good spectrum, relevant or not: principal components need whole vectors.
_COEFFICIENTS = """
select (bp_coefficients || rp_coefficients) as coefficients, g_flux(phot_g_mean_mag) as flux
from marts.star_observations inner join marts.stars using (source_id, phot_g_mean_mag)
where is_gaia_good order by source_id
"""


@dataclass(frozen=True)
class Sample:
    """N stars of the training set.

    Attributes
    ----------
    names
        The 118 tokens of Leung & Bovy (2024).
    values
        Shape (N, 118): tokens in their units, NaN where unknown or not relevant.
    g_mag, parallax
        Shape (N,): mag, mas; the parallax is corrected, NaN where it is not good.
    coefficients
        Shape (M, 110): all coefficients for unit G flux of the M stars with a good spectrum, relevant or not.
    """

    names: tuple[str, ...]
    values: Floats
    g_mag: Floats
    parallax: Floats
    coefficients: Floats

    def token(self, name: str) -> Floats:
        """Return one token of all stars, shape (N,), in its unit.

        Parameters
        ----------
        name
            One of `names`.

        Raises
        ------
        ValueError
            If there is no such token.
        """
        return self.values[:, self.names.index(name)]


def draw_sample(num_stars: int, seed: int, progress: ProgressCallback = no_progress) -> Sample:
    """Simulate stars and take them through the SQL of the warehouse in a temporary folder.

    Parameters
    ----------
    num_stars, seed
        Size and seed of the sky.
    progress
        Called with stars done and stars in all.

    Returns
    -------
    Sample
        Those of the stars that the cuts keep.

    Raises
    ------
    ValueError
        If the number of stars or the seed is out of its limits.
    """
    vocabulary = load_vocabulary("leung_bovy")
    # through files and the SQL of every catalogue: the cuts that shape the real training set shape this one too
    with tempfile.TemporaryDirectory(prefix="stellarfm-sky-") as name:
        landing = Landing(Path(name), "simulated")
        simulated.fetch(landing, num_stars, seed, progress)
        with connect(Path(name) / "warehouse.duckdb") as con:
            build_staging(con, {table: landing.files(table) for table in STAGING.values()})
            build_marts(con, SURVEYS)
            tokens = read_tokens(con, "(from marts.training_set order by source_id)", vocabulary)
            observed = con.execute(_OBSERVED).fetchnumpy()
            spectra = con.sql(_COEFFICIENTS).to_arrow_table().combine_chunks()
    # a list column is one flat array underneath: no loop over stars
    flat = spectra["coefficients"].combine_chunks().flatten().to_numpy().astype(np.float64)
    coefficients = flat.reshape(-1, NUM_COEFFICIENTS) / spectra["flux"].to_numpy()[:, None]
    g_mag, parallax = (np.asarray(observed[c], dtype=np.float64) for c in ("phot_g_mean_mag", "parallax"))
    return Sample(tuple(vocabulary.names), tokens.values.astype(np.float64), g_mag, parallax, coefficients)
