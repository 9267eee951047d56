"""2MASS: the sources that belong to Gaia's, by its table of best neighbours, or by position."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.archives.by_ids import Ids
from stellarfm.archives.gaia import uploaded
from stellarfm.archives.jobs import Jobs
from stellarfm.archives.landed import as_landed
from stellarfm.archives.schema import SCHEMAS
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery

TABLE = "twomass_psc"
RELEASE = "2MASS all-sky point sources"
_MOST_NEIGHBOURS = 20
"""Sources of 2MASS around one of Gaia, on average, beyond which something is wrong."""

_AT_ESA = {
    "designation": "designation", "ra": "ra", "dec": "dec", "err_maj": "err_maj", "err_min": "err_min",
    "err_ang": "err_ang", "j_m": "j_m", "j_msigcom": "j_msigcom", "h_m": "h_m", "h_msigcom": "h_msigcom", "k_m": "ks_m",
    "k_msigcom": "ks_msigcom", "ph_qual": "ph_qual", "jdate": "j_date",
}  # fmt: skip
"""What ESA calls the columns; it has no flags but the quality of the photometry."""


class Neighbours:
    """The best neighbours of Gaia's sources at ESA (Gaia DR3 documentation, section 15)."""

    def __init__(self, tap: Tap, schema: str, jobs: Jobs) -> None:
        self._tap, self._jobs = tap, jobs
        columns = ", ".join(f"t.{there} AS {here}" for here, there in _AT_ESA.items())
        self._tables = (
            f"FROM {schema}.tmass_psc_xsc_best_neighbour AS n "
            f"JOIN tap_upload.{UPLOADED} AS w ON n.source_id = w.source_id "
            f"JOIN {schema}.tmass_psc_xsc_join AS j ON n.clean_tmass_psc_xsc_oid = j.clean_tmass_psc_xsc_oid "
            "JOIN gaiadr1.tmass_original_valid AS t ON j.original_psc_source_id = t.designation"
        )
        self.text = f"SELECT {columns} {self._tables}"

    def ask(self, ids: Ids, part: str) -> pa.Table:
        """Return the 2MASS sources of stars."""
        return _counted(self._tap, self._jobs, (self.text, self._tables), uploaded(ids), part)


class Positions:
    """The 2MASS sources around positions, at IRSA.

    Parameters
    ----------
    tap
        IRSA's TAP service.
    jobs
        Keeps its jobs.
    radius_arcsec
        How far to look.
    """

    def __init__(self, tap: Tap, jobs: Jobs, radius_arcsec: float) -> None:
        self._tap, self._jobs = tap, jobs
        columns = ", ".join(f"p.{name}" for name in SCHEMAS[TABLE].columns)
        self._tables = (
            f"FROM fp_psc AS p, tap_upload.{UPLOADED} AS w "
            f"WHERE CONTAINS(POINT('ICRS', p.ra, p.dec), CIRCLE('ICRS', w.ra, w.dec, {radius_arcsec / 3600!r})) = 1"
        )
        self.text = f"SELECT {columns} {self._tables}"

    def ask(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64], part: str) -> pa.Table:
        """Return the 2MASS sources around positions at the epoch 2000, each of shape (N,)."""
        around = pa.table({"ra": ra_deg, "dec": dec_deg})
        return _counted(self._tap, self._jobs, (self.text, self._tables), around, part)


def positions_in_2000(gaia: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where sources were in 2000, degrees, by their proper motions; one without a motion stays.

    Parameters
    ----------
    gaia
        Columns ref_epoch, ra, dec, pmra, pmdec of the landing, N rows.
    """
    names = ("ref_epoch", "ra", "dec", "pmra", "pmdec")
    epoch, ra, dec, pmra, pmdec = (gaia[name].to_numpy().astype(np.float64) for name in names)
    years = 2000.0 - epoch
    dec_2000 = np.clip(dec + np.nan_to_num(pmdec) * years / 3.6e6, -90, 90)
    ra_2000 = (ra + np.nan_to_num(pmra) * years / 3.6e6 / np.maximum(np.cos(np.radians(dec)), 1e-9)) % 360
    return ra_2000, dec_2000


def _counted(tap: Tap, jobs: Jobs, query: tuple[str, str], upload: pa.Table, part: str) -> pa.Table:
    """Ask how many rows there are, then for the rows; one source may be near several others and is kept once."""
    text, tables = query
    most = _MOST_NEIGHBOURS * len(upload) + 100
    count = tap.fetch(TapQuery(f"SELECT COUNT(*) AS n {tables}", 1, 1, upload), jobs, f"{part}-count")
    answer = tap.fetch(TapQuery(text, int(count.column(0)[0].as_py()), most, upload), jobs, part)
    landed = as_landed(answer, TABLE, f"{tap.name}: 2MASS", order="designation")
    _, first = np.unique(landed["designation"].to_numpy(zero_copy_only=False), return_index=True)
    return landed.take(pa.array(np.sort(first)))
