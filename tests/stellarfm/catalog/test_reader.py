"""A release is read and nothing else: no other file, no network, no writing, no setting; and never two releases at once."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stellarfm.atomic import file_hash, fresh_folder, point_link
from stellarfm.catalog.reader import Catalog, list_catalogs, open_catalog
from stellarfm.catalog.release import CATALOG_FILE, MANIFEST_FILE, Release
from stellarfm.errors import StellarError
from stellarfm.home import Home

READERS, PUBLICATIONS = 10, 60


def publish_release(home: Home, number: int) -> str:
    """Publish a release of one row that says which it is, in the way of the stage."""
    name = f"r{number}-{number:08d}"
    with fresh_folder(home.releases / name) as folder:
        with duckdb.connect(str(folder / CATALOG_FILE)) as con:
            con.execute(f"create table stars as select '{name}' as release, 7 as source_id")
        release = Release(name, name, 1, name, {CATALOG_FILE: file_hash(folder / CATALOG_FILE)})
        (folder / MANIFEST_FILE).write_text(json.dumps(asdict(release)), "utf-8")
    point_link(home.releases / "latest", name)
    return name


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    publish_release(home, 1)
    return home


@pytest.fixture
def catalog(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("secret.csv").write_text("a\n42\n")
    return open_catalog(home.path)


OUTSIDE = (
    "from 'secret.csv'", "from read_csv('secret.csv')", "from read_text('/etc/passwd')", "from read_blob('/etc/passwd')",
    "from glob('*')", "select * from parquet_metadata('x.parquet')", "from read_json('/proc/self/environ')",
    "from sniff_csv('secret.csv')", "from 'http://127.0.0.1:9/x.csv'", "from read_parquet('s3://bucket/x.parquet')",
    "from duckdb_secrets()", "from duckdb_extensions()", "explain analyze from 'secret.csv'",
    "select (select content from read_text('secret.csv'))", "with x as (from read_text('secret.csv')) from x",
    "from query('from read_text(''secret.csv'')')", "explain analyze copy stars to 'out.csv'",
)  # fmt: skip
MORE_THAN_A_QUERY = (
    "copy stars to 'out.csv'", "copy (select 1) to 'out.parquet'", "export database 'out'", "import database 'out'",
    "attach 'out.duckdb' as x", "install httpfs", "load httpfs", "set enable_external_access = true", "reset memory_limit",
    "set allowed_directories = ['/']", "pragma enable_profiling", "call enable_logging()", "create table x as select 1",
    "create table memory.x as select 1", "create temp table x as select 1", "create macro f() as 1", "drop table stars",
    "insert into stars values ('x', 1)", "delete from stars", "update stars set source_id = 0", "detach catalog", "use memory",
    "create secret (type s3)", "checkpoint", "vacuum", "select 1; select 2", "select 1; copy stars to 'out.csv'", "",
    "-- nothing", "prepare p as select 1", "begin", "create view v as select 1", "alter table stars add column x int",
)  # fmt: skip


@pytest.mark.parametrize("sql", OUTSIDE)
def test_a_query_reaches_no_file_but_the_release(catalog: Catalog, sql: str) -> None:
    with pytest.raises(StellarError, match="the catalogue refused the query"):
        catalog.query(sql).fetchall()
    assert [path.name for path in Path().iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("sql", MORE_THAN_A_QUERY)
def test_what_is_more_than_a_query_is_refused(catalog: Catalog, sql: str) -> None:
    with pytest.raises(StellarError, match=r"may only read|give one"):
        catalog.query(sql)
    assert [path.name for path in Path().iterdir()] == ["secret.csv"]
    catalog.verify()


@pytest.mark.parametrize(
    "sql", [*OUTSIDE, *(sql for sql in MORE_THAN_A_QUERY if "out" in sql or sql.startswith("set"))]
)
def test_the_open_connection_of_python_is_as_closed(catalog: Catalog, sql: str) -> None:
    with catalog.connect() as con, pytest.raises(duckdb.Error):
        con.execute(sql).fetchall()
    assert [path.name for path in Path().iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "sql",
    ["select * from stars", "from stars", "describe stars", "summarize stars", "show tables", "explain from stars",
     "with x as (from stars) select count(*) from x", "values (1)", "pivot stars on release using count(*)",
     "select * from catalog.main.stars -- with a comment", "select 1;"],
)  # fmt: skip
def test_every_kind_of_query_passes(catalog: Catalog, sql: str) -> None:
    assert catalog.query(sql).fetchall()


def test_other_connections_of_the_process_do_not_matter(catalog: Catalog) -> None:
    with duckdb.connect(str(catalog.folder / CATALOG_FILE), read_only=True, config={"threads": "1"}):
        assert catalog.query("select source_id from stars").fetchall() == [(7,)]
        with catalog.connect() as one, catalog.connect(memory_limit="100MB") as other:
            assert one.sql("from stars").fetchall() == other.sql("from stars").fetchall()


def test_a_query_is_stopped_when_its_time_or_memory_is_over(catalog: Catalog) -> None:
    start = time.monotonic()
    with pytest.raises(StellarError, match="took longer than"):
        catalog.query(
            "select sum(sin(a.range * b.range)) from range(1000000) a, range(1000000) b", timeout_s=0.2
        ).fetchall()
    assert time.monotonic() - start < 5
    with pytest.raises(StellarError, match="refused the query: Out of Memory"):
        catalog.query("select list(range) from range(100000000)", memory_limit="20MB").fetchall()
    with pytest.raises(StellarError, match="cannot be opened with a memory limit of lots"):
        catalog.query("select 1", memory_limit="lots")


def test_latest_is_resolved_before_anything_is_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_release(home, 2)
    read = Path.read_text

    def moved_meanwhile(path: Path, *arguments: Any, **options: Any) -> str:
        point_link(home.releases / "latest", "r1-00000001")
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", moved_meanwhile)
    for path in (home.path, home.releases, home.releases / "latest"):
        point_link(home.releases / "latest", "r2-00000002")
        catalog = open_catalog(path)
        assert catalog.folder.name == catalog.release.version == "r2-00000002"


def read_until(root: str, start: Callable[[], int], is_over: Callable[[], bool], found: Any) -> None:
    """Open `latest` and count how often it was read, with an error, and as a mixture of two releases."""
    reads = errors = mixtures = 0
    start()
    while not is_over():
        try:
            catalog = open_catalog(Path(root))
            (said,) = catalog.query("select release from stars").fetchall()
            mixtures += len({said[0], catalog.release.version, catalog.folder.name}) != 1
            errors += list_catalogs(Path(root) / "releases") == []
        except (StellarError, OSError, ValueError, duckdb.Error) as error:
            print(error)
            errors += 1
        reads += 1
    found.append((reads, errors, mixtures))


def test_ten_readers_and_sixty_publications_give_no_error_and_no_mixture(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        found, over, begin = manager.list(), manager.Event(), manager.Barrier(READERS + 1)
        arguments = (str(home.path), begin.wait, over.is_set, found)
        kinds: list[Any] = [context.Process, threading.Thread]
        readers = [kind(target=read_until, args=arguments) for kind in kinds for _ in range(READERS // 2)]
        for reader in readers:
            reader.start()
        begin.wait(60)
        for number in range(2, 2 + PUBLICATIONS):
            publish_release(home, number)
        over.set()
        for reader in readers:
            reader.join(60)
        counts = list(found)
    print(f"{sum(reads for reads, _, _ in counts):,} reads during {PUBLICATIONS} publications")
    assert len(counts) == READERS
    assert all(reads > 0 for reads, _, _ in counts)
    assert [(errors, mixtures) for _, errors, mixtures in counts] == [(0, 0)] * READERS
