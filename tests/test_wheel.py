"""A wheel works away from the repository: the SQL, the suites, the vocabularies and the flows travel inside it."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, environment, small_settings


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, and the libraries of this environment but not its checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)],
        check=True,
        capture_output=True,
    )
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    made = folder / "venv" / "bin" / "python"
    wheel = next(folder.glob("*.whl"))
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(site),
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    libraries = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (site / "zz_libraries.pth").write_text(f"{libraries}\n")
    return made


def _run(python: Path, folder: Path, *words: str) -> str:
    done = subprocess.run(
        [str(python), *words], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_comes_from_the_wheel_and_not_from_the_checkout(python: Path, tmp_path: Path) -> None:
    where = _run(python, tmp_path, "-c", "import stellarfm, flows.product; print(stellarfm.__file__, flows.__file__)")
    assert str(REPOSITORY) not in where


def test_the_wheel_carries_its_sql_its_suites_and_its_vocabularies(python: Path, tmp_path: Path) -> None:
    code = (
        "from stellarfm.resources import resource_folder as folder\n"
        "for name, pattern in (('sql', '*/*.sql'), ('expectations', '*.json'), ('vocabularies', '*.toml')):\n"
        "    print(name, len(list(folder(name).glob(pattern))))"
    )
    found = dict(line.split() for line in _run(python, tmp_path, "-c", code).splitlines())
    assert int(found["sql"]) == len(list((REPOSITORY / "sql").glob("*/*.sql")))
    assert int(found["expectations"]) == len(list((REPOSITORY / "expectations").glob("*.json"))) > 0
    assert int(found["vocabularies"]) >= 2


def test_in_an_empty_folder_it_builds_a_warehouse(python: Path, tmp_path: Path) -> None:
    for stage in ("ingest", "prepare"):
        _run(python, tmp_path, "-m", "stellarfm.cli", stage, *small_settings())
    assert (tmp_path / "stellarfm-home" / "warehouse.duckdb").is_file()
