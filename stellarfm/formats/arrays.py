"""Arrays that text holds: ``[1, 2]``, ``(1, 2)`` as Gaia's DataLink writes them, ``[1. 2.]`` as numpy prints them."""

_NULL = "('null', 'nan', 'none', '--', '')"


def looks_like_array(text: str) -> str:
    """Return the condition that text may hold an array."""
    return f"regexp_matches({text}, '^\\s*(array\\()?[\\[(]')"


def numbers_in_text(text: str) -> str:
    """Return the array of a text as SQL of type DOUBLE[], NULL if any part of it is not a number.

    Parameters
    ----------
    text
        SQL of a text. A gap in an array, null or nan, is NaN.
    """
    # brackets off, commas and white space of any kind between numbers to one sign
    inner = f"regexp_extract({text}, '^\\s*(?:array\\()?\\s*[\\[(](.*?),?\\s*[\\])]\\s*(?:,\\s*dtype=\\w+)?\\)?\\s*$', 1, 's')"
    parts = f"string_split_regex(trim({inner}, ' \t\n\r'), '\\s*,\\s*|\\s+')"
    number = f"try_cast(case when lower(part) in {_NULL} then 'nan' else part end as double)"
    numbers = f"list_transform({parts}, lambda part: {number})"
    return (
        f"case when {looks_like_array(text)} and trim({inner}) <> '' and len({numbers}) = list_count({numbers}) then {numbers} "
        f"when regexp_full_match({text}, '\\s*[\\[(]\\s*[\\])]\\s*') then []::double[] end"
    )
