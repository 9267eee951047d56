"""How `stellarfm train` and `stellarfm evaluate` tell what they made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stellarfm.commands.printing import print_json, print_table, print_text
from stellarfm.config import Settings
from stellarfm.evaluation.comparison import TREES
from stellarfm.evaluation.report import best_scores
from stellarfm.home import Home
from stellarfm.progress import console as stderr
from stellarfm.stages.evaluate import Evaluation

_COLUMNS = ("model", "token", "against", "stars", "scatter", "bias", "in 68 %", "in 95 %")


def train_on_home(settings: Settings, home: Home, *, as_json: bool) -> None:
    """Train on the home's training set, judge the model and register it."""
    from stellarfm.stages.evaluate import evaluate
    from stellarfm.stages.promote import register
    from stellarfm.stages.train import train

    run = train(settings, home)
    evaluation = evaluate(settings, home, run)
    version = register(settings, home, run, evaluation)
    _tell(evaluation, {"version": version.version, "champion": version.champion}, as_json=as_json)


def train_on_table(settings: Settings, home: Home, table: Path, *, as_json: bool) -> None:
    """Train on a table of one's own, judge the model on its held-out rows and register it."""
    from stellarfm.stages.train_table import train_on_table as stage

    own = stage(settings, home, table, tell=lambda sentence: stderr.print(sentence))
    facts = {"version": own.version.version, "champion": own.version.champion, "num_stars": own.num_stars}
    if not own.verdict.passed:
        stderr.print(f"the model did not pass the gate: {'; '.join(own.verdict.reasons)}", markup=False, soft_wrap=True)
    _tell(own.evaluation, facts, as_json=as_json)


def print_evaluation(evaluation: Evaluation, trees: Sequence[dict[str, Any]] = (), *, as_json: bool) -> None:
    """Print the figures of a report, task by task, and those of gradient-boosted trees beside the model's."""
    metrics = {**evaluation.metrics, "rows": [*evaluation.metrics["rows"], *trees]}
    if as_json:
        return print_json({**metrics, "report": str(evaluation.folder / "report.html")})
    tasks = dict.fromkeys(row["task"] for row in metrics["rows"])
    for task in tasks:
        rows = [_row(row) for row in metrics["rows"] if row["task"] == task]
        print_table(_COLUMNS, rows, title=task)
        print_text()
    if trees:
        _print_ratios(metrics)
    return print_text(f"report  {evaluation.folder / 'report.html'}", soft_wrap=True)


def _print_ratios(metrics: dict[str, Any]) -> None:
    """Print the model's scatter as a share of that of each set of trees."""
    ours, others = best_scores(metrics), {name: best_scores(metrics, name) for name in TREES}
    rows = [
        [
            token,
            row["against"],
            f"{row['scatter']:.4g}",
            *(f"{row['scatter'] / o[token]['scatter']:.3f}" for o in others.values()),
        ]
        for token, row in ours.items()
        if all(token in other for other in others.values())
    ]
    columns = ["token", "against", "scatter", *(f"of {name}" for name in others)]
    print_table(columns, rows, title="as a share of the scatter of trees on the same rows and inputs")
    print_text()


def _row(row: dict[str, Any]) -> list[Any]:
    inside = [f"{100 * row[name]:.1f} %" if name in row else "" for name in ("coverage_68", "coverage_95")]
    figures = [f"{row['scatter']:.4g}", f"{row['bias']:.2g}"]
    return [row["model"], row["token"], row["against"], f"{row['num_stars']:,}", *figures, *inside]


def _tell(evaluation: Evaluation, facts: dict[str, Any], *, as_json: bool) -> None:
    report = str(evaluation.folder / "report.html")
    if as_json:
        scores = best_scores(evaluation.metrics)
        return print_json({**facts, "metrics": evaluation.metrics, "scores": scores, "report": report})
    print_evaluation(evaluation, as_json=False)
    number = facts["version"]
    # a model of one's own table went through the gate already
    later = f"`--model {number}` uses it" if "num_stars" in facts else "`stellarfm promote` puts it through the gate"
    state = "the champion" if facts["champion"] else f"not the champion; {later}"
    return print_text(f"model   version {facts['version']}, {state}")
