"""2MASS: the sources that belong to Gaia's, by its table of best neighbours, or by position."""

from collections.abc import Sized

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stellarfm.archives.gaia import SERVICE as GAIA_SERVICE
from stellarfm.archives.gaia import uploaded
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.schema import TableSchema, landing_schemas
from stellarfm.surveys.profile import UNKNOWN
from stellarfm.surveys.selection import Surveys

TABLE = "twomass_psc"
"""Table of the landing."""

_MOST_NEIGHBOURS = 20
"""Sources of 2MASS around one of Gaia, on average, beyond which something is wrong."""


class Neighbours:
    """The best neighbours of Gaia's sources, by the tables of Gaia's archive.

    Parameters
    ----------
    tap
        The TAP service of Gaia.
    surveys
        Profiles of Gaia, which names the tables of neighbours, and of 2MASS.
    jobs
        Keeps the service's jobs.

    Raises
    ------
    StellarError
        If the release of Gaia has no such tables.
    """

    def __init__(self, tap: Tap, surveys: Surveys, jobs: Jobs) -> None:
        self._tap, self._jobs, self._schema = tap, jobs, landing_schemas(surveys)[TABLE]
        gaia, table = surveys.gaia, surveys.twomass.tables[TABLE]
        tables = gaia.neighbours.get("twomass")
        if tables is None or UNKNOWN in (tables.best_neighbour, tables.join):
            raise StellarError(
                f"the profile of {gaia.release} names no table of 2MASS neighbours; take 2MASS by position "
                "(twomass.by = position), or fill in [neighbours.twomass], with the names that `stellarfm survey check` lists"
            )
        schema = gaia.schemas[GAIA_SERVICE]
        self._neighbours = (
            f"FROM {schema}.{tables.best_neighbour} AS n JOIN tap_upload.{UPLOADED} AS w ON n.source_id = w.source_id "
        )
        # from a neighbour on: the link to the original catalogue, the catalogue itself
        self._catalogue = (
            "{outer}JOIN " + f"{schema}.{tables.join} AS j ON n.{tables.key} = j.{tables.key} "
            "{outer}JOIN " + f"{table.at['gaia'].name} AS t ON j.{tables.identifier} = t.designation"
        )
        self.text = f"SELECT {table.select_at('gaia', 't')} {self._neighbours}{self._catalogue.format(outer='')}"

    def ask(self, ids: Ids, part: str) -> tuple[pa.Table, Ids]:
        """Return the 2MASS sources of stars, by ``designation``, each once, and the stars that have a neighbour without one.

        Parameters
        ----------
        ids
            Gaia identifiers, shape (N,).
        part
            Name of the jobs.

        Returns
        -------
        sources, lost
            Rows of the landing, and identifiers, shape (M,): the archive names a best neighbour of them, and its copy of 2MASS
            does not have it.

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        upload = uploaded(ids)
        whole = self._neighbours + self._catalogue.format(outer="LEFT OUTER ")
        text = f"SELECT COUNT(*) AS n, COUNT(t.designation) AS m {whole}"
        count = self._tap.fetch(TapQuery(text, 1, 1, upload), self._jobs, f"{part}-count")
        neighbours, found = (int(count.column(place)[0].as_py()) for place in range(2))
        rows = _fetched(self._tap, self._jobs, TapQuery(self.text, found, _most(ids), upload), part, self._schema)
        if neighbours == found:
            return rows, np.empty(0, np.int64)
        return rows, self._lost(whole, upload, neighbours - found, part)

    def _lost(self, whole: str, upload: pa.Table, rows: int, part: str) -> Ids:
        text = f"SELECT n.source_id AS source_id {whole} WHERE t.designation IS NULL"
        answer = self._tap.fetch(TapQuery(text, rows, rows, upload), self._jobs, f"{part}-lost")
        return np.unique(answer.column(0).to_numpy().astype(np.int64))


class Positions:
    """The 2MASS sources around positions, at IRSA.

    Parameters
    ----------
    tap
        IRSA's TAP service.
    surveys
        Profile of 2MASS, which names table and columns.
    jobs
        Keeps its jobs.
    radius_arcsec
        Largest distance from a position.
    """

    def __init__(self, tap: Tap, surveys: Surveys, jobs: Jobs, radius_arcsec: float) -> None:
        self._tap, self._jobs, self._schema = tap, jobs, landing_schemas(surveys)[TABLE]
        table = surveys.twomass.tables[TABLE]
        names = table.names_at("irsa")
        self._tables = (
            f"FROM {table.at['irsa'].name} AS p, tap_upload.{UPLOADED} AS w "
            f"WHERE CONTAINS(POINT('ICRS', p.{names['ra']}, p.{names['dec']}), "
            f"CIRCLE('ICRS', w.ra, w.dec, {radius_arcsec / 3600!r})) = 1"
        )
        self.text = f"SELECT {table.select_at('irsa', 'p')} {self._tables}"

    def ask(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64], part: str) -> pa.Table:
        """Return the 2MASS sources around positions, by ``designation``, each once.

        Parameters
        ----------
        ra_deg, dec_deg
            Positions at the epoch of 2MASS, ICRS, shape (N,).
        part
            Name of the jobs.

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        around = pa.table({"ra": ra_deg, "dec": dec_deg})
        # a job as well: DaCHS takes uploads of synchronous queries up to 500 kB by default
        count = TapQuery(f"SELECT COUNT(*) AS n {self._tables}", 1, 1, around)
        rows = int(self._tap.fetch(count, self._jobs, f"{part}-count").column(0)[0].as_py())
        return _fetched(self._tap, self._jobs, TapQuery(self.text, rows, _most(around), around), part, self._schema)


def positions_at(gaia: pa.Table, epoch_year: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where sources were in a year, degrees, by their proper motions; one without a motion stays.

    Parameters
    ----------
    gaia
        Columns ref_epoch (years), ra, dec (degrees), pmra, pmdec (mas/yr) of the landing, N rows.
    epoch_year
        The year, e.g. that of 2MASS.

    Returns
    -------
    ra, dec
        Degrees, shape (N,); ra in [0, 360).
    """
    names = ("ref_epoch", "ra", "dec", "pmra", "pmdec")
    epoch, ra, dec, pmra, pmdec = (gaia[name].to_numpy().astype(np.float64) for name in names)
    years = epoch_year - epoch
    # mas to degrees by 3.6e6, pmra includes cos(dec). Linear in the coordinates: over 16 years good to far below the radius,
    # except at the poles, where cos(dec) is kept from 0 and the declination from passing 90
    dec_then = np.clip(dec + np.nan_to_num(pmdec) * years / 3.6e6, -90, 90)
    ra_then = (ra + np.nan_to_num(pmra) * years / 3.6e6 / np.maximum(np.cos(np.radians(dec)), 1e-9)) % 360
    return ra_then, dec_then


def _most(stars: Sized) -> int:
    """Return a limit of the rows that are asked for: a join that is wrong would ask for the product of two catalogues."""
    return _MOST_NEIGHBOURS * len(stars) + 100


def _fetched(tap: Tap, jobs: Jobs, query: TapQuery, part: str, schema: TableSchema) -> pa.Table:
    """Ask for rows of which the number is known; one source may be near several others and is kept once."""
    rows = conform(tap.fetch(query, jobs, part), schema, f"{tap.name}: 2MASS", order="designation")
    _, first = np.unique(rows["designation"].to_numpy(zero_copy_only=False), return_index=True)
    return rows.take(pa.array(np.sort(first)))
