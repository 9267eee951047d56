"""Every code block of the README and the documentation is run against a small product, or parsed where that takes too long."""

import importlib.util
import re
import tomllib
from pathlib import Path

import duckdb
import pytest
import typer

import stellarfm
from stellarfm.archives.mapping import read_mapping
from stellarfm.cli import app, main
from stellarfm.config import Settings, load_settings
from stellarfm.landing.schema import landing_schemas
from stellarfm.surveys.selection import choose_surveys
from stellarfm.vocabulary import load_vocabulary
from tests.conftest import REPOSITORY, Made
from tests.docs.blocks import Block, all_blocks, is_ours

BLOCKS = all_blocks()
LANGUAGES = {"bash", "python", "sql", "toml", "text"}
RUN = {
    ("catalog", "list"),
    ("catalog", "query"),
    ("catalog", "show"),
    ("catalog", "verify"),
    ("checks", "rows"),
    ("checks", "show"),
    ("crossmatch",),
    ("doctor",),
    ("model", "list"),
    ("predict",),
}
"""Commands that end within seconds and change nothing in the home; the others are parsed."""


def _of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages and not block.not_run]


COMMANDS = [
    pytest.param(words, id=f"{block} {' '.join(words)}"[:120]) for block in _of("bash") for words in block.commands()
]
OURS = [one for one in COMMANDS if is_ours(one.values[0])]
OTHERS = [one for one in COMMANDS if not is_ours(one.values[0])]


@pytest.fixture(scope="module")
def folder(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, and the tables that the pages name."""
    made_here = tmp_path_factory.mktemp("pages")
    (made_here / "stellarfm-home").symlink_to(made.home)  # what is run here only reads
    tables = {
        "stars.parquet": "select * exclude (teff, logg, m_h) from marts.training_set limit 50",
        "gaia.parquet": "select source_id, ra, dec, pmra, pmdec from staging.gaia_source",
        "2mass.parquet": "select designation, ra, dec, epoch_year from staging.twomass",
        "mine.csv": "select designation, ra as RAJ2000, dec as DEJ2000 from staging.twomass",
    }
    with duckdb.connect(str(made.home / "warehouse.duckdb"), read_only=True) as con:
        for name, query in tables.items():
            con.execute(f"copy ({query}) to '{made_here / name}'")
    _write_fits(made_here / "2mass.parquet", made_here / "2mass.fits")
    return made_here


def _write_fits(source: Path, target: Path) -> None:
    from stellarfm.database import open_database
    from stellarfm.formats import write_table

    with open_database() as con:
        con.execute(f"create view given as from read_parquet('{source}')")
        write_table(con, "given", target)


def _resolve(words: list[str]) -> tuple[str, ...]:
    """Return the words of the command that a line of the shell is, and raise click's error if it or an option is unknown."""
    command, path, rest = typer.main.get_command(app), (), words[1:]
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(command.context_class(command), rest)
        path = (*path, name)
    with command.make_context(" ".join(path), list(rest), resilient_parsing=False) as context:
        for setting in context.params.get("set_") or ():
            load_settings(None, [setting])
    return path


@pytest.mark.parametrize("words", OURS)
def test_a_command_of_ours_runs_or_is_at_least_one(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    path = _resolve(words)
    looks_ahead = "--dry-run" in words and not {"--archive", "--path"} & {*words}
    if path not in RUN and not looks_ahead:
        return
    if "--model" in words:
        words = [*words, "--model", "champion"]  # the small product has one version only
    with pytest.raises(SystemExit) as ended:
        main(words[1:])
    captured = capsys.readouterr()
    assert ended.value.code in (0, None), captured.err
    if path in (("predict",), ("crossmatch",)):
        assert Path(words[words.index("-o") + 1]).stat().st_size > 0


@pytest.mark.parametrize("words", OTHERS)
def test_another_command_names_what_is_there(words: list[str]) -> None:
    assert _problem(words) == ""


def _problem(words: list[str]) -> str:
    """Return what is wrong with a command that is not ours: each kind is looked at as far as it can be without running it."""
    program, rest = words[0], words[1:]
    if program == "make":
        targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        return "" if rest[0] in targets else f"the Makefile has no target {rest[0]}"
    if program in ("python", "python3", ".venv/bin/python"):
        found = rest[0] == "-m" and importlib.util.find_spec(rest[1]) is not None
        return "" if found else f"there is no module {rest[1:2]}"
    if program in ("pip", ".venv/bin/pip"):
        extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        named = [name for word in rest for name in re.findall(r"\[(\w+)\]", word)]
        return "" if named and set(named) <= set(extras) else f"there are no extras {named}"
    if program == "sudo" or program.startswith("deployment/"):
        script, action = [word for word in words if word != "sudo"][:2]
        text = (REPOSITORY / script).read_text()
        return "" if re.search(rf"^ +{action}\)", text, re.MULTILINE) else f"{script} does not know {action}"
    return f"nothing is known of {program}; mark the block with a comment <!-- not run: why -->"


@pytest.mark.parametrize("block", _of("python"), ids=str)
def test_python_runs(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(block.text, str(block), "exec"), {})


@pytest.mark.parametrize("block", _of("sql"), ids=str)
def test_a_query_runs_on_a_release(block: Block, folder: Path) -> None:
    names = stellarfm.open_catalog(folder / "stellarfm-home").query(block.text).columns
    assert names


@pytest.mark.parametrize("block", _of("toml"), ids=str)
def test_toml_is_settings_a_mapping_or_a_vocabulary(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "block.toml"
    path.write_text(block.text)
    keys = tomllib.loads(block.text).keys()
    if "token" in keys:
        assert load_vocabulary(str(path)).tokens
    elif "gaia_source" in keys:
        _touch(block.text, tmp_path)
        assert read_mapping(path, landing_schemas(choose_surveys())).tables
    else:
        assert keys <= Settings.model_fields.keys()
        assert load_settings(path)


def _touch(text: str, folder: Path) -> None:
    """Make an empty file of each name that a mapping has."""
    for table in tomllib.loads(text).values():
        files = table.get("files", [])
        for name in [files] if isinstance(files, str) else files:
            path = folder / name.partition("#")[0].replace("*", "one")
            path.parent.mkdir(exist_ok=True)
            path.touch()


def test_every_block_has_a_language_that_is_tested_or_is_text() -> None:
    assert {block.language for block in BLOCKS} <= LANGUAGES


def test_a_block_that_is_not_run_says_why() -> None:
    assert all(len(block.not_run.split()) > 3 for block in BLOCKS if block.not_run)


@pytest.mark.parametrize(
    "line",
    [
        "stellarfm catalogue list",
        "stellarfm catalog lst",
        "stellarfm run --sett seed=7",
        "stellarfm run --set training.presett=small",
        "stellarfm crossmatch a.parquet --radius-arcsec 1 -o x.parquet",
        "stellarfm model promote second",
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|not a valid|missing|unknown"):
        _resolve(line.split())


@pytest.mark.parametrize("line", ["make cake", "python -m tests.benchmarks.nothing", "pip install 'x[none]'", "curl x"])
def test_another_command_that_is_wrong_is_found(line: str) -> None:
    assert _problem(line.replace("'", "").split())
