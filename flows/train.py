"""Training set to a model in the registry, champion by evidence."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.stages.evaluate import Evaluation
from stellarfm.stages.evaluate import evaluate as evaluate_stage
from stellarfm.stages.promote import Promotion
from stellarfm.stages.promote import promote as promote_stage
from stellarfm.stages.train import TrainedRun
from stellarfm.stages.train import train as train_stage


@task(name="train the model", cache_policy=NO_CACHE)
def fit(settings: Settings, home: Home) -> TrainedRun:
    """Train, or go on from the last checkpoint, or return the finished run."""
    return train_stage(settings, home)


@task(name="judge on held-out stars", cache_policy=NO_CACHE)
def judge(settings: Settings, home: Home, run: TrainedRun) -> Evaluation:
    """Write the report on held-out stars."""
    evaluation = evaluate_stage(settings, home, run)
    create_table_artifact(evaluation.metrics["rows"], key="metrics", description="Held-out stars")
    return evaluation


@task(name="pass the gate", cache_policy=NO_CACHE)
def gate(settings: Settings, home: Home, run: TrainedRun, evaluation: Evaluation) -> Promotion:
    """Register the model and promote it if the evidence allows."""
    promotion = promote_stage(settings, home, run, evaluation)
    outcome = "passed" if promotion.verdict.passed else "failed"
    reasons = "\n".join(f"- {reason}" for reason in promotion.verdict.reasons)
    create_markdown_artifact(f"**{outcome}**\n\n{reasons}", key="gate", description="Why the model was promoted or not")
    return promotion


@flow(name="train", validate_parameters=False)
def train(settings: Settings, home: Home) -> tuple[TrainedRun, Evaluation, Promotion]:
    """Train, judge and promote."""
    run = fit(settings, home)
    evaluation = judge(settings, home, run)
    return run, evaluation, gate(settings, home, run, evaluation)
