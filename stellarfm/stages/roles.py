"""The two roles of a selection: the stars that a model learns from, and those that a catalogue is published for."""

from stellarfm.config import Settings
from stellarfm.home import Home


def learning_role(settings: Settings, home: Home) -> tuple[Settings, Home]:
    """Return settings and home of the stars to learn from.

    Parameters
    ----------
    settings
        Which stars, from where; ``gaia.where`` selects those to publish for.
    home
        Where everything lies.

    Returns
    -------
    settings, home
        Without a condition, and with a warehouse of their own; both as they were where the two roles have the same stars.
    """
    if not settings.learns_from_others:
        return settings, home
    # the key of a landing is what selects it: this is the landing of a home that never had a condition, and both share it
    gaia = settings.gaia.model_copy(update={"where": ""})
    return settings.model_copy(update={"gaia": gaia}), home.for_learning


def each_role(settings: Settings, home: Home) -> list[tuple[Settings, Home]]:
    """Return settings and home of the stars to publish for, then of those to learn from where they are others."""
    return [(settings, home), *([learning_role(settings, home)] if settings.learns_from_others else [])]
