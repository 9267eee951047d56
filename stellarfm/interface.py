"""For Python: a model that takes tables of any kind, and the releases."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stellarfm.catalog.reader import Catalog
from stellarfm.catalog.reader import open_catalog as _open_catalog
from stellarfm.database import close_off, open_database
from stellarfm.errors import StellarError
from stellarfm.formats import open_memory, open_table
from stellarfm.formats.paths import find
from stellarfm.home import DEFAULT_HOME, Home
from stellarfm.measured import as_measured
from stellarfm.progress import tell
from stellarfm.tokens import read_tokens

if TYPE_CHECKING:
    import pandas as pd

    from stellarfm.model.foundation import FoundationModel


class OpenModel:
    """A model of the registry, opened to be asked.

    Parameters
    ----------
    model
        The model behind it, for work with arrays.
    """

    def __init__(self, model: "FoundationModel") -> None:
        self.model = model

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of everything that may be shown or requested."""
        return self.model.vocabulary.names

    def perceive(self, table: Any) -> "OpenModel":
        """Show the model a table.

        Parameters
        ----------
        table
            A data frame (pandas, polars), an Arrow or astropy table, a DuckDB relation, or the path of a file. Columns
            are tokens by name, or what the vocabulary computes tokens from; NULL and NaN are unknown.

        Raises
        ------
        StellarError
            If the table has no token of the model, or no rows.
        """
        with open_database() as con:
            is_file = isinstance(table, str | Path)
            shown = (open_table if is_file else open_memory)(con, table, "shown")
            close_off(con, find(table).files if is_file else ())
            opened = as_measured(con, shown, self.model.vocabulary)
            tell(*opened.notes)
            self.model.perceive(
                read_tokens(con, opened.relation, self.model.vocabulary, allow_missing=True, called=opened.called)
            )
        return self

    def request(self, names: Sequence[str]) -> "pd.DataFrame":
        """Return ``NAME`` and ``NAME_error`` of each request for the rows that were shown, in their order.

        Parameters
        ----------
        names
            Tokens to answer, see `tokens`.

        Returns
        -------
        pandas.DataFrame
            N rows, two columns of float a name, in the unit of the token.

        Raises
        ------
        StellarError
            If nothing was shown, or a name is unknown.
        """
        import pandas as pd

        answers = self.model.request(list(names))
        return pd.DataFrame(answers.columns())


def open_model(which: str | int = "champion", *, home: str | Path = DEFAULT_HOME, device: str = "auto") -> OpenModel:
    """Open a model.

    Parameters
    ----------
    which
        ``champion``, the number of a version in the registry, or the path of a model folder.
    home
        Home folder.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    StellarError
        If there is no such model.
    """
    from stellarfm.model.foundation import FoundationModel

    # a folder first: a model may be used without a home
    if isinstance(which, str) and Path(which).is_dir():
        return OpenModel(FoundationModel.load(which, device))
    if not Path(home).is_dir():
        raise StellarError(f"there is no home {home} yet; `stellarfm run` makes one, --home names another")
    from stellarfm.model_copies import whole_folder
    from stellarfm.registry import Registry

    folder = Home.open(Path(home))
    version = Registry(folder).version(which)
    return OpenModel(FoundationModel.load(whole_folder(folder, version, mend=False), device))


def open_catalog(path: str | Path = DEFAULT_HOME, release: str = "latest") -> Catalog:
    """Open a release for reading; see `stellarfm.catalog.reader.Catalog`.

    Parameters
    ----------
    path
        A home, its ``releases`` folder or one release's folder.
    release
        Name of the release; the latest by default.

    Raises
    ------
    StellarError
        If there is none.
    """
    return _open_catalog(Path(path), release)
