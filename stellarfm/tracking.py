"""Where MLflow keeps what it is told: in the home, which may lie anywhere, or on a server that must be alive.

Nothing absolute is stored: artifacts of a home are at ``stellarfm-home:/artifacts/…``, beside the file ``mlflow.db``, wherever
that lies. MLflow finds `HomeArtifacts` by the entry point of this package, so its own commands read a home as well.
"""

import atexit
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from stellarfm.addresses import public_url
from stellarfm.errors import StellarError
from stellarfm.home import TRACKING_VARIABLE, Home
from stellarfm.servers import named_server, refuse_silent_tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCHEME = "stellarfm-home"
_SQLITE = "sqlite:///"
_LOCATIONS = (
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)  # fmt: skip
"""Where MLflow's tables keep the places of artifacts."""


class HomeArtifacts(LocalArtifactRepository):  # type: ignore[misc]
    """Artifacts beside the ``mlflow.db`` that is asked, under the address ``stellarfm-home:/…``."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        ArtifactRepository.__init__(self, artifact_uri, tracking_uri, registry_uri)
        home = _folder_of_store(tracking_uri).resolve()
        folder = (home / artifact_uri.removeprefix(f"{SCHEME}:").lstrip("/")).resolve()
        if not folder.is_relative_to(home):
            raise StellarError(f"the artifacts {artifact_uri} do not lie in the home {home}")
        self._artifact_dir = str(folder)


def connect(home: Home) -> "MlflowClient":
    """Open MLflow's store of a home, or the server that MLFLOW_TRACKING_URI names, quietly and without telemetry.

    Raises
    ------
    StellarError
        If no server answers there, or the store cannot be read.
    """
    named = named_server(TRACKING_VARIABLE)
    if named:
        refuse_silent_tracking()
    import mlflow

    for name in ("mlflow", "mlflow.store.db.utils", "alembic"):  # importing it has set them up anew
        logging.getLogger(name).setLevel(logging.ERROR)
    address = named or _SQLITE + str(_plain_path(home.path) / "mlflow.db")
    _register_scheme()
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    if not named:  # MLflow writes the address there, where the next home of this process would take it for a person's
        os.environ.pop(TRACKING_VARIABLE, None)
    try:
        client = mlflow.MlflowClient(tracking_uri=address, registry_uri=address)
        client.search_experiments(max_results=1)  # the store is opened by the first question
    except Exception as error:
        place = f"{TRACKING_VARIABLE} names {public_url(named)}, which" if named else f"the store {address}"
        raise StellarError(f"{place} cannot be used as MLflow's store ({_first_line(error)})") from error
    if not named:
        _forget_places(home.path / "mlflow.db")
    return client


def artifact_location(home: Home) -> str | None:
    """Return where a new experiment's artifacts go; None leaves it to the server."""
    scheme = urlsplit(named_server(TRACKING_VARIABLE) or _SQLITE).scheme.partition("+")[0]
    if scheme == "sqlite":
        return f"{SCHEME}:/artifacts"
    return None if scheme in ("http", "https") else home.artifacts.as_uri()


def _register_scheme() -> None:
    # for a checkout that was installed before it had the entry point
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry as known

    known.register(SCHEME, HomeArtifacts)


def _folder_of_store(tracking_uri: str | None) -> Path:
    """Return the folder of the sqlite store that is asked: the one given, MLflow's own, or that of an `mlflow server`."""
    import mlflow

    for address in (tracking_uri, mlflow.get_tracking_uri(), os.environ.get("_MLFLOW_SERVER_FILE_STORE")):
        if address and address.startswith(_SQLITE):
            return Path(address.removeprefix(_SQLITE).partition("?")[0]).parent
    raise StellarError(
        f"artifacts of a home are beside its mlflow.db; set {TRACKING_VARIABLE}=sqlite:///HOME/mlflow.db, HOME being its folder"
    )


def _plain_path(path: Path) -> Path:
    """Return a path that can stand in an address of sqlite, where what follows ``?`` is no path: the same, or a link."""
    if "?" not in str(path):
        return path
    folder = Path(tempfile.mkdtemp(prefix="stellarfm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "home").symlink_to(path, target_is_directory=True)
    return folder / "home"


def _forget_places(store: Path) -> None:
    """Make the places in a store relative to its folder: MLflow and earlier versions of this package write absolute ones."""
    with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as con:
        absolute = [
            (table, column)
            for table, column in _LOCATIONS
            if con.execute(
                f"select 1 from {table} where {column} like '%/%' and {column} not like '{SCHEME}:%'"  # noqa: S608
            ).fetchone()
        ]
    if not absolute or not os.access(store, os.W_OK) or not os.access(store.parent, os.W_OK):
        return
    with closing(sqlite3.connect(store)) as con, con:
        for table, column in absolute:
            # what follows the folder `artifacts` of a home, or `mlruns`, where MLflow puts its own default
            for known in ("/artifacts/", "/mlruns/"):
                con.execute(
                    f"update {table} set {column} = '{SCHEME}:' || substr({column}, instr({column}, '{known}')) "  # noqa: S608
                    f"where {column} not like '{SCHEME}:%' and {column} not like 'models:%' and instr({column}, '{known}') > 0"
                )
            con.execute(
                f"update {table} set {column} = '{SCHEME}:/artifacts' "  # noqa: S608
                f"where {column} not like '{SCHEME}:%' and {column} like '%/artifacts'"
            )


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
