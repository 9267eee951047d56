"""Asking for stars by their identifiers: whoever is not answered is asked for once more, and then noted."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stellarfm.landing.missing import Ids

RequestRows = Callable[[Ids, str], pa.Table]
"""Called with identifiers and a word that tells the first time from the second; returns rows with ``source_id``."""


def fetch_ids(ids: Ids, request: RequestRows) -> tuple[pa.Table, Ids]:
    """Return the rows of stars, by ``source_id``, and the identifiers that the archive does not give.

    An archive may leave stars out and say nothing; a row that was not asked for, or comes twice, is dropped.

    Parameters
    ----------
    ids
        Shape (N,), each once.
    request
        Asks the archive.

    Returns
    -------
    rows, lost
        Rows with ``source_id``, ascending, and the identifiers without one, shape (M,).

    Raises
    ------
    StellarError
        If the archive refuses or fails.
    """
    found = _wanted(request(ids, ""), ids)
    lost = np.setdiff1d(ids, found["source_id"].to_numpy())
    if len(lost):
        # DataLink may return fewer stars than asked, silently: only a second time tells who is really not there
        again = _wanted(request(lost, "-again"), lost)
        found = pa.concat_tables([found, again])
        lost = np.setdiff1d(lost, again["source_id"].to_numpy())
    return found.sort_by("source_id"), lost


def _wanted(answer: pa.Table, ids: Ids) -> pa.Table:
    kept = answer.filter(pc.is_in(answer["source_id"], value_set=pa.array(ids)))
    # index of the first row of each star, in ascending order of rows again: the archive's order stays
    _, first = np.unique(kept["source_id"].to_numpy(), return_index=True)
    return kept.take(pa.array(np.sort(first)))
