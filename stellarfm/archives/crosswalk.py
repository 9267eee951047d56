"""From the identifiers of an earlier release, by which labels are known, to the sources of the release at hand."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from stellarfm.archives.gaia import SERVICE, uploaded
from stellarfm.archives.tap import UPLOADED, Tap, TapQuery
from stellarfm.database import open_database
from stellarfm.errors import StellarError
from stellarfm.landing.conform import conform
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids
from stellarfm.landing.parts import Landing
from stellarfm.landing.schema import TableSchema
from stellarfm.resources import read_sql
from stellarfm.rules import install_rules
from stellarfm.surveys.profile import CROSSWALK as TABLE
from stellarfm.surveys.selection import Surveys

_MOST_NEIGHBOURS = 100
"""Sources of the earlier release around one of this, on average, beyond which something is wrong."""


class Crosswalk:
    """The table of neighbours of two releases, at the archive of Gaia.

    Parameters
    ----------
    tap
        The service.
    surveys
        Profiles; that of Gaia has a crosswalk.
    """

    def __init__(self, tap: Tap, surveys: Surveys) -> None:
        survey = surveys.gaia
        self._tap, self._surveys = tap, surveys
        self._table = survey.tables[TABLE]
        self._schema = TableSchema.of_table(self._table)
        self._there, self._names = survey.table_at(SERVICE, TABLE), self._table.names_at(SERVICE)

    def of_earlier(self, ids: Ids, jobs: Jobs, part: str) -> pa.Table:
        """Return the pairs of sources of the earlier release; see `of_later`."""
        return self._ask("earlier_source_id", ids, jobs, part)

    def of_later(self, ids: Ids, jobs: Jobs, part: str) -> pa.Table:
        """Return the pairs of sources of this release.

        Parameters
        ----------
        ids
            Identifiers, shape (N,).
        jobs, part
            Keep the jobs of this name.

        Raises
        ------
        StellarError
            If the archive refuses or fails, or what it gives are no identifiers.
        """
        return self._ask("source_id", ids, jobs, part)

    def text(self, column: str) -> str:
        """Return the query for the pairs of uploaded identifiers."""
        return f"SELECT {self._table.select_at(SERVICE, 'c')} {self._from(column)}"

    def _from(self, column: str) -> str:
        return f"FROM {self._there} AS c JOIN tap_upload.{UPLOADED} AS w ON c.{self._names[column]} = w.source_id"

    def _ask(self, column: str, ids: Ids, jobs: Jobs, part: str) -> pa.Table:
        if len(ids) == 0:
            return self._schema.empty()
        # counted first: a star may have none or many, so that only the archive knows how many rows are right
        count = f"SELECT COUNT(*) AS n {self._from(column)}"
        rows = self._tap.fetch(TapQuery(count, 1, 1, uploaded(ids)), jobs, f"{part}-count").column(0)[0].as_py()
        query = TapQuery(self.text(column), int(rows), _MOST_NEIGHBOURS * len(ids) + 100, uploaded(ids))
        answer = self._tap.fetch(query, jobs, part)
        called = f"{self._tap.name}: {self._there}"
        pairs = conform(answer, self._schema, called, order="source_id, earlier_source_id")
        refuse_no_crosswalk(pairs, self._surveys, called)
        return pairs


@dataclass(frozen=True)
class Led:
    """Where identifiers of the earlier release lead.

    Attributes
    ----------
    ids
        Sources of this release, each once, ascending, shape (M,).
    nowhere, to_one, chosen
        How many lead to no source, to one, and to several of which one was chosen by the rule.
    """

    ids: Ids
    nowhere: int
    to_one: int
    chosen: int


def lead(pairs: pa.Table, ids: Ids, surveys: Surveys) -> Led:
    """Return the sources of this release that sources of the earlier one are, by the rule ``neighbour_order``.

    Parameters
    ----------
    pairs
        Rows of the crosswalk.
    ids
        Identifiers of the earlier release, each once, shape (N,).
    surveys
        Profiles.
    """
    with open_database() as con:
        _rank(con, pairs, surveys)
        con.register("wanted", pa.table({"earlier_source_id": pa.array(ids, pa.int64())}))
        found = con.execute(
            "select source_id, num_neighbours from crossmatch.later_sources semi join wanted using (earlier_source_id)"
        ).fetchnumpy()
    counts = np.asarray(found["num_neighbours"])
    later: Ids = np.unique(np.asarray(found["source_id"], np.int64))
    return Led(later, len(ids) - len(counts), int((counts == 1).sum()), int((counts > 1).sum()))


def lead_in_landing(landing: Landing, ids: Ids, surveys: Surveys) -> Ids:
    """Return the sources of a landing that identifiers which labels are known by stand for, by its crosswalk if it has one."""
    if surveys.gaia.crosswalk is None or TABLE not in landing.tables():
        return ids
    return lead(pairs_of(landing, surveys), ids, surveys).ids


def pairs_of(landing: Landing, surveys: Surveys) -> pa.Table:
    """Return the pairs that a landing has."""
    columns = list(surveys.gaia.tables[TABLE].columns)
    parts = [landing.read(TABLE, part, columns) for part in landing.parts(TABLE)]
    return pa.concat_tables(parts)


def refuse_no_crosswalk(pairs: pa.Table, surveys: Surveys, called: str) -> None:
    """Refuse pairs that are no crosswalk of two releases.

    Raises
    ------
    StellarError
        If an identifier is out of range, or two lead to one another.
    """
    with open_database() as con:
        install_rules(con, surveys)
        con.register("pairs", pairs)
        con.execute("attach ':memory:' as checked")
        con.execute("create schema checked.staging")
        con.execute("create table checked.staging.crosswalk as from pairs")
        wrong = con.execute(
            f"select source_id, earlier_source_id, is_in_range from ({read_sql('checks/staging.crosswalk')}) "  # noqa: S608
            "where not is_in_range or not is_one_way limit 1"
        ).fetchall()
    if wrong:
        later, earlier, is_in_range = wrong[0]
        why = (
            "leads to one that leads back to it"
            if is_in_range
            else "is no identifier of Gaia, or leads to one that is none"
        )
        raise StellarError(f"{called} is no crosswalk: the source {later}, {earlier} in the earlier release, {why}")


def _rank(con: duckdb.DuckDBPyConnection, pairs: pa.Table, surveys: Surveys) -> None:
    """Rank pairs as the warehouse does, by the same SQL."""
    install_rules(con, surveys)
    con.register("pairs", pairs)
    con.execute("create schema staging; create view staging.crosswalk as select distinct * from pairs")
    con.execute("create schema crossmatch")
    for relation in ("crosswalk_pairs", "later_sources"):
        con.execute(f"create view crossmatch.{relation} as {read_sql(f'crossmatch/{relation}')}")
