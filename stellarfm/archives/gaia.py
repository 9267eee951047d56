"""Gaia: which stars, and their rows of gaia_source."""

import pyarrow as pa

from stellarfm.archives.by_ids import Ids
from stellarfm.archives.landed import as_landed
from stellarfm.archives.patience import RefusedError
from stellarfm.archives.schema import SCHEMAS
from stellarfm.archives.sky_parts import SkyPart
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery
from stellarfm.config import Gaia
from stellarfm.errors import StellarError

TABLE = "gaia_source"


class GaiaSources:
    """The table ``gaia_source`` of a release.

    Parameters
    ----------
    tap
        A service that has it: ESA's, or a mirror's.
    settings
        Release, and which stars.
    """

    def __init__(self, tap: Tap, settings: Gaia) -> None:
        self.tap = tap
        self.schema = settings.release.lower().replace(" ", "")
        self._where = settings.where.strip()
        self._columns = list(SCHEMAS[TABLE].columns)

    def query_of_ids(self) -> str:
        """Return the query for the stars of an uploaded table."""
        columns = ", ".join(f"s.{name}" for name in self._columns)
        return (
            f"SELECT {columns} FROM {self.schema}.{TABLE} AS s "  # noqa: S608
            f"JOIN tap_upload.{UPLOADED} AS w ON s.source_id = w.source_id"
        )

    def query_of_part(self, part: SkyPart) -> str:
        """Return the query for a part of the sky and of the selection."""
        return f"SELECT {', '.join(self._columns)} {self._from(part)}"

    def count(self, part: SkyPart) -> int:
        """Return the number of selected stars of a part of the sky.

        Raises
        ------
        StellarError
            If the archive refuses the condition, with its own words, or fails.
        """
        try:
            return self.tap.count(f"SELECT COUNT(*) AS n {self._from(part)}")
        except RefusedError as error:
            if self._where and "credentials" not in str(error):
                raise StellarError(f"{error}; the condition is gaia.where = {self._where!r}") from error
            raise

    def probe(self) -> None:
        """Ask for one star, so that a wrong release or column is told by the archive in its own words."""
        self.tap.probe(f"SELECT TOP 1 {', '.join(self._columns)} FROM {self.schema}.{TABLE}")  # noqa: S608

    def landed(self, answer: pa.Table) -> pa.Table:
        """Return an answer as the landing has it, by ``source_id``."""
        return as_landed(answer, TABLE, f"{self.tap.name}: {self.schema}.{TABLE}", order="source_id")

    def _from(self, part: SkyPart) -> str:
        conditions = [part.condition, f"({self._where})" if self._where else ""]
        where = " AND ".join(condition for condition in conditions if condition)
        return f"FROM {self.schema}.{TABLE}" + (f" WHERE {where}" if where else "")


def uploaded(ids: Ids) -> pa.Table:
    """Return identifiers as a table to upload."""
    return pa.table({"source_id": pa.array(ids, pa.int64())})


def query_of_ids(text: str, ids: Ids) -> TapQuery:
    """Return a query that goes with identifiers; not all of them need to be there."""
    return TapQuery(text, None, len(ids), uploaded(ids))
