"""For Python: a model that takes tables of any kind, and the releases."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stellarfm.catalog.answer import to_frame
from stellarfm.catalog.reader import Catalog
from stellarfm.catalog.reader import open_catalog as _open_catalog
from stellarfm.database import close_off, open_database
from stellarfm.formats import open_table
from stellarfm.formats.memory import open_memory
from stellarfm.formats.paths import find
from stellarfm.home import Home, home_folder
from stellarfm.measured import as_measured
from stellarfm.progress import tell
from stellarfm.sql_text import identifier
from stellarfm.tokens import identifiers, read_tokens
from stellarfm.vocabulary import request_names

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

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
        self._identifiers: pa.Table | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of everything that may be shown or requested."""
        return self.model.vocabulary.names

    def perceive(self, table: Any, *, hide: str | Sequence[str] = ()) -> "OpenModel":
        """Show the model a table.

        Parameters
        ----------
        table
            A data frame (pandas, polars), an Arrow or astropy table, a DuckDB relation, a mapping of names to columns, or the
            path of a file. Columns are tokens by name, or what the vocabulary computes tokens from; ``NAME_error`` is the
            error of a token; NULL and NaN are unknown.
        hide
            Tokens that the model is not to see, such as those that will be requested.

        Raises
        ------
        StellarError
            If the table has no token of the model, or no rows.
        """
        vocabulary, hidden = self.model.vocabulary, {self.model.vocabulary.index(name) for name in request_names(hide)}
        with open_database() as con:
            is_file = isinstance(table, str | Path)
            shown = (open_table if is_file else open_memory)(con, table, "shown")
            close_off(con, find(table).files if is_file else ())
            opened = as_measured(con, shown, vocabulary)
            tell(*opened.notes)
            tokens = read_tokens(con, opened.relation, vocabulary, allow_missing=True, called=opened.called)
            kept = ", ".join(map(identifier, identifiers(con, opened.relation, vocabulary)))
            self._identifiers = con.sql(f"select {kept} from {opened.relation}").to_arrow_table() if kept else None  # noqa: S608
        self.model.perceive(tokens.showing([place for place in range(len(vocabulary)) if place not in hidden]))
        return self

    def request(self, names: str | Sequence[str], *, identifiers: bool = True) -> "pd.DataFrame":
        """Return ``NAME`` and ``NAME_error`` of each request for the rows that were shown, in their order.

        Parameters
        ----------
        names
            Tokens to answer, see `tokens`: one, several in a text with commas, or a list; ``bp0:4`` stands for a range.
        identifiers
            Whether the columns that tell whose row it is, such as ``source_id``, come first.

        Returns
        -------
        pandas.DataFrame
            N rows: identifiers, then two columns of float a name, in the unit of the token.

        Raises
        ------
        StellarError
            If nothing was shown, or a name is unknown.
        """
        import pandas as pd

        wanted = request_names(names)
        answers = self.model.request(wanted).columns() if wanted else {}
        if identifiers and self._identifiers is not None:
            return pd.concat([to_frame(self._identifiers), pd.DataFrame(answers)], axis=1)
        return pd.DataFrame(answers, index=pd.RangeIndex(self.model.num_shown))


def open_model(which: str | int = "champion", *, home: str | Path | None = None, device: str = "auto") -> OpenModel:
    """Open a model.

    Parameters
    ----------
    which
        ``champion``, the number of a version in the registry, or the path of a model folder.
    home
        Home folder; that of STELLARFM_HOME, or ``stellarfm-home`` of the working directory, if none is given.
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
    from stellarfm.model_copies import whole_folder
    from stellarfm.registry import Registry

    folder = Home.at(home)
    version = Registry(folder).version(which)
    return OpenModel(FoundationModel.load(whole_folder(folder, version, mend=False), device))


def open_catalog(path: str | Path | None = None, release: str = "latest") -> Catalog:
    """Open a release for reading; see `stellarfm.catalog.reader.Catalog`.

    Parameters
    ----------
    path
        A home, its ``releases`` folder or one release's folder; the home of STELLARFM_HOME, or ``stellarfm-home`` of the
        working directory, if none is given.
    release
        Name of the release; the latest by default.

    Raises
    ------
    StellarError
        If there is none.
    """
    return _open_catalog(home_folder(path) if path is None else Path(path).expanduser(), release)
