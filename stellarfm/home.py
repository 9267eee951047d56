"""The home folder: where everything that is made is kept."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from stellarfm.atomic import sweep_partials
from stellarfm.errors import StellarError

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_HOME = Path("stellarfm-home")
"""The home where none is named: a folder of the working directory."""

_LOCK_S = 1.0
"""Seconds for which a home that is held is waited for."""

HOME_VARIABLE = "STELLARFM_HOME"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


def home_folder(path: str | Path | None = None) -> Path:
    """Return the home that a person means: the one named, that of STELLARFM_HOME, or the default."""
    return Path(path or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()


@dataclass(frozen=True)
class Home:
    """The places inside one home folder.

    Attributes
    ----------
    path
        The folder itself.
    is_learning
        Whether its warehouse is that of the stars to learn from, where they are others than those to publish for.
    """

    path: Path
    is_learning: bool = False

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Home":
        """Return a home to read from, which need not be writable and is not changed.

        Raises
        ------
        StellarError
            If it is not there.
        """
        folder = home_folder(path)
        if not folder.is_dir():
            raise StellarError(
                f"there is no home {path or folder} yet; `stellarfm run` makes one, --home names another"
            )
        return cls(folder)

    @classmethod
    def open(cls, path: Path) -> "Home":
        """Return the home at `path`, made if it is not there.

        Raises
        ------
        StellarError
            If the folder cannot be made or written.
        """
        path = path.expanduser().absolute()
        if path.is_file():
            raise StellarError(f"the home {path} is a file, and a home is a folder; name another with --home")
        try:
            path.mkdir(parents=True, exist_ok=True)
            # a file is tried: permission bits do not tell of read-only disks
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise StellarError(
                f"the home folder {path} cannot be written ({error.strerror}); "
                "choose another with --home or STELLARFM_HOME"
            ) from error
        return cls(path)

    @property
    def landing(self) -> Path:
        """Immutable Parquet parts, one folder an archive."""
        return self.path / "landing"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that is rebuilt from the landing at any time."""
        return self.path / ("learning.duckdb" if self.is_learning else "warehouse.duckdb")

    @property
    def for_learning(self) -> "Home":
        """The same home with the warehouse of the stars to learn from."""
        return replace(self, is_learning=True)

    @property
    def checks(self) -> Path:
        """Data Docs and quarantined rows."""
        return self.path / "checks"

    @property
    def runs(self) -> Path:
        """One folder a training run."""
        return self.path / "runs"

    @property
    def examinations(self) -> Path:
        """Held-out stars that models are judged by, one folder a vocabulary and landing."""
        return self.path / "examinations"

    @property
    def artifacts(self) -> Path:
        """What MLflow keeps: models, figures."""
        return self.path / "artifacts"

    @property
    def releases(self) -> Path:
        """One immutable folder a release, and the link `latest`."""
        return self.path / "releases"

    @property
    def has_registry(self) -> bool:
        """Whether there are models to look for: a store in this home, or a server that MLFLOW_TRACKING_URI names."""
        return bool(os.environ.get(TRACKING_VARIABLE, "").strip()) or (self.path / "mlflow.db").is_file()

    @contextmanager
    def lock(self, *, sweep: bool = True) -> Iterator[None]:
        """Hold the home while it is changed; whoever holds it already may hold it once more.

        Parameters
        ----------
        sweep
            Clear at first what a killed process left half made.

        Raises
        ------
        StellarError
            If another process, or another thread of this one, holds it for more than a second.
        """
        from filelock import FileLock, Timeout  # it takes long to import, and most commands hold nothing

        # the system lets go of it when the process dies, so that a kill leaves no lock behind; one object a path, which
        # counts how often each thread holds it
        lock = FileLock(self.path / ".lock", timeout=_LOCK_S, is_singleton=True)
        is_first = not lock.is_locked
        try:
            lock.acquire()
        except Timeout:
            raise StellarError(
                f"another run is at work on the home {self.path}; "
                "wait until it ends or choose another folder with --home"
            ) from None
        try:
            if is_first and sweep:
                sweep_partials(self.path)
            yield
        finally:
            lock.release()


def changes_home(work: Callable[P, R]) -> Callable[P, R]:
    """Let a function hold the `Home` that it is given while it works, whoever calls it."""

    @wraps(work)
    def held(*arguments: P.args, **options: P.kwargs) -> R:
        home = next(given for given in (*arguments, *options.values()) if isinstance(given, Home))
        with home.lock():
            return work(*arguments, **options)

    return held
