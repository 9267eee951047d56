"""Which rows of two tables are the same star: a join of cells in three dimensions, with proper motions, in DuckDB."""

from stellarfm.crossmatch.neighbours import match
from stellarfm.crossmatch.pairs import MAX_RADIUS_ARCSEC, find_pairs
from stellarfm.crossmatch.sides import Side, Surveyed

__all__ = ["MAX_RADIUS_ARCSEC", "Side", "Surveyed", "find_pairs", "match"]
