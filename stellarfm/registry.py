"""Models over time: MLflow tracking, versions, the champion."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from stellarfm.errors import StellarError
from stellarfm.home import TRACKING_VARIABLE, Home
from stellarfm.integrity import DamagedError, is_sealed, seal_hash, sqlite_damage
from stellarfm.vocabulary import Vocabulary, default_request

if TYPE_CHECKING:
    from mlflow import MlflowClient

P = ParamSpec("P")
R = TypeVar("R")

MODEL_NAME = "stellarfm"
CHAMPION = "champion"
MODEL_HASH = "model_sha256"
"""Tag of a version: the hash that stands for the files of its model."""
_EXPERIMENT = "stellarfm"
_RUN_TAG = "stellarfm.run"


def alias_of(line: str) -> str:
    """Return the alias of the champion of a vocabulary."""
    return f"{CHAMPION}-{line}"


@dataclass(frozen=True)
class ModelVersion:
    """One version in the registry.

    Attributes
    ----------
    version
        Its number, from 1.
    run
        Key of the training run; the folder ``runs/<run>`` of the home.
    folder
        Where its files lie (config.json, weights.safetensors).
    champion
        Whether it is the one in use for its vocabulary.
    tags
        What is known of it: vocabulary, preset, scatter of its labels, the gate's verdict.
    """

    version: int
    run: str
    folder: Path
    champion: bool
    tags: dict[str, str]


def _held(work: Callable[P, R]) -> Callable[P, R]:
    """Let a method of a registry hold its home, for those who call it from Python."""

    @wraps(work)
    def held(*arguments: P.args, **options: P.kwargs) -> R:
        registry = arguments[0]
        assert isinstance(registry, Registry), "it is a method"
        with registry.home.lock():
            return work(*arguments, **options)

    return held


class Registry:
    """The MLflow store of a home: sqlite in the home, or the server that MLFLOW_TRACKING_URI names."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow, opened when it is first needed: whoever only looks makes no store."""
        # before MLflow is imported, at which telemetry begins
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        # a server that was there a moment ago is asked for seconds, not for minutes
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        from stellarfm.tracking import connect

        _refuse_damaged(self.home.path / "mlflow.db")
        return connect(self.home)

    def start_run(self, key: str, name: str, params: Mapping[str, Any]) -> str:
        """Return the MLflow run of a training, a new one or the one that was interrupted."""
        experiment = self._experiment()
        # by our tag: MLflow's own ids are drawn at random, and a killed training must find its run again
        found = self.client.search_runs([experiment], f"tags.`{_RUN_TAG}` = '{key}'", max_results=1)
        if found:
            run_id: str = found[0].info.run_id
            self.client.update_run(run_id, status="RUNNING")
            return run_id
        run_id = self.client.create_run(experiment, tags={_RUN_TAG: key}, run_name=name).info.run_id
        for param, value in params.items():
            self.client.log_param(run_id, param, value)
        return run_id

    def log_metrics(self, run_id: str, step: int, metrics: Mapping[str, float]) -> None:
        """Log the metrics of one step in one call."""
        from mlflow.entities import Metric

        now = int(datetime.now(UTC).timestamp() * 1000)
        self.client.log_batch(run_id, metrics=[Metric(name, float(v), now, step) for name, v in metrics.items()])

    @contextmanager
    def ends_as_failed(self, run_id: str) -> Iterator[None]:
        """Mark a run as failed, or as killed, if the block ends by an exception; started again, it goes on."""
        try:
            yield
        except BaseException as error:
            with suppress(Exception):  # a store that does not answer now must not hide what went wrong
                self.client.set_terminated(run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise

    def finish_run(self, run_id: str, folder: Path | None = None) -> None:
        """Close a run, with the files of a folder (figures, reports) as its artifacts."""
        if folder is not None:
            self.client.log_artifacts(run_id, str(folder))
        self.client.set_terminated(run_id)

    @_held
    def register(self, key: str, run_id: str, folder: Path, tags: Mapping[str, str]) -> ModelVersion:
        """Return the version of a training run, registered if it is not there yet.

        Parameters
        ----------
        key
            Key of the training run.
        run_id
            Its MLflow run.
        folder
            Its model: config.json and weights.safetensors.
        tags
            What to say about it.
        """
        existing = [version for version in self.versions() if version.run == key]
        if existing:
            return existing[0]
        self.forget_unregistered()
        source = _log_model(run_id, folder)
        self._ensure_model()
        made = self.client.create_model_version(
            MODEL_NAME, source=source, run_id=run_id, tags={_RUN_TAG: key, **_hash_tag(folder), **dict(tags)}
        )
        return self.version(int(made.version))

    def unregistered(self) -> list[str]:
        """Return the models that a killed process had logged in this home and not registered."""
        if os.environ.get(TRACKING_VARIABLE, "").strip():
            return []  # of a server that others use as well, what is not registered may be theirs
        registered = {version.source for version in self.client.search_model_versions(f"name = '{MODEL_NAME}'")}
        logged = self.client.search_logged_models([self._experiment()])
        return [model.model_id for model in logged if model.model_uri not in registered]

    @_held
    def forget_unregistered(self) -> None:
        """Remove the models that a killed process had logged and not registered."""
        for model in self.unregistered():
            # the files first: a model without files is found again, files without a model are not
            shutil.rmtree(self.home.artifacts / "models" / model, ignore_errors=True)
            self.client.delete_logged_model(model)

    def unfinished_runs(self) -> list[str]:
        """Return the runs of this home that MLflow takes for running; nobody is at work on a home that is held."""
        if os.environ.get(TRACKING_VARIABLE, "").strip():
            return []
        return [run.info.run_id for run in self.client.search_runs([self._experiment()], "status = 'RUNNING'")]

    @_held
    def kill(self, run_id: str) -> None:
        """Mark a run whose process is gone."""
        self.client.set_terminated(run_id, "KILLED")

    def versions(self) -> list[ModelVersion]:
        """Return all versions, the newest first."""
        if not self.home.has_registry:
            return []
        model = self._model()
        if model is None:
            return []
        champions = {int(version) for alias, version in model.aliases.items() if alias.startswith(CHAMPION)}
        found = self.client.search_model_versions(f"name = '{MODEL_NAME}'")
        listed = [self._describe(version, champions) for version in found]
        return sorted(listed, key=lambda version: -version.version)

    def version(self, which: int | str) -> ModelVersion:
        """Return one version by number or alias: ``champion``, ``champion-VOCABULARY``, ``previous``, ``candidate``.

        Raises
        ------
        StellarError
            If there is none of that name.
        """
        versions = self.versions()
        number = self.aliases().get(str(which), which)
        for version in versions:
            if str(version.version) == str(number):
                return version
        known = ", ".join(str(version.version) for version in versions) or "none yet"
        raise StellarError(
            f"there is no model {which!r} in the home {self.home.path} (versions: {known}); "
            "make one with `stellarfm run` or `stellarfm train`"
        )

    def aliases(self) -> dict[str, int]:
        """Return MLflow's aliases of versions."""
        model = self._model() if self.home.has_registry else None
        return {} if model is None else {name: int(version) for name, version in model.aliases.items()}

    def set_alias(self, alias: str, version: int) -> None:
        """Let an alias stand for a version."""
        # by alias: stages of models are deprecated in MLflow
        self.client.set_registered_model_alias(MODEL_NAME, alias, str(version))

    def drop_alias(self, alias: str, version: int | None = None) -> None:
        """Take an alias away, or only if it stands for a version."""
        now = self.aliases().get(alias)
        if now is not None and version in (None, now):
            self.client.delete_registered_model_alias(MODEL_NAME, alias)

    def model_tags(self) -> dict[str, str]:
        """Return what MLflow keeps of all versions together."""
        model = self._model() if self.home.has_registry else None
        return {} if model is None else dict(model.tags)

    def set_model_tag(self, name: str, value: str) -> None:
        """Keep something about all versions together."""
        self.client.set_registered_model_tag(MODEL_NAME, name, value)

    def set_tag(self, version: int, name: str, value: str) -> None:
        """Write down one more thing about a version."""
        self.client.set_model_version_tag(MODEL_NAME, str(version), name, value)

    def _experiment(self) -> str:
        from stellarfm.tracking import artifact_location

        found = self.client.get_experiment_by_name(_EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        # without a place of its own it would put files into the working directory
        return str(self.client.create_experiment(_EXPERIMENT, artifact_location=artifact_location(self.home)))

    def _ensure_model(self) -> None:
        if self._model() is None:
            self.client.create_registered_model(MODEL_NAME)

    def _model(self) -> Any:
        """Return MLflow's entry for our model, None if there is none; any other answer is an error, not "no model"."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_registered_model(MODEL_NAME)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            first = (str(error).splitlines() or [""])[0]
            raise StellarError(f"MLflow does not say which models there are: {first}") from error

    def _describe(self, version: Any, champions: set[int]) -> ModelVersion:
        number = int(version.version)
        tags = {name: value for name, value in version.tags.items() if name != _RUN_TAG}
        folder = _model_folder(self.home, version.source)
        return ModelVersion(number, version.tags.get(_RUN_TAG, ""), folder, number in champions, tags)


def _model_folder(home: Home, source: str) -> Path:
    """Return the folder with the weights of a version: in the home, wherever it lies now, or fetched from a server."""
    import mlflow

    identifier = source.removeprefix("models:/")
    root = home.artifacts / "models" / identifier / "artifacts"
    if not root.is_dir():
        root = Path(mlflow.artifacts.download_artifacts(source))
    # below `data` since 0.2; models of 0.1 lie below `artifacts`
    return next((folder for folder in (root / "data" / "model",) if folder.is_dir()), root / "artifacts" / "model")


def _refuse_damaged(file: Path) -> None:
    if file.is_file() and file.stat().st_size and (why := sqlite_damage(file)):
        raise DamagedError(
            file,
            why,
            "which versions there are, who is champion and the curves of trainings are lost, the models in `runs` are "
            "not: put back a copy, or move the file away and run again, which registers the model of these settings anew",
        )


def _hash_tag(folder: Path) -> dict[str, str]:
    return {MODEL_HASH: seal_hash(folder)} if is_sealed(folder) else {}


def _log_model(run_id: str, folder: Path) -> str:
    """Log a model folder as an MLflow model from code (nothing is pickled) and return its address."""
    import mlflow

    with warnings.catch_warnings(), mlflow.start_run(run_id=run_id):
        # MLflow hints at options that do not apply to a model of a loader
        warnings.simplefilter("ignore")
        logged = mlflow.pyfunc.log_model(
            # `name` is what MLflow 3 calls artifact_path; requirements are given, as inferring them takes 4 to 6 s
            name=MODEL_NAME,
            # a loader, not an object or a file of code: nothing is pickled, and no place of this machine is written down
            loader_module="stellarfm.serving",
            data_path=str(folder),
            signature=_signature(folder),
            pip_requirements=["stellarfm"],
            metadata={"inputs": _input_names(folder)},
        )
    return str(logged.model_uri)


def _signature(folder: Path) -> Any:
    """Return MLflow's description of what is asked and answered.

    Of inputs it has none: MLflow would drop columns that it does not know without an error. `stellarfm.serving` judges them.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    labels = default_request(Vocabulary.from_dict(_config(folder)["vocabulary"]))
    outputs = Schema([ColSpec("float", name) for label in labels for name in (label, f"{label}_error")])
    return ModelSignature(None, outputs, ParamSchema([ParamSpec("request", "string", ",".join(labels))]))


def _input_names(folder: Path) -> list[str]:
    return [token["name"] for token in _config(folder)["vocabulary"]["tokens"]]


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config
