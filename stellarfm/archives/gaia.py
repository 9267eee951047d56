"""Gaia: which stars, and their rows of gaia_source."""

import pyarrow as pa

from stellarfm.archives.healpix import SkyPart
from stellarfm.archives.retry import RefusedError
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.missing import Ids
from stellarfm.landing.schema import TableSchema
from stellarfm.surveys.profile import Survey

TABLE = "gaia_source"
"""Table of the landing."""

SERVICE = "tap"
"""Key of the TAP service in a profile."""


class GaiaSources:
    """The table of sources of a release.

    Parameters
    ----------
    tap
        A service that has it: ESA's, or a mirror's.
    survey
        Profile of the release.
    schema
        The landing's table.
    where
        ADQL condition that selects stars, "" for all.
    """

    def __init__(self, tap: Tap, survey: Survey, schema: TableSchema, where: str) -> None:
        self.tap, self.survey = tap, survey
        self._schema, self._where = schema, where.strip()
        self._table = survey.table_at(SERVICE, TABLE)
        self._columns = survey.tables[TABLE]
        assert survey.identifier is not None, "every profile of Gaia says how identifiers hold their pixel"
        self.identifier = survey.identifier
        self._id = survey.tables[TABLE].names_at(SERVICE)["source_id"]

    def query_of_ids(self) -> str:
        """Return the query for the stars of an uploaded table."""
        return (
            f"SELECT {self._columns.select_at(SERVICE, 's')} FROM {self._table} AS s "  # noqa: S608
            f"JOIN tap_upload.{UPLOADED} AS w ON s.{self._id} = w.source_id"
        )

    def query_of_part(self, part: SkyPart) -> str:
        """Return the query for a part of the sky and of the selection."""
        return f"SELECT {self._columns.select_at(SERVICE)} {self._from(part)}"

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
        self.tap.probe(f"SELECT TOP 1 {self._columns.select_at(SERVICE)} FROM {self._table}")  # noqa: S608

    def conform(self, answer: pa.Table) -> pa.Table:
        """Return an answer as the landing has it, by ``source_id``."""
        return conform(answer, self._schema, f"{self.tap.name}: {self._table}", order="source_id")

    def _from(self, part: SkyPart) -> str:
        conditions = [part.condition, f"({self._where})" if self._where else ""]
        where = " AND ".join(condition for condition in conditions if condition)
        return f"FROM {self._table}" + (f" WHERE {where}" if where else "")


def uploaded(ids: Ids) -> pa.Table:
    """Return identifiers as a table to upload."""
    return pa.table({"source_id": pa.array(ids, pa.int64())})


def upload_query(text: str, ids: Ids) -> TapQuery:
    """Return a query that goes with identifiers; not all of them need to be there."""
    return TapQuery(text, None, len(ids), uploaded(ids))
