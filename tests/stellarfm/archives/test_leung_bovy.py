"""The authors' training file: what goes in comes out, and what is no such file is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import h5py
import numpy as np
import pytest

from stellarfm.archives import leung_bovy
from stellarfm.archives.leung_bovy import DATASETS, LeungBovy
from stellarfm.errors import StellarError
from tests.conftest import Made, stellarfm, succeed
from tests.stellarfm.archives.training_file import write_datasets, write_training_file

SETTINGS = ("archive.name=leung-bovy-2024", "archive.path=training_set.h5", "training.max_steps=20",
            "gate.open=true")  # fmt: skip
OPTIONS = [word for setting in SETTINGS for word in ("--set", setting)]


def datasets(num_rows: int = 5) -> dict[str, Any]:
    """Return arrays in the layout of the authors."""
    kinds = {"S": "S16", "iu": "i8", "f": "f4", "biu": "?"}
    return {
        name: np.zeros((num_rows, width) if width > 1 else num_rows, kinds[kind])
        for name, width, kind in DATASETS.values()
    }


@pytest.fixture(scope="module")
def folder(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of a simulated training set, and a home with its warehouse."""
    folder = tmp_path_factory.mktemp("leung-bovy")
    write_training_file(made.home / "warehouse.duckdb", folder / "training_set.h5")
    ingested = succeed(["ingest", "--archive", "leung-bovy-2024", "--path", "training_set.h5"], folder)
    assert list(ingested["rows"]) == ["leung_bovy_2024"]
    succeed(["prepare", *OPTIONS], folder)
    return folder


def test_the_training_set_that_comes_out_is_the_one_that_went_in(folder: Path, made: Made) -> None:
    with duckdb.connect(str(folder / "stellarfm-home" / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"attach '{made.home}/warehouse.duckdb' as original (read_only)")
        went_in, came_out = "original.marts.training_set", "marts.training_set"
        assert con.sql(f"select count(*) from {went_in}").fetchall()[0][0] > 1000
        assert con.sql(f"describe {went_in}").fetchall() == con.sql(f"describe {came_out}").fetchall()
        for one, other in ((went_in, came_out), (came_out, went_in)):
            assert con.sql(f"from {one} except all from {other}").fetchall() == []


def test_its_tables_were_checked(folder: Path) -> None:
    tables = [table["table"] for table in succeed(["checks", "show"], folder)["tables"]]
    assert tables == ["staging.leung_bovy_2024", "marts.stars", "marts.training_set"]


def test_the_whole_product_is_made_of_it(folder: Path) -> None:
    release = succeed(["run", *OPTIONS], folder)
    assert release["num_stars"] == release["rows"]["leung_bovy_2024"]
    found = succeed(
        ["catalog", "query", "select count(*) as n, min(dec) as south from stars where ra is not null"], folder
    )
    assert found[0]["n"] == release["num_stars"]


def test_it_is_read_in_parts_with_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leung_bovy, "PART_ROWS", 2)
    write_datasets(tmp_path / "x.h5", datasets())
    plan = LeungBovy(tmp_path / "x.h5").plan()
    assert [(query.part, query.text, query.rows) for query in plan] == [
        ("part-00000", "x.h5, rows 0 to 1", 2), ("part-00001", "x.h5, rows 2 to 3", 2), ("part-00002", "x.h5, rows 4 to 4", 1),
    ]  # fmt: skip


def without(name: str) -> Callable[[Path], None]:
    return lambda path: write_datasets(path, {key: value for key, value in datasets().items() if key != name})


def changed(name: str, values: Any) -> Callable[[Path], None]:
    return lambda path: write_datasets(path, datasets() | {name: values})


def cut_short(path: Path) -> None:
    write_datasets(path, datasets(1000))
    with path.open("r+b") as file:
        file.truncate(200_000)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: None, "there is no file .*name the training_set.h5"),
        (lambda path: path.write_text("a,b"), "is not an HDF5 file"),
        (cut_short, "cannot be read .* cut short"),
        (without("raw/logc19"), "has no dataset /raw/logc19"),
        (lambda path: h5py.File(path, "w").close(), "has no dataset /2mass_designation"),
        (
            changed("raw/xp_relevancy", np.zeros((5, 55), bool)),
            r"/raw/xp_relevancy .* has the shape \(5, 55\), not \(5, 110\)",
        ),
        (changed("raw/teff", np.zeros(4)), r"/raw/teff .* has the shape \(4,\), not \(5,\) or \(5, 1\)"),
        (changed("raw/teff", np.zeros(5, "S4")), "/raw/teff .* has the type .S4, which is of another kind"),
        (lambda path: write_datasets(path, datasets(0)), "has no rows"),
    ],
    ids=["absent", "text", "cut", "dataset", "empty", "width", "length", "type", "rows"],
)
def test_what_is_no_training_file_is_said_in_one_sentence(
    tmp_path: Path, write: Callable[[Path], None], sentence: str
) -> None:
    write(tmp_path / "x.h5")
    with pytest.raises(StellarError, match=sentence) as caught:
        LeungBovy(tmp_path / "x.h5")
    assert len(str(caught.value).splitlines()) == 1


def test_an_archive_that_reads_a_file_needs_its_name(tmp_path: Path) -> None:
    for name in ("files", "leung-bovy-2024"):
        done = stellarfm(["ingest", "--archive", name], tmp_path)
        assert done.returncode == 1
        assert f"the archive {name} reads a file; name it with --path FILE" in done.stderr
