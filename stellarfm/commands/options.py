"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

from stellarfm.home import DEFAULT_HOME as DEFAULT_HOME

Home = Annotated[
    Path, typer.Option("--home", envvar="STELLARFM_HOME", help="Folder where everything that is made is kept.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML); stellarfm.toml of this folder if it is there.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, e.g. --set training.preset=default; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
