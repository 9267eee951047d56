"""The model as MLflow serves it: a table of stars in, as `stellarfm predict` takes it, requested tokens with errors out.

MLflow calls this module as the loader of the models in the registry, so that nothing is ever unpickled.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stellarfm.errors import StellarError
from stellarfm.suggestions import near
from stellarfm.tokens import expression_columns
from stellarfm.vocabulary import Vocabulary, default_request, request_names

if TYPE_CHECKING:
    import pandas as pd

    from stellarfm.model.foundation import FoundationModel


class ServedModel:
    """A model behind MLflow's ``predict``.

    Parameters
    ----------
    model
        The model to ask.
    """

    def __init__(self, model: "FoundationModel") -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Answer a request for each row, with the numbers that `stellarfm predict` gives for the same table.

        Parameters
        ----------
        model_input
            A data frame, or a dictionary of columns: tokens by name with ``NAME_error``, or the columns that the vocabulary
            computes tokens from, arrays among them; NULL and NaN are unknown.
        params
            ``request``: names of tokens, separated by commas, a range such as ``bp0:4`` among them.

        Returns
        -------
        pandas.DataFrame
            ``NAME`` and ``NAME_error`` of each request, N rows with the index of `model_input`, in the unit of the token.

        Raises
        ------
        StellarError
            If a column is none that the model knows, or a request is unknown.
        """
        import pandas as pd

        from stellarfm.interface import OpenModel

        vocabulary = self.model.vocabulary
        names = request_names((params or {}).get("request") or default_request(vocabulary))
        frame = model_input if isinstance(model_input, pd.DataFrame) else pd.DataFrame(model_input)
        refuse_unknown_columns(list(map(str, frame.columns)), vocabulary)
        if set(names) >= set(map(str, frame.columns)):
            raise StellarError(
                f"the table has nothing but what is requested ({', '.join(names)}); request something else"
            )
        answers = OpenModel(self.model).perceive(frame, hide=names).request(names, identifiers=False)
        return answers.set_index(frame.index)


def refuse_unknown_columns(columns: list[str], vocabulary: Vocabulary) -> None:
    """Refuse a column that the model would pass over: a misspelt one would be missed by nobody.

    Raises
    ------
    StellarError
        If one is no token, no error of one, not the identifier and in no expression of the vocabulary.
    """
    known = {vocabulary.identifier} | {f"{name}{suffix}" for name in vocabulary.names for suffix in ("", "_error")}
    known |= set(expression_columns(vocabulary))
    folded = {name.lower() for name in known}
    for column in columns:
        if column.lower() not in folded:
            raise StellarError(
                f"the model knows no input {column!r}{near(column, known)}; its inputs are tokens, their errors "
                f"(NAME_error) and the columns of the vocabulary {vocabulary.name!r}"
            )


def _load_pyfunc(path: str) -> ServedModel:
    """Open the model folder that MLflow keeps: the name is MLflow's."""
    from stellarfm.model.foundation import FoundationModel

    folder = Path(path)
    return ServedModel(FoundationModel.load(folder / "model" if (folder / "model").is_dir() else folder))
