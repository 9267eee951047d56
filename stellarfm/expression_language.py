"""What an expression from outside may say: forms, functions and types, listed; what is not listed is refused."""

from dataclasses import dataclass
from functools import cache

from stellarfm.rules import read_rules


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ARITHMETIC = _words("+ - * / // % ** ^")
_BITS_AND_TEXT = _words("& | << >> ~ || ~~ !~~ ~~* !~~*")
_PER_NUMBER = _words(
    "abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees exp floor greatest least ln log log10 log2 mod nullif pi "
    "pow power radians round sign sin sqrt tan trunc"
)
_PER_VALUE = _PER_NUMBER | _words(
    "acosh asinh atanh cosh sinh tanh bit_count if isfinite isinf isnan xor "
    "contains ends_with length lower ltrim rtrim starts_with substr substring suffix prefix trim upper "
    "date_part epoch julian struct_extract "
    "array_extract array_length array_slice array_transform array_value len list_apply list_avg list_extract list_filter "
    "list_max list_min list_reverse list_slice list_sum list_transform list_value"
)
_ADQL = _ARITHMETIC | _words(
    "|| ~~ !~~ abs acos area asin atan atan2 bitwise_and bitwise_or bitwise_xor box ceiling centroid circle contains coord1 "
    "coord2 coordsys cos cot degrees distance exp floor gaia_healpix_index greatest in_unit intersects ivo_healpix_index least "
    "length ln log log10 lower mod pi point polygon power radians round sign sin sqrt substring tan trim truncate upper"
)

_PLAIN = _words("+ - * / abs ceiling cos exp floor ln log log10 power sin sqrt")

_NUMBERS = _words("COLUMN_REF VALUE_CONSTANT FUNCTION")
_TRUTHS = _NUMBERS | _words(
    "COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO "
    "COMPARE_GREATERTHANOREQUALTO COMPARE_BETWEEN COMPARE_IN COMPARE_NOT_IN CONJUNCTION_AND CONJUNCTION_OR OPERATOR_NOT "
    "OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL"
)
_CHOICES = _TRUTHS | _words("OPERATOR_COALESCE CASE_EXPR OPERATOR_CAST TYPE")
_VALUES = _CHOICES | _words(
    "COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM OPERATOR_NULLIF ARRAY_EXTRACT ARRAY_SLICE ARRAY_CONSTRUCTOR "
    "STRUCT_EXTRACT LAMBDA"
)
_DIGITS = _words("INTEGER NUMERIC")
_LITERALS = _DIGITS | _words("STRING BOOLEAN NULL_LITERAL")
TYPES = _words(
    "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint float double decimal boolean varchar date "
    "timestamp array list"
)
"""What a value may be cast to."""


@dataclass(frozen=True)
class Language:
    """What an expression of one kind may say.

    Attributes
    ----------
    noun
        What a person calls one.
    forms
        Types of DuckDB's nodes.
    functions
        Functions and operators, each as DuckDB's parser calls it.
    literals
        Kinds of values.
    longest
        Characters.
    has_tables
        Whether what stands before a dot is a table; else it is a column, whose field stands behind.
    """

    noun: str
    forms: frozenset[str]
    functions: frozenset[str]
    literals: frozenset[str] = _LITERALS
    longest: int = 4000
    has_tables: bool = False


CONDITION = Language("condition", _CHOICES, _ADQL, longest=200_000, has_tables=True)
"""What selects stars at an archive; long, as it may list identifiers."""
PLAIN_CONDITION = Language("condition", _TRUTHS, _PLAIN, longest=200_000, has_tables=True)
"""A condition that means the same to an archive and to DuckDB."""
ARITHMETIC = Language("expression", _NUMBERS, _words("+ - * /") | _PER_NUMBER, literals=_DIGITS)
"""What a mapping makes a column from."""


@cache
def value_language() -> Language:
    """Return what a vocabulary makes a token from: the rules of ``sql/macros.sql`` are among its functions."""
    rules = frozenset(rule.name for rule in read_rules())
    return Language("expression", _VALUES, _ARITHMETIC | _BITS_AND_TEXT | _PER_VALUE | rules)
