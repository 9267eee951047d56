"""A table of one's own to a trained model in the registry, without a warehouse."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stellarfm.atomic import content_key
from stellarfm.config import Settings
from stellarfm.database import close_off, open_database
from stellarfm.errors import StellarError
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.tasks import answerable, never_known
from stellarfm.formats import open_table
from stellarfm.formats.paths import find
from stellarfm.gate import GateVerdict
from stellarfm.home import Home, changes_home
from stellarfm.measured import as_measured
from stellarfm.model.token_table import TokenTable
from stellarfm.registry import ModelVersion, Registry
from stellarfm.rules import rule_value, split_of
from stellarfm.stages.evaluate import Evaluation, evaluate_model, log_evaluation
from stellarfm.stages.promote import promote_model
from stellarfm.stages.train import TrainedRun, train_model
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import load_vocabulary


@dataclass(frozen=True)
class TableModel:
    """What a training on one's own table made."""

    run: TrainedRun
    evaluation: Evaluation
    version: ModelVersion
    verdict: GateVerdict
    num_stars: dict[str, int]


@changes_home
def train_on_table(
    settings: Settings, home: Home, address: Path, tell: Callable[[str], None] = lambda _: None
) -> TableModel:
    """Train on a table of one's own, judge the model on its held-out rows and register it.

    Parameters
    ----------
    settings
        Vocabulary, preset, device and seed.
    home
        Where run folders and the registry lie.
    address
        The table, in any format that `stellarfm.formats.open_table` reads.
    tell
        Called with a sentence on what is about to happen.

    Raises
    ------
    StellarError
        If the table cannot be read, lacks a column or has too few rows.
    """
    vocabulary = load_vocabulary(settings.training.vocabulary)
    with open_database() as con:
        own = open_table(con, address, "own")
        close_off(con, find(address).files)
        opened = as_measured(con, own, vocabulary)
        table = read_tokens(con, opened.relation, vocabulary, called=str(address))
    for note in opened.notes:
        tell(note)
    has_ids = bool(vocabulary.identifier and opened.find(vocabulary.identifier))
    if vocabulary.identifier and not has_ids:
        tell(
            f"{address} has no column {vocabulary.identifier}: its rows are split by their number, and a star that has several "
            "may be learned from and held out"
        )
    least = int(rule_value("min_labelled_stars"))
    if len(table) < least:
        raise StellarError(f"{address} has {len(table)} rows; a model needs at least {least} to learn from")
    parts = split_rows(table)
    sizes = {name: len(part) for name, part in parts.items()}
    unknown = never_known(vocabulary, table)
    tell(f"{len(table):,} stars: {sizes['train']:,} to learn from, {sizes['test']:,} held out")
    if unknown:
        tell(f"never known in this table: {', '.join(unknown)}")
    # there is no warehouse whose hash could stand for the data: their bytes do
    data_hash = content_key(*(array.tobytes().hex() for array in (table.ids, table.values, table.errors)))
    run = train_model(settings, home, vocabulary, parts["train"], parts["validation"], data_hash, keep_ids=has_ids)
    held_out = HeldOut(parts["test"], parts["train"], answerable(vocabulary, unknown))
    registry = Registry(home)
    with registry.ends_as_failed(run.mlflow_run):
        evaluation = evaluate_model(home, run.key, run.model, held_out, data_hash)
    log_evaluation(home, run, evaluation)
    made = promote_model(settings, home, vocabulary, run, evaluation, lambda: held_out)
    return TableModel(run, evaluation, made.version, made.verdict, sizes)


def split_rows(table: TokenTable) -> dict[str, TokenTable]:
    """Split rows by their identifier alone, with the rule ``split_of`` of every training set: a star never changes sides.

    Returns
    -------
    dict
        The tables ``test``, ``validation`` and ``train``, of shapes (N, T) whose N add up: each row is in one of them.
    """
    # also the rule of the warehouse: a star that is in both never is in the test set here and in training there
    split = split_of(table.ids)
    return {name: table.rows(split == name) for name in ("test", "validation", "train")}
