"""Names of columns and views of a foreign file run nothing, in any format, and reach no other file."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stellarfm.database import close_off, open_database
from stellarfm.errors import StellarError
from stellarfm.formats import open_numbered, open_table, write_table
from stellarfm.formats.paths import find
from stellarfm.measured import as_measured
from stellarfm.tokens import identifiers, plan_tokens, stream_tokens
from stellarfm.vocabulary import load_vocabulary

ATTACK = "copy (select 1) to 'pwned.txt'"
NAMES = ["teff", f'a"; {ATTACK}; --', f"b'); {ATTACK}; --", f"c) from (select 1); {ATTACK}; --", f'x_id"; {ATTACK}; --',
         "e/*", "f--", "$1", "{}", "%s", "parallax"]  # fmt: skip


@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "vot", "duckdb"])
def test_a_column_of_any_name_is_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({name: [float(place), 2.0] for place, name in enumerate(NAMES)}), "given.parquet")
    file = Path(f"own.{suffix}")
    with open_database() as con:
        write_table(con, open_table(con, "given.parquet", "given").relation, file)
    vocabulary = load_vocabulary("photometry")
    with open_database() as con:
        opened = open_table(con, file, "own")
        close_off(con, find(file).files)
        opened = as_measured(con, opened, vocabulary)
        kept = identifiers(con, opened.relation, vocabulary)
        batches = list(stream_tokens(con, plan_tokens(con, opened.relation, vocabulary, keep=kept), 10))
    assert [len(stars) for stars, _ in batches] == [2]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"given.parquet", file.name})


@pytest.mark.parametrize(
    "query",
    ["select content from read_text('secret.txt')", "from 'secret.csv'", "select 1 as a where exists(from glob('*'))",
     "select outside() as a"],
)  # fmt: skip
def test_a_view_that_reads_other_files_is_refused_by_every_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("42")
    (tmp_path / "secret.csv").write_text("a\n42\n")
    with duckdb.connect("foreign.duckdb") as con:
        con.execute("create macro outside() as (select max(content) from read_text('secret.txt'))")
        con.execute(f"create view seen as {query}")
    for opener in (open_table, open_numbered):
        with open_database() as con, pytest.raises(StellarError, match="is a view that reads other files"):
            opener(con, "foreign.duckdb", "given")


def test_a_view_of_its_own_tables_is_read(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "own.duckdb")) as con:
        con.execute("create table stars as select 1 as a")
        con.execute("create view doubled as select 2 * a as b from stars")
    with open_database() as con:
        opened = open_table(con, f"{tmp_path}/own.duckdb#doubled", "given")
        assert con.sql(f"from {opened.relation}").fetchall() == [(2,)]
