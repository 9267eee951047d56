"""How good a model is: tables, figures and one page, from held-out stars."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stellarfm.atomic import fresh_folder
from stellarfm.evaluation.comparison import colour_rows
from stellarfm.evaluation.figures import draw_agreement, draw_calibration, draw_kiel
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.tasks import Answered, answer
from stellarfm.integrity import seal
from stellarfm.pages import render_page
from stellarfm.vocabulary import Task

if TYPE_CHECKING:
    from stellarfm.model.foundation import FoundationModel

_KIEL = ("teff", "logg", "m_h")


def evaluate(model: "FoundationModel", stars: HeldOut, folder: Path) -> dict[str, Any]:
    """Put every task of the vocabulary to the held-out stars and write the report.

    Parameters
    ----------
    model
        The model to judge.
    stars
        Held-out and training stars.
    folder
        Folder to make: ``metrics.json``, ``report.html`` and the figures.

    Returns
    -------
    dict
        What ``metrics.json`` holds: rows of task, token, metric figures; see `stellarfm.evaluation.metrics.Score`.
    """
    with fresh_folder(folder) as partial:
        rows: list[dict[str, Any]] = []
        for number, task in enumerate(stars.vocabulary.tasks):
            asked = stars.that_can_be_asked(task)
            answered = answer(model, task, asked.test, asked.vocabulary, asked.truth)
            rows += _rows(task, answered)
            if number == 0:
                rows += colour_rows(asked, task)
                _draw(partial, asked, answered)
        metrics = {"headline": stars.vocabulary.tasks[0].name, "num_test_stars": len(stars.test), "rows": rows}
        (partial / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        _write_page(partial, metrics)
        seal(partial)
    return metrics


def best_scores(metrics: Mapping[str, Any], model: str = "model") -> dict[str, dict[str, float]]:
    """Return the headline task's figures by token, against the truth where it is known and the label otherwise."""
    found: dict[str, dict[str, float]] = {}
    for row in metrics["rows"]:
        if (row["task"], row["model"]) != (metrics["headline"], model):
            continue
        if row["against"] == "truth" or row["token"] not in found:
            found[row["token"]] = row
    return found


def _rows(task: Task, answered: Answered) -> list[dict[str, Any]]:
    against = (("label", answered.scores), ("truth", answered.truth_scores))
    return [
        {"task": task.name, "model": "model", "token": name, "against": what, **score.to_dict()}
        for what, scores in against
        for name, score in scores.items()
    ]


def _draw(folder: Path, stars: HeldOut, answered: Answered) -> None:
    names = answered.task.requests
    target = np.stack([list(stars.targets(name).values())[-1] for name in names], axis=1)
    draw_agreement(folder / "agreement.png", stars.vocabulary, names, target, answered.values)
    draw_calibration(folder / "calibration.png", names, answered.below)
    if set(_KIEL) <= set(names):
        labels = [names.index(name) for name in _KIEL]
        known = np.isfinite(target[:, labels]).all(axis=1)
        draw_kiel(folder / "kiel.png", target[known][:, labels], answered.values[known][:, labels])


def _write_page(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write one self-contained page: the figures lie inside it."""
    figures = {path.stem: base64.b64encode(path.read_bytes()).decode() for path in sorted(folder.glob("*.png"))}
    page = render_page(
        "report.html", metrics=metrics, tasks=_by_task(metrics["rows"]), figures=figures, captions=_CAPTIONS
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _by_task(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    tasks: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        tasks.setdefault(row["task"], []).append(row)
    return tasks


_CAPTIONS = {
    "agreement": "Predictions against the truth (or the label where the truth is not known), and their differences.",
    "calibration": "Share of stars inside the predicted interval: on the diagonal the errors are right.",
    "kiel": "Surface gravity against temperature, coloured by metallicity.",
}
