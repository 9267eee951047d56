"""A model and its held-out stars to a report."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stellarfm.atomic import content_key, fresh_folder
from stellarfm.config import Settings
from stellarfm.evaluation.comparison import TREES, tree_rows
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.metrics import Floats
from stellarfm.evaluation.report import evaluate as write_report
from stellarfm.evaluation.tasks import answerable, never_known
from stellarfm.home import Home, changes_home
from stellarfm.integrity import SEAL_FILE, DamagedError, check_seal, seal
from stellarfm.landing.parts import Landing
from stellarfm.model.token_table import TokenTable
from stellarfm.progress import progress_bar, tell
from stellarfm.registry import Registry
from stellarfm.rules import rule_value
from stellarfm.stages.prepare import prepared_of
from stellarfm.stages.roles import learning_role
from stellarfm.stages.train import TrainedRun, read_split
from stellarfm.stages.vocabularies import vocabulary_of
from stellarfm.vocabulary import Vocabulary
from stellarfm.warehouse.connection import connect


@dataclass(frozen=True)
class Evaluation:
    """A report on one model.

    Attributes
    ----------
    folder
        ``report.html``, the figures and ``metrics.json``.
    metrics
        What ``metrics.json`` holds.
    """

    folder: Path
    metrics: dict[str, Any]


@changes_home
def evaluate(settings: Settings, home: Home, run: TrainedRun) -> Evaluation:
    """Judge a run's model on the stars that the split keeps back, and log the figures."""
    settings, home = learning_role(settings, home)
    vocabulary = vocabulary_of(settings)
    stars, training_set = held_out_stars(home, vocabulary), prepared_of(home).training_set_hash
    evaluation = evaluate_model(home, run.key, run.model, stars, training_set)
    log_evaluation(home, run, evaluation)
    return evaluation


def held_out_stars(home: Home, vocabulary: Vocabulary) -> HeldOut:
    """Return the warehouse's test stars with their truth, if the archive has one, and the training stars for baselines."""
    test, training_stars = (read_split(home, vocabulary, split) for split in ("test", "train"))
    # a token without a value in this selection is neither asked for nor judged
    asked = answerable(vocabulary, never_known(vocabulary, test, training_stars))
    landing = Landing(home.landing, prepared_of(home).archive)
    return HeldOut(test, training_stars, asked, read_truth(landing, test))


def count_held_out(home: Home) -> int:
    """Return the number of test stars of the warehouse that have a label, where there are training stars beside them."""
    with connect(home.warehouse, read_only=True) as con:
        found = con.execute(
            "select count(*) filter (split = 'test' and coalesce(teff, logg, m_h) is not null), "
            "count(*) filter (split = 'train') from marts.training_set"
        ).fetchall()[0]
    return int(found[0]) if found[1] else 0


@changes_home
def evaluate_model(home: Home, run: str, model: Path, stars: HeldOut, data_hash: str) -> Evaluation:
    """Judge a model on held-out stars, or return the report that there is.

    Parameters
    ----------
    home
        Where run folders lie.
    run
        Key of the model's training run; the report lies in its folder.
    model
        The model's files.
    stars
        Held-out and training stars.
    data_hash
        Key of their content.

    Returns
    -------
    Evaluation
        Folder and figures.
    """
    from stellarfm.model.foundation import FoundationModel

    # data and questions; the model is in the name of the run folder
    key = content_key(data_hash, stars.vocabulary.to_dict()["tasks"], stars.truth is not None)
    folder = home.runs / run / f"evaluation-{key[:8]}"
    if not _is_whole(folder):
        return Evaluation(folder, write_report(FoundationModel.load(model), stars, folder))
    return Evaluation(folder, json.loads((folder / "metrics.json").read_text(encoding="utf-8")))


def _is_whole(folder: Path) -> bool:
    """Whether a folder of figures is there and holds what was written; it is said if they must be made anew."""
    if not folder.is_dir():
        return False
    try:
        check_seal(folder, "the figures are made anew")
    except DamagedError as error:
        # those from before 0.2 have no list of hashes: made anew once, without a word about damage
        if error.path.name != SEAL_FILE:
            tell(str(error))
        return False
    return True


@changes_home
def compare_with_trees(settings: Settings, home: Home) -> list[dict[str, Any]]:
    """Judge gradient-boosted trees on the first task, or return what was found for the same stars before; takes minutes.

    Returns
    -------
    list of dict
        Rows of the form that `Evaluation.metrics["rows"]` has: the same rows and inputs as the model's.
    """
    settings, home = learning_role(settings, home)
    stars = held_out_stars(home, vocabulary_of(settings))
    task, seed = stars.vocabulary.tasks[0], settings.seed
    what = (prepared_of(home).training_set_hash, asdict(task), TREES, seed, stars.truth is not None)
    folder = home.runs / f"trees-{content_key(*what)}"
    if not _is_whole(folder):
        # in a folder that appears whole: rows of a comparison that was killed would pass for all of them
        with progress_bar("trees", "fits") as progress, fresh_folder(folder) as partial:
            asked = stars.that_can_be_asked(task)
            rows = tree_rows(asked, task, seed=seed, threads=settings.warehouse.threads, progress=progress)
            (partial / "rows.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
            seal(partial)
    found: list[dict[str, Any]] = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    return found


@changes_home
def log_evaluation(home: Home, run: TrainedRun, evaluation: Evaluation) -> None:
    """Put the figures of a report into MLflow and close the training's run."""
    registry = Registry(home)
    figures = {}
    for row in evaluation.metrics["rows"]:
        # of the many figures of a report, MLflow shows those by which models are compared
        if row["task"] == evaluation.metrics["headline"] and row["model"] == "model":
            figures[f"heldout.{row['token']}.{row['against']}.scatter"] = row["scatter"]
            figures[f"heldout.{row['token']}.{row['against']}.coverage_68"] = row["coverage_68"]
    # a figure that is not finite, of no star at all, is no point of a curve
    registry.log_metrics(run.mlflow_run, 0, {name: value for name, value in figures.items() if np.isfinite(value)})
    registry.finish_run(run.mlflow_run, evaluation.folder)


def read_truth(landing: Landing, stars: TokenTable) -> Mapping[str, Floats] | None:
    """Return true labels of stars from the simulated sky's truth, None where an archive has no truth.

    Parameters
    ----------
    landing
        Landing with the table ``truth``.
    stars
        The stars whose labels are wanted, by their identifier; N of them.

    Returns
    -------
    dict or None
        ``teff`` (K), ``logg`` (dex), ``m_h`` (dex) and ``logebv`` (ln of mag), each of shape (N,), NaN where unknown.
    """
    files = landing.files("truth")
    if not files:
        return None
    columns = ["source_id", "teff", "logg", "m_h", "ebv"]
    tables = [pq.read_table(file, columns=columns) for file in files]
    # stars that Gaia does not see have a truth and no identifier
    known = [table.filter(pc.is_valid(table["source_id"])) for table in tables]
    ids = np.concatenate([table["source_id"].to_numpy() for table in known])
    order = np.argsort(ids)
    # a join by bisection: searchsorted may give len(ids), which the clip brings back and `found` then refuses
    place = order[np.clip(np.searchsorted(ids, stars.ids, sorter=order), 0, len(ids) - 1)]
    found = ids[place] == stars.ids
    truth = {name: np.concatenate([table[name].to_numpy() for table in known])[place] for name in columns[1:]}
    with np.errstate(divide="ignore"):
        # ln 0 is minus infinity: less than the smallest reddening is no dust, as the tokens have it
        truth["logebv"] = np.maximum(np.log(truth.pop("ebv")), rule_value("no_dust_logebv"))
    return {name: np.where(found, values, np.nan) for name, values in truth.items()}
