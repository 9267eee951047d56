"""Gaia: which stars, and their rows of gaia_source."""

from html import unescape

import pyarrow as pa

from stellarfm.archives.healpix import SkyPart
from stellarfm.archives.retry import RefusedError
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery
from stellarfm.conditions import near_columns
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.schema import TableSchema
from stellarfm.surveys.profile import CROSSWALK, UNKNOWN, Survey
from stellarfm.surveys.profile import SERVICE as SERVICE

TABLE = "gaia_source"
"""Table of the landing."""


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
        self._id = survey.tables[TABLE].names_at(SERVICE)["source_id"]
        # in the words of the service, as the conditions on parts of the sky are
        self.identifier = survey.identifier.model_copy(update={"column": self._id})
        self._counted: dict[str, int] = {}

    def query_of_ids(self) -> str:
        """Return the query for the stars of an uploaded table."""
        return (
            f"SELECT {self._columns.select_at(SERVICE, 's')} FROM {self._table} AS s "  # noqa: S608
            f"JOIN tap_upload.{UPLOADED} AS w ON s.{self._id} = w.source_id"
        )

    def query_of_part(self, part: SkyPart) -> str:
        """Return the query for a part of the sky and of the selection."""
        return f"SELECT {self._columns.select_at(SERVICE)} {self._from(part)}"

    def count(self, part: SkyPart, *, with_spectra: bool = False) -> int:
        """Return the number of selected stars of a part of the sky; no number is asked for twice.

        Parameters
        ----------
        part
            Pixel, or the whole sky.
        with_spectra
            Count those alone that have an XP spectrum.

        Raises
        ------
        StellarError
            If the archive refuses the condition, with its own words, or fails.
        """
        text = f"SELECT COUNT(*) AS n {self._from(part, with_spectra=with_spectra)}"
        if text not in self._counted:
            self._counted[text] = self._count(text)
        return self._counted[text]

    def count_neighbours(self, survey: str) -> int:
        """Return the number of best neighbours that the selected stars have in another survey.

        Raises
        ------
        StellarError
            If the release has no table of them, or the archive refuses or fails.
        """
        tables = self.survey.neighbours.get(survey)
        if tables is None or tables.best_neighbour == UNKNOWN:
            raise StellarError(f"the profile of {self.survey.release} names no table of neighbours in {survey}")
        there = f"{self.survey.schemas[SERVICE]}.{tables.best_neighbour}"
        return self._count(f"SELECT COUNT(*) AS n FROM {there} AS n {self._join('n')}")  # noqa: S608

    def count_of_ids(self, ids: Ids, jobs: Jobs, part: str, *, with_spectra: bool = False) -> int:
        """Return how many of the stars named are selected.

        Parameters
        ----------
        ids
            Identifiers, shape (N,), no more than one upload may have.
        jobs, part
            Keeps the job of this name.
        with_spectra
            Count those alone that have an XP spectrum.

        Raises
        ------
        StellarError
            If the archive refuses or fails.
        """
        counted, through, other = self._through()
        joined = self._join(other, with_spectra=with_spectra)
        text = f"SELECT COUNT({counted}) AS n FROM tap_upload.{UPLOADED} AS w {through}{joined}"  # noqa: S608
        return int(self.tap.fetch(TapQuery(text, 1, 1, uploaded(ids)), jobs, part).column(0)[0].as_py())

    def one_with_spectrum(self) -> int:
        """Return the identifier of a source that has a spectrum, or of any where the release's flag is not known."""
        flag = self._columns.names_at(SERVICE).get("has_xp_continuous")
        where = f" WHERE {flag} = 'True'" if flag else ""
        return self.tap.count(f"SELECT TOP 1 {self._id} AS source_id FROM {self._table}{where}")  # noqa: S608

    def probe(self) -> None:
        """Ask for one star, so that a wrong release or column is told by the archive in its own words."""
        self.tap.probe(f"SELECT TOP 1 {self._columns.select_at(SERVICE)} FROM {self._table}")  # noqa: S608

    def conform(self, answer: pa.Table) -> pa.Table:
        """Return an answer as the landing has it, by ``source_id``.

        Raises
        ------
        StellarError
            If a needed column is not there, or a value is not of the column's type.
        """
        return conform(answer, self._schema, f"{self.tap.name}: {self._table}", order="source_id")

    def _count(self, text: str) -> int:
        """Ask for a number; the archive's words about a condition come with the condition, and what it may have meant."""
        try:
            return self.tap.count(text)
        except RefusedError as error:
            # a refused account says nothing of the condition: it must not be blamed
            if not self._where or "credentials" in str(error):
                raise
            near = near_columns(self._where, str(error), self._columns.names_at(SERVICE), self.survey.release)
            said = unescape(str(error))  # it comes out of XML
            raise StellarError(f"{said}; the condition is gaia.where = {self._where!r}{near}") from error

    def _join(self, other: str, *, with_spectra: bool = False) -> str:
        """Return a join of another table's ``source_id`` with the selected stars, whose columns stay among themselves."""
        chosen = self._from(SkyPart(self.identifier), with_spectra=with_spectra)
        column = self.survey.tables[CROSSWALK].names_at(SERVICE)["source_id"] if other == "x" else "source_id"
        return f"JOIN (SELECT {self._id} AS source_id {chosen}) AS s ON s.source_id = {other}.{column}"

    def _through(self) -> tuple[str, str, str]:
        """Return what is counted of uploaded identifiers, and how they lead to sources: by a crosswalk if there is one."""
        if self.survey.crosswalk is None:
            return "*", "", "w"
        names = self.survey.tables[CROSSWALK].names_at(SERVICE)
        there = self.survey.table_at(SERVICE, CROSSWALK)
        # distinct: one star of then may have several neighbours now
        return "DISTINCT w.source_id", f"JOIN {there} AS x ON x.{names['earlier_source_id']} = w.source_id ", "x"

    def _from(self, part: SkyPart, *, with_spectra: bool = False) -> str:
        # quoted: ADQL 2.0 has no boolean literals
        flag = self._columns.names_at(SERVICE).get("has_xp_continuous")
        # a release whose flag nobody knows: any of the stars may have a spectrum
        has_spectrum = f"{flag} = 'True'" if with_spectra and flag else ""
        # in parentheses, or an OR of a person's condition would reach past the part of the sky
        conditions = [part.condition, f"({self._where})" if self._where else "", has_spectrum]
        where = " AND ".join(condition for condition in conditions if condition)
        return f"FROM {self._table}" + (f" WHERE {where}" if where else "")


def uploaded(ids: Ids) -> pa.Table:
    """Return identifiers, shape (N,), as a table to upload."""
    return pa.table({"source_id": pa.array(ids, pa.int64())})


def upload_query(text: str, ids: Ids) -> TapQuery:
    """Return a query that goes with identifiers, shape (N,); not all of them need to be there, so that rows is None."""
    return TapQuery(text, None, len(ids), uploaded(ids))
