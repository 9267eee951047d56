"""`stellarfm predict`: any request for any table."""

from pathlib import Path
from typing import Annotated

import typer

from stellarfm.commands.options import DEFAULT_HOME, Home, Json
from stellarfm.commands.printing import print_json, print_text


def predict(
    table: Annotated[str, typer.Argument(help="Table with tokens of the model (Parquet, CSV, FITS, VOTable, DuckDB).")],
    request: Annotated[str, typer.Option("--request", help="Tokens to predict, separated by commas.")],
    output: Annotated[Path, typer.Option("-o", "--out", help="File to write, in the format of its suffix.")],
    model: Annotated[str, typer.Option("--model", help="Version in the registry, or a model folder.")] = "champion",
    show_requested: Annotated[
        bool, typer.Option("--show-requested", help="Let the model see the table's own values of what is requested.")
    ] = False,
    percentiles: Annotated[bool, typer.Option("--percentiles", help="Also write NAME_16 and NAME_84.")] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    home: Home = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Predict any tokens for each row of a table from the other tokens that it has.

    Example: stellarfm predict stars.parquet --request teff,logg,m_h -o labels.parquet
    """
    from stellarfm.interface import open_model
    from stellarfm.progress import progress_bar, tell
    from stellarfm.stages.predict import Request, predict_table
    from stellarfm.vocabulary import request_names

    opened = open_model(model, home=home, device=device)
    names = request_names(request)
    with progress_bar("predict", "stars") as progress:
        made = predict_table(opened.model, table, Request(names, show_requested, percentiles), output, progress)
    tell(*made.notes)
    if as_json:
        return print_json(
            {"output": str(output), "rows": made.rows, "prior_rows": made.prior_rows, "shown": list(made.shown)}
        )
    from stellarfm.suggestions import counted

    print_text(f"{counted(made.rows, 'row')} in {output}, from {counted(len(made.shown), 'token')}", soft_wrap=True)
    if made.prior_rows:
        print_text(
            f"{counted(made.prior_rows, 'row')} had none of them: the answer there is that for any star of the sample"
        )
    return None
