"""The releases that a product is made of: one of Gaia, 2MASS and APOGEE each, and the landing's tables that they fill."""

from dataclasses import dataclass
from typing import Any

from stellarfm.errors import StellarError
from stellarfm.surveys.profile import Survey, Table
from stellarfm.surveys.reading import find_release, load_survey


@dataclass(frozen=True)
class Surveys:
    """The releases that a product is made of.

    Attributes
    ----------
    gaia, twomass, apogee
        Profile of each survey's release.
    """

    gaia: Survey
    twomass: Survey
    apogee: Survey

    @property
    def all(self) -> tuple[Survey, ...]:
        """The three of them."""
        return self.gaia, self.twomass, self.apogee

    @property
    def tables(self) -> dict[str, Table]:
        """Every table of the landing that a survey fills.

        Raises
        ------
        StellarError
            If two surveys claim a table.
        """
        found: dict[str, Table] = {}
        for survey in self.all:
            for name, table in survey.tables.items():
                if name in found:
                    both = sorted(set(table.columns) & set(found[name].columns))
                    raise StellarError(
                        f"two surveys claim the column {both[0] if both else '*'} of the table {name}: the profile of "
                        f"{survey.release} must give it another name"
                    )
                found[name] = table
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything that a warehouse depends on, JSON-ready: all but the addresses of services."""
        # another mirror or a new address gives the same rows: it must not make a warehouse old
        unused: dict[str, Any] = {"services": True, "files": True, "citation": True, "tables": {"__all__": {"about"}}}
        return {s.survey: s.model_dump(mode="json", exclude=unused) for s in self.all}


def release_key(gaia_release: str) -> Any:
    """Return what a selection of stars is known by: the name of a release, or all that a profile of one's own says."""
    return gaia_release if not gaia_release.endswith(".toml") else choose_surveys(gaia_release).to_dict()["gaia"]


def choose_surveys(gaia_release: str = "Gaia DR3") -> Surveys:
    """Return the releases that go with one of Gaia.

    Parameters
    ----------
    gaia_release
        Name of the release, or the path of a profile of one's own (``.toml``).

    Raises
    ------
    StellarError
        If there is no profile of it, or two surveys claim one column.
    """
    chosen = Surveys(find_release("gaia", gaia_release), load_survey("twomass"), load_survey("apogee_dr17"))
    _ = chosen.tables  # refuse a clash before anything is built
    return chosen
