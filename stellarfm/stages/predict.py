"""A model and any table to a table of answers, streamed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from stellarfm.database import close_off, open_database
from stellarfm.errors import StellarError
from stellarfm.fields import Field
from stellarfm.formats import check_output, open_table, refuse_unwritable, write_table
from stellarfm.formats.paths import find
from stellarfm.measured import as_measured
from stellarfm.model.token_table import TokenTable
from stellarfm.progress import ProgressCallback, no_progress
from stellarfm.sql_paths import sql_path
from stellarfm.tokens import TokenQuery, identifiers, plan_tokens, refuse_missing, stream_tokens
from stellarfm.vocabulary import Vocabulary

if TYPE_CHECKING:
    from stellarfm.model.foundation import FoundationModel

# of a normal distribution at minus and plus one sigma
PERCENTILES = {"16": 15.865525, "84": 84.134475}


@dataclass(frozen=True)
class Request:
    """What is asked of every star.

    Attributes
    ----------
    names
        Tokens to answer.
    show_requested
        Whether the model may see the table's own value of a requested token.
    percentiles
        Whether to write ``NAME_16`` and ``NAME_84`` as well.
    """

    names: tuple[str, ...]
    show_requested: bool = False
    percentiles: bool = False


@dataclass(frozen=True)
class Predicted:
    """What a prediction made: rows written, rows of which nothing was known, tokens that were shown, notes on the input."""

    rows: int
    prior_rows: int
    shown: tuple[str, ...]
    notes: tuple[str, ...] = ()


def predict_table(
    model: "FoundationModel",
    address: str | Path,
    request: Request,
    target: Path,
    progress: ProgressCallback = no_progress,
) -> Predicted:
    """Answer a request for each row of a table, in the order of its rows and in flat memory.

    Parameters
    ----------
    model
        The model to ask.
    address
        A table in any format that `stellarfm.formats.open_table` reads.
    request
        What to ask.
    target
        File to write, in the format of its suffix: identifiers (the row's number from 0 where the table has none), then
        ``NAME`` and ``NAME_error`` of each request.
    progress
        Called with rows done, rows in all and a remark.

    Raises
    ------
    StellarError
        If the table cannot be read, has no token of the model, or a request is unknown.
    """
    from stellarfm.model.foundation import ROWS_AT_ONCE

    vocabulary = model.vocabulary
    hidden = [vocabulary.index(name) for name in request.names]
    with TemporaryDirectory(prefix="stellarfm-") as scratch, open_database() as con:
        check_output(target, [address])
        table = open_table(con, address, "input")
        # the model may be a stranger's, and so are the expressions of its vocabulary
        close_off(con, find(address).files)
        opened = as_measured(con, table, vocabulary)
        relation = opened.relation
        kept = identifiers(con, relation, vocabulary)
        refuse_unwritable(con, replace(opened, columns={name: name for name in kept}), target)
        query = plan_tokens(con, relation, vocabulary, keep=kept)
        # a table of any kind: one token that the model knows is enough
        refuse_missing(query, str(address), vocabulary, allow_missing=True)
        shown = _shown(query, model, [] if request.show_requested else hidden)
        if not shown:
            raise StellarError(
                f"{address} has nothing but what is requested ({', '.join(request.names)}); "
                "request something else, or add --show-requested"
            )
        total = int(con.execute(f"select count(*) from {relation}").fetchall()[0][0])  # noqa: S608
        # to Parquet first: the formats of a target are written from a relation, and not all can be streamed to
        answers = Path(scratch) / "answers.parquet"
        writer, done, prior = None, 0, 0
        for stars, kept in stream_tokens(con, query, ROWS_AT_ONCE):
            part, num_prior = _answer(model, stars, kept, shown, request)
            writer = writer or pq.ParquetWriter(answers, part.schema, compression="zstd", compression_level=1)
            writer.write_table(part)
            done, prior = done + len(stars), prior + num_prior
            progress(done, total, "")
        if writer is None:
            raise StellarError(f"{address} has no rows: there is nothing to predict")
        writer.close()
        fields = {**opened.fields, **_fields(vocabulary, request)}
        with open_database() as out:
            write_table(out, f"read_parquet({sql_path(answers)}, hive_partitioning = false)", target, fields)
    return Predicted(done, prior, tuple(vocabulary.names[place] for place in shown), opened.notes)


def _fields(vocabulary: Vocabulary, request: Request) -> dict[str, Field]:
    """Return what the answers are: units and descriptions of their tokens."""
    fields = {}
    for name in request.names:
        token = vocabulary.tokens[vocabulary.index(name)]
        about = token.description or name
        fields[name] = Field(token.unit, "", about)
        fields[f"{name}_error"] = Field(token.unit, "stat.error", f"1 sigma: {about}")
        for percentile in PERCENTILES:
            fields[f"{name}_{percentile}"] = Field(token.unit, "stat.percentile", f"percentile {percentile}: {about}")
    return fields


def _shown(query: TokenQuery, model: "FoundationModel", hidden: Sequence[int]) -> list[int]:
    found = {place for places in query.groups for place in places}
    return [place for place in range(len(model.vocabulary)) if place in found and place not in hidden]


def _answer(
    model: "FoundationModel", stars: TokenTable, kept: pa.Table, shown: Sequence[int], request: Request
) -> tuple[pa.Table, int]:
    # NaN is "not shown": a column of the table that is requested would give its own answer away
    answers = model.predict(stars.showing(shown), list(request.names))
    # without an identifier the row's number is the only way back to the table
    columns: dict[str, pa.Array] = {name: kept[name] for name in kept.column_names} or {"row": pa.array(stars.ids)}
    answered = answers.columns(PERCENTILES if request.percentiles else None)
    columns |= {name: pa.array(values) for name, values in answered.items()}
    return pa.table(columns), int(answers.is_prior.sum())
