"""The command line as a stranger meets it: help, machine output, exit codes, one sentence for each mistake."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stellarfm import __version__
from stellarfm.cli import app
from stellarfm.commands.run import next_commands
from stellarfm.config import setting_names
from tests.conftest import Made, environment, start, stellarfm, succeed
from tests.docs.blocks import pages
from tests.docs.generated import generated_page


def _commands(group: typer.main.TyperGroup, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        words = (*prefix, name)
        found += _commands(command, words) if hasattr(command, "commands") else [words]
    return found


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_names_it(words: tuple[str, ...]) -> None:
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    text = command.help or ""
    assert f"Example: stellarfm {' '.join(words)}" in re.sub(r"\s+", " ", text)
    assert "--json" in [option for parameter in command.params for option in parameter.opts]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_page_that_a_person_wrote_shows_every_command(words: tuple[str, ...]) -> None:
    name = re.compile(rf"\bstellarfm {' '.join(words)}\b")
    assert any(name.search(page.read_text(encoding="utf-8")) for page in pages())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_reference_shows_every_command_with_its_options(words: tuple[str, ...]) -> None:
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    heading = f"# `stellarfm {' '.join(words)}`\n"
    entry = generated_page("commands").split(heading)[1].split("\n(command-")[0]
    assert f"\nstellarfm {' '.join(words)}" in entry
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}`" not in entry] == [
        name for name in options if name == "--help"
    ]


@pytest.mark.parametrize("name", setting_names())
def test_the_reference_shows_every_setting(name: str) -> None:
    assert f"\n`{name}`\n: " in generated_page("settings")


def test_wrong_usage_ends_with_2_and_no_arguments_show_the_help(tmp_path: Path) -> None:
    assert stellarfm(["run", "--no-such-option"], tmp_path).returncode == 2
    assert "crossmatch" in stellarfm(["--help"], tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--set", "training.presett=small"], "unknown setting 'training.presett' (near it: preset)"),
        (["run", "--set", "trainin.preset=small"], "unknown setting 'trainin.preset' (near it: training.preset,"),
        (["run", "--set", "preset=small"], "unknown setting 'preset' (near it: training.preset)"),
        (["run", "--set", "archive.colour=1"], "unknown setting 'archive.colour'; [archive] has name, path, num_stars"),
        (["run", "--set", "x.y=1"], "unknown setting 'x.y'; sections are seed, archive, retry"),
        (["run", "--set", "seed"], "--set needs section.key=value, not 'seed' (near it: seed)"),
        (["run", "--set", "training.vocabulary=nothing"], "there is no vocabulary 'nothing'; use one of"),
        (["run", "--config", "absent.toml"], "the settings file absent.toml cannot be read"),
        (["run", "--home", "/proc/stellarfm"], "the home folder /proc/stellarfm cannot be written"),
        (["catalog", "query", "select 1"], "there is no release 'latest' in stellarfm-home"),
        (["run", "--home", "stellarfm.txt"], "stellarfm.txt is a file, and a home is a folder"),
        (["train", "--table", "own.cvs"], "there is no table own.cvs (near it: own.csv)"),
        (
            ["run", "--set", "training.vocabulary=photometri"],
            "there is no vocabulary 'photometri' (near it: photometry)",
        ),
        (["predict", "none.parquet", "--request", "teff", "-o", "x.csv"], "there is no home stellarfm-home yet"),
        (["train", "--table", "none.parquet"], "there is no table none.parquet"),
        (["prepare"], "is empty; run `stellarfm ingest` first"),
        (["publish"], "has no warehouse yet; run `stellarfm prepare` first"),
        (["model", "promote", "3"], "there is no home stellarfm-home yet"),
        (["model", "import", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_with_one_sentence_and_exit_code_1(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    for file in ("stellarfm.txt", "own.csv"):
        (tmp_path / file).write_text("")
    done = stellarfm(arguments, tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("stellarfm: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told_by_the_command_and_by_the_module(tmp_path: Path) -> None:
    done = stellarfm(["--version"], tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


def test_what_to_try_next_can_be_copied_for_a_home_of_any_name() -> None:
    assert next_commands(Path("stellarfm-home"))[-1].endswith("model list")
    for name in ("my home", "it's", "$HOME", "a;b"):
        for command in next_commands(Path(name)):
            assert shlex.split(command)[-2:] == ["--home", name]


def test_whoever_reads_only_the_first_lines_is_told_no_error(made: Made) -> None:
    sql = "select a.* from stars as a, stars as b limit 20000"
    process = start(["catalog", "query", sql], made.folder)
    assert process.stdout is not None
    assert "source_id" in process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait(timeout=60)


def test_debug_shows_where_it_happened(tmp_path: Path) -> None:
    done = stellarfm(["--debug", "train", "--table", "none.parquet"], tmp_path)
    assert "Traceback" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("stellarfm: there is no table")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "has no column for the token 'bprp'"),
        ("bprp,grp,jh,jk,teff,logg,m_h\n", "own.csv has no rows"),
        ("bprp,grp,jh,jk,teff,logg,m_h\n1,1,1,1,1,1,1\n", "own.csv has 1 rows"),
    ],
    ids=["no column", "no rows", "too few rows"],
)
def test_a_table_that_cannot_be_learned_from_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    done = stellarfm(["train", "--table", "own.csv", "--vocabulary", "photometry"], tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_queries_that_duckdb_refuses_are_told_in_its_own_words(made: Made) -> None:
    done = stellarfm(["catalog", "query", "select nothing from stars"], made.folder)
    assert done.returncode == 1
    assert "the catalogue refused the query" in done.stderr
    assert "nothing" in done.stderr


def test_a_request_of_an_unknown_token_is_answered_with_the_known_ones(made: Made) -> None:
    source = "stellarfm-home/warehouse.duckdb#marts.training_set"
    done = stellarfm(["predict", source, "--request", "age", "-o", "x.csv"], made.folder)
    assert done.returncode == 1
    assert "has no token 'age'" in done.stderr
    assert not (made.folder / "x.csv").exists()


def test_the_doctor_looks_at_versions_device_disk_and_servers(tmp_path: Path) -> None:
    found = {finding["what"] for finding in succeed(["doctor"], tmp_path)}
    assert {"python", "torch", "device", "memory", "disk", "home", "prefect server", "mlflow store"} <= found
    assert not (tmp_path / "stellarfm-home").exists()


def test_the_doctor_has_a_remedy_only_for_what_is_wrong(tmp_path: Path) -> None:
    found = succeed(["doctor"], tmp_path)
    assert all(finding["ok"] and finding["advice"] == "" for finding in found)
    dust = next(finding["value"] for finding in found if finding["what"] == "dust map")
    assert dust == "none named; Bayestar's download is broken since August 2026"


def test_the_doctor_tells_of_misspelt_variables_dead_servers_and_missing_maps(tmp_path: Path) -> None:
    def wrong(**variables: str) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "stellarfm", "doctor", "--json"],
            cwd=tmp_path, env=environment(tmp_path) | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert re.match(r"stellarfm: \d things? needs? a look: ", done.stderr)
        return {finding["what"]: finding["advice"] for finding in json.loads(done.stdout) if not finding["ok"]}

    misspelt = wrong(STELLARFM_TRAINING__PRESETT="small")
    assert "(near it: STELLARFM_TRAINING__PRESET," in misspelt["STELLARFM_TRAINING__PRESETT"]
    others = wrong(PREFECT_API_URL="http://127.0.0.1:9/api", STELLARFM_EXTINCTION__MAP="dustmaps:bayestar")
    assert "PREFECT_API_URL names http://127.0.0.1:9/api, where no server answers" in others["prefect server"]
    assert "brings nothing since August 2026" in others["dust map"]
    assert "doi:10.7910/DVN/2EJ9TX" in others["dust map"]


def test_a_vocabulary_is_shown_with_what_a_table_has_of_it(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "source_id,teff,logg,parallax,parallax_error,phot_g_mean_mag\n1,5000,,-1,0.1,12\n2,,4,9,0.1,12\n"
    )
    shown = succeed(["vocabulary", "show", "photometry", "--table", "own.csv"], tmp_path)
    rows = {token["name"]: token["rows"] for token in shown["tokens"]}
    assert {name: rows[name] for name in ("teff", "logg", "log_fakemag", "bprp")} == {
        "teff": 1, "logg": 1, "log_fakemag": 1, "bprp": None,
    }  # fmt: skip
    assert next(token for token in shown["tokens"] if token["name"] == "teff")["unit"] == "K"
    text = stellarfm(["vocabulary", "show", "leung_bovy"], tmp_path).stdout
    assert re.search(r"bp0 … bp54 +spectrum +bp_gnorm ", text)
    assert "no such" not in text


def test_listings_speak_json(made: Made) -> None:
    assert succeed(["model", "list"], made.folder)[0]["champion"]
    assert succeed(["catalog", "list"], made.folder)[0]["version"].startswith("r1-")
    shown = succeed(["catalog", "show"], made.folder)
    assert {"provenance", "metrics", "flags", "columns"} == set(shown)
    assert json.dumps(shown)
