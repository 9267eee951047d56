"""Champion and warehouse to a release."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stellarfm import __version__
from stellarfm.atomic import content_key, fresh_folder, point_link
from stellarfm.catalog.origins import release_facts
from stellarfm.catalog.reader import LATEST, Catalog, hidden_releases, list_catalogs, release_folders, release_number
from stellarfm.catalog.release import CATALOG_FILE, Release, write_release
from stellarfm.champions import champion_in_use
from stellarfm.checks.folders import kept_checks
from stellarfm.checks.run import check_catalog
from stellarfm.config import Settings
from stellarfm.home import Home, changes_home
from stellarfm.integrity import DamagedError
from stellarfm.landing.missing import Ids
from stellarfm.model.token_table import TokenTable
from stellarfm.model_copies import whole_folder
from stellarfm.progress import console, progress_bar, tell
from stellarfm.published_settings import published_settings
from stellarfm.registry import ModelVersion
from stellarfm.resources import sql_texts
from stellarfm.stages.evaluate import count_held_out, evaluate_model, held_out_stars
from stellarfm.stages.predict import PERCENTILES
from stellarfm.stages.prepare import Prepared, has_warehouse, prepared_of
from stellarfm.stages.roles import learning_role
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.surveys.selection import Surveys, choose_surveys
from stellarfm.tokens import plan_tokens, refuse_missing, stream_tokens
from stellarfm.vocabulary import Vocabulary
from stellarfm.warehouse.connection import connect

if TYPE_CHECKING:
    from stellarfm.model.foundation import FoundationModel

PUBLISHED_TOKENS = ("teff", "logg", "m_h", "logebv", "g_fakemag")
_STARS = "marts.stars"
_SOFTWARE = ("stellarfm", "torch", "duckdb", "prefect", "mlflow", "great-expectations")


@dataclass(frozen=True)
class Origin:
    """What a release is made from."""

    warehouse: Path
    warehouse_key: str
    provenance: dict[str, str]
    metrics: Callable[[], list[dict[str, Any]]]
    surveys: Surveys


@changes_home
def publish(settings: Settings, home: Home) -> Release:
    """Publish the catalogue of the champion's predictions for every star of the warehouse.

    Parameters
    ----------
    settings
        Vocabulary and release of Gaia; all of them go into the provenance.
    home
        Where warehouse, registry and releases lie.

    Raises
    ------
    StellarError
        If there is no champion, or the catalogue fails its checks; nothing is published then.
    """
    prepared = prepared_of(home)
    vocabulary = vocabulary_of(settings)
    champion = champion_in_use(home, vocabulary.name)
    learning = learning_role(settings, home)[1]
    # a champion that was made elsewhere is used without stars to learn from: this selection has to judge it, if it can
    judging = learning if has_warehouse(learning) else home
    surveys = choose_surveys(settings.gaia.release)
    origin = Origin(
        warehouse=home.warehouse,
        warehouse_key=prepared.key,
        provenance=_inputs(settings, prepared, prepared_of(judging)) | release_facts(surveys),
        metrics=lambda: _champion_rows(judging, champion, vocabulary),
        surveys=surveys,
    )
    return release_predictions(home, champion, origin)


def _champion_rows(home: Home, champion: ModelVersion, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return the champion's figures on the held-out stars of this selection; none where none of them has a label."""
    if not count_held_out(home):
        console.print("no held-out star of this selection has a label: the release carries no figures of its own")
        return []
    stars, training_set = held_out_stars(home, vocabulary), prepared_of(home).training_set_hash
    model = whole_folder(home, champion)
    rows: list[dict[str, Any]] = evaluate_model(home, champion.run, model, stars, training_set).metrics["rows"]
    return rows


@changes_home
def release_predictions(home: Home, version: ModelVersion, origin: Origin) -> Release:
    """Predict every star with a model and publish the catalogue, or return the release that is the same.

    Parameters
    ----------
    home
        Where releases lie.
    version
        The model to predict with.
    origin
        The warehouse with ``marts.stars``, and what to say about it.

    Raises
    ------
    StellarError
        If the catalogue fails its checks; nothing is published then.
    """
    from stellarfm.model.checkpoint import read_training_ids
    from stellarfm.model.foundation import FoundationModel

    # the SQL is part of it: another description of a column is another release
    key = content_key(origin.warehouse_key, version.run, sql_texts(), PUBLISHED_TOKENS)
    for catalog in list_catalogs(home.releases):
        if catalog.release.key == key and _is_whole(catalog):
            point_link(home.releases / LATEST, catalog.release.version)
            return catalog.release
    name = _name(home, key)
    with fresh_folder(home.releases / name) as folder:
        predictions = folder / "predictions.parquet"
        whole = whole_folder(home, version)
        model = FoundationModel.load(whole)
        _predict_stars(model, read_training_ids(whole), origin.warehouse, predictions)
        provenance = _provenance(name, key, version) | origin.provenance
        release = write_release(
            folder, name, key, origin.warehouse, predictions, provenance, origin.metrics(), origin.surveys
        )
        # the release holds the same numbers, and the manifest vouches for the catalogue alone
        predictions.unlink()
        # inside the block: a catalogue that fails never gets its name, and `latest` stays where it is
        with kept_checks(home.checks, name) as checks:
            # a model that never saw a reddening publishes NULL, which is not to be blamed on the stars
            absent = () if _learned(model, "logebv") else ("staging.extinction",)
            check_catalog(folder / CATALOG_FILE, checks, absent, origin.surveys)
    point_link(home.releases / LATEST, name)
    return release


def _is_whole(catalog: Catalog) -> bool:
    """Whether a release is what was published; it is said if it must be made anew."""
    try:
        catalog.verify(whole=False)
    except DamagedError as error:
        tell(f"{error.path} is damaged ({error.why}): the release is made anew")
        return False
    return True


def _name(home: Home, key: str) -> str:
    """Return the name of the release with a key: that of a damaged folder, which it replaces, or a new one."""
    for error in hidden_releases(home.releases):
        tell(f"{error.path} is damaged ({error.why}): its release is not listed")
    folders = [folder.name for folder in release_folders(home.releases)]
    same = [name for name in folders if name.endswith(f"-{key[:8]}")]
    # numbers grow even where a release in between was deleted
    return same[0] if same else f"r{1 + max(map(release_number, folders), default=0)}-{key[:8]}"


def _predict_stars(model: "FoundationModel", learned_from: Ids | None, warehouse: Path, target: Path) -> None:
    """Predict the published tokens from what was measured (spectrum and colours), streamed to Parquet."""
    from stellarfm.model.foundation import ROWS_AT_ONCE

    vocabulary = model.vocabulary
    # the inputs of the first task: labels and reddening are held back, or the model would repeat what it was told
    shown = [vocabulary.index(name) for name in vocabulary.tasks[0].inputs]
    with connect(warehouse, read_only=True) as con, progress_bar("predict", "stars") as progress:
        query = plan_tokens(con, _STARS, vocabulary)
        refuse_missing(query, _STARS, vocabulary, allow_missing=False)
        total = con.execute("select count(*) from marts.stars").fetchall()[0][0]
        with pq.ParquetWriter(target, _schema()) as writer:
            done = 0
            for stars, _ in stream_tokens(con, query, ROWS_AT_ONCE):
                writer.write_table(_predict_batch(model, learned_from, stars, shown))
                done += len(stars)
                progress(done, total, "")


def _predict_batch(model: "FoundationModel", learned_from: Ids | None, stars: TokenTable, shown: list[int]) -> pa.Table:
    seen = stars.showing(shown)
    answers = model.predict(seen, list(PUBLISHED_TOKENS))
    # by the model's own list: the warehouse of today may hold others than those that it learned from
    known = pa.nulls(len(stars), pa.bool_()) if learned_from is None else pa.array(np.isin(stars.ids, learned_from))
    columns: dict[str, Any] = {
        "source_id": stars.ids,
        "in_training_set": known,
        "num_tokens_observed": np.isfinite(seen.values).sum(1).astype(np.int32),
    }
    # NULL for a token that was never learned: its numbers would look like measurements
    learned = {name: _learned(model, name) for name in PUBLISHED_TOKENS}
    for column, values in answers.columns(PERCENTILES).items():
        token = next(name for name in PUBLISHED_TOKENS if column == name or column.startswith(f"{name}_"))
        columns[column] = pa.array(values.astype(np.float32), mask=np.full(len(stars), not learned[token]))
    return pa.table(columns, schema=_schema())


def _learned(model: "FoundationModel", name: str) -> bool:
    """Whether a model ever saw a token: one that its training set never had was left on a scale of 0 and 1."""
    place = model.vocabulary.index(name)
    return not (model.scaler.centre[place] == 0 and model.scaler.width[place] == 1)


def _schema() -> pa.Schema:
    answers = [(name + suffix, pa.float32()) for name in PUBLISHED_TOKENS for suffix in ("", "_error", "_16", "_84")]
    of_the_star = [("source_id", pa.int64()), ("in_training_set", pa.bool_()), ("num_tokens_observed", pa.int32())]
    return pa.schema([*of_the_star, *answers])


def _provenance(name: str, key: str, version: ModelVersion) -> dict[str, str]:
    """Return what is known of how a release was made; addresses of servers and paths stay out of it."""
    software = {f"software_{package}": package_version(package) for package in _SOFTWARE if package != "stellarfm"}
    return {
        "release": name,
        "release_key": key,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "software_stellarfm": __version__,
        "git_commit": _git_commit(),
        "model_version": str(version.version),
        "model_run": version.run,
        **{f"model_{name}": value for name, value in version.tags.items() if name in ("vocabulary", "preset")},
        **software,
    }


def _git_commit() -> str:
    """Return the commit of the checkout that runs, "" for an installed package."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return ""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        # git must not write into a checkout that someone else is working in
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return found.stdout.strip()


def _inputs(settings: Settings, prepared: Prepared, judged: Prepared) -> dict[str, str]:
    """Return what the warehouse was made from, and the stars that the model was judged on, for the provenance."""
    return {
        "archive": prepared.archive,
        "archive_release": prepared.archive_release,
        "landing_snapshot": prepared.snapshot_hash,
        "warehouse_key": prepared.key,
        "judged_on_snapshot": judged.snapshot_hash,
        "training_set_hash": judged.training_set_hash,
        "seed": str(settings.seed),
        "settings": json.dumps(published_settings(settings)),
    }
