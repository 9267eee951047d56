"""Which rows of two tables are the same star: a join of cells in three dimensions, with proper motions, in DuckDB.

The way: `sides` names and checks the columns, `pairs` finds all pairs within a radius, `neighbours` chooses among them,
`tables` does all of it for two files. The SQL is in ``sql/crossmatch``.
"""

from stellarfm.crossmatch.neighbours import match
from stellarfm.crossmatch.pairs import MAX_RADIUS_ARCSEC, find_pairs
from stellarfm.crossmatch.sides import Inspected, Side

__all__ = ["MAX_RADIUS_ARCSEC", "Inspected", "Side", "find_pairs", "match"]
