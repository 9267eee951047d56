"""What is known of a column beside its values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """What is known of a column beside its values; "" if it is not.

    Attributes
    ----------
    unit
        As astropy writes it, e.g. ``mas / yr``.
    ucd
        Unified content descriptor.
    description
        One sentence.
    """

    unit: str = ""
    ucd: str = ""
    description: str = ""
