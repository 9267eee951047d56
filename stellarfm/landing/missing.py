"""Stars that an archive was asked for and did not give: kept beside the landing, asked for once more on the next run."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stellarfm.atomic import fresh_file
from stellarfm.integrity import DamagedError

Ids = NDArray[np.int64]
"""Identifiers of stars, shape (N,)."""

MOST_RUNS = 2
"""Runs that ask for a star; after that the archive does not have it."""

_SCHEMA = pa.schema([("source_id", pa.int64()), ("runs", pa.int16()), ("last_asked_at", pa.string())])


class Missing:
    """The missing stars of one table.

    Parameters
    ----------
    file
        Parquet file that they are kept in.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def ids(self) -> Ids:
        """Return all of them, shape (N,), ascending."""
        ids: Ids = self._read()["source_id"].to_numpy()
        return ids

    def to_ask(self) -> Ids:
        """Return those that are to be asked for once more, shape (M,), ascending."""
        table = self._read()
        ids: Ids = table["source_id"].to_numpy()[table["runs"].to_numpy() < MOST_RUNS]
        return ids

    def note(self, lost: Ids, asked: Ids) -> None:
        """Note which of the stars that were asked for did not come; the others are no longer missing.

        Parameters
        ----------
        lost
            Identifiers of those that did not come, shape (M,).
        asked
            Identifiers of all that were asked for, shape (N,).
        """
        before = dict(zip(*(self._read()[name].to_pylist() for name in ("source_id", "runs")), strict=True))
        # who was asked for and is not lost has come: only those who were not asked for keep their number
        now_asked = set(asked.tolist())
        runs = {i: n for i, n in before.items() if i not in now_asked}
        runs |= {i: before.get(i, 0) + 1 for i in lost.tolist()}
        if runs == before:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        ids = sorted(runs)
        table = pa.table({"source_id": ids, "runs": [runs[i] for i in ids], "last_asked_at": [now] * len(ids)}, _SCHEMA)
        with fresh_file(self.file) as path:
            pq.write_table(table, path, write_page_checksum=True)

    def _read(self) -> pa.Table:
        if not self.file.is_file():
            return _SCHEMA.empty_table()
        try:
            table = pq.read_table(self.file, page_checksum_verification=True)
            # the names and types stand in the footer, of which Parquet keeps no checksum
            return table.cast(_SCHEMA)
        except (OSError, ValueError) as error:
            raise DamagedError(self.file, str(error).splitlines()[0], "run `stellarfm ingest`") from error

    def mend(self) -> str:
        """Forget a list that is damaged, and return a sentence about it, "" if it is whole: its stars are asked for once more."""
        try:
            self._read()
        except DamagedError as error:
            self.file.unlink()
            return f"{self.file} is damaged ({error.why}): which stars did not come is asked once more"
        return ""
