"""Tables in the formats of the field: one way in and one way out, with types, names and units as they are.

Tables in memory are opened by `stellarfm.formats.memory`, which needs libraries that take long to import.
"""

from stellarfm.formats.kinds import READABLE, WRITABLE
from stellarfm.formats.opened import ROW, Opened
from stellarfm.formats.reading import open_numbered, open_table
from stellarfm.formats.writing import check_output, refuse_unwritable, write_table

__all__ = [
    "READABLE",
    "ROW",
    "WRITABLE",
    "Opened",
    "check_output",
    "open_numbered",
    "open_table",
    "refuse_unwritable",
    "write_table",
]
