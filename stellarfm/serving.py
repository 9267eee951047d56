"""The model as MLflow serves it: a data frame of known tokens in, requested tokens with errors out.

MLflow reads this file as code beside the weights, so that nothing is ever unpickled.
"""

from typing import Any

import mlflow
import numpy as np
import pandas as pd


class StellarModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """MLflow's wrapping of a model folder."""

    # MLflow passes the argument by this name
    def load_context(self, context: Any) -> None:
        """Load the weights."""
        from stellarfm.model.foundation import FoundationModel

        self.model = FoundationModel.load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answer a request for each row.

        Parameters
        ----------
        context
            MLflow's context; not used.
        model_input
            One column a token, any of the vocabulary's; NaN where unknown.
        params
            ``request``: names of tokens, separated by commas.

        Returns
        -------
        pandas.DataFrame
            ``NAME`` and ``NAME_error`` of each request, N rows with the index of `model_input`, in the unit of the token.
        """
        names = (params or {}).get("request", "teff,logg,m_h").split(",")
        self.model.perceive(model_input.to_numpy(np.float32), list(model_input.columns))
        return pd.DataFrame(self.model.request(names).columns(), index=model_input.index)


mlflow.models.set_model(StellarModel())
