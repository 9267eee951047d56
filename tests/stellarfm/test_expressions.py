"""An expression from outside is one expression over named columns, or it is refused by name; nothing of it ever runs."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stellarfm.archives.esa import Esa
from stellarfm.archives.files import Files
from stellarfm.config import Archive, Gaia, Settings
from stellarfm.errors import StellarError
from stellarfm.expression_language import ARITHMETIC, CONDITION, Language, value_language
from stellarfm.expressions import parse
from stellarfm.integrity import seal
from stellarfm.landing.casting import ColumnSource, plan_casts
from stellarfm.landing.schema import landing_schemas
from stellarfm.model.checkpoint import save_model
from stellarfm.model.foundation import FoundationModel
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.published import read_published, write_published
from stellarfm.model.scaling import RobustScaler
from stellarfm.rules import install_rules
from stellarfm.stages.predict import Request, predict_table
from stellarfm.surveys.selection import choose_surveys
from stellarfm.tokens import plan_tokens, read_tokens
from stellarfm.vocabulary import Token, Vocabulary, load_vocabulary
from tests.stellarfm import planted
from tests.stellarfm.archives.own_files import GAIA, fetch, mapping, write

LANGUAGES = {"vocabulary": value_language(), "mapping": ARITHMETIC, "condition": CONDITION}
STARS = (
    "select 5000.0 as teff, 4.5 as logg, 0.0 as m_h, 10.0 as parallax, 0.1 as parallax_error, 12.0 as phot_g_mean_mag, "
    '1.0 as "Gaia mag", 2.0 as "σ teff", \'A\' as quality, 5 as flags, [1.0, 2.0, 3.0]::float[3] as flux, '
    "{'value': 3.0} as measured"
)
SMALL = NetworkConfig(8, ((2, 8),), ((2, 8),), (8,), pre_norm=True, show_errors=False)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, where a planted statement would leave its file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def vocabulary_file(folder: Path, value: str, error: str = "") -> Path:
    file = folder / "own.toml"
    asked, shown = (
        ("label", value, error),
        ("shown", "parallax", ""),
    )  # a vocabulary needs one to show and one to ask for
    tokens = (
        f"[[token]]\nname = '{n}'\nvalue = {json.dumps(v)}\nerror = {json.dumps(e)}\n" for n, v, e in (asked, shown)
    )
    file.write_text("".join(tokens), "utf-8")
    return file


def ask_vocabulary(text: str, folder: Path) -> None:
    con = duckdb.connect()
    con.execute(f"create table stars as {STARS}")
    read_tokens(con, "stars", load_vocabulary(vocabulary_file(folder, text)), allow_missing=True)


def ask_errors(text: str, folder: Path) -> None:
    con = duckdb.connect()
    con.execute(f"create table stars as {STARS}")
    read_tokens(con, "stars", load_vocabulary(vocabulary_file(folder, "teff", text)), allow_missing=True)


def ask_mapping(text: str, folder: Path) -> None:
    con = duckdb.connect()
    con.execute(f"create table stars as {STARS}")
    schema = landing_schemas(choose_surveys())[GAIA]
    needed = {name: ColumnSource(constant=1) for name in schema.needed}
    plan_casts(con, "stars", schema, needed | {"parallax": ColumnSource(expression=text)}, "stars")


def ask_condition(text: str, folder: Path) -> None:
    # nobody listens there: what is refused is refused before any archive is asked
    Esa(Settings(archive=Archive(name="esa"), gaia=Gaia(tap_url="http://127.0.0.1:9/tap", where=text)))


DOORS = {"value": ask_vocabulary, "error": ask_errors, "mapping": ask_mapping, "gaia.where": ask_condition}
EMPTY = {("error", ""), ("gaia.where", ""), ("gaia.where", "   ")}
"""Nothing at all is allowed there: no error is known, the stars are those of APOGEE."""


def test_there_are_more_than_200_planted_and_100_honest_expressions() -> None:
    assert len(planted.planted()) >= 200
    assert len({*planted.VALUES, *planted.CONDITIONS}) >= 100


@pytest.mark.parametrize("door", DOORS)
def test_every_planted_expression_is_refused_by_name_and_nothing_of_it_runs(door: str, empty_folder: Path) -> None:
    for text in planted.planted():
        if (door, text) in EMPTY:
            continue
        with pytest.raises(StellarError) as refused:
            DOORS[door](text, empty_folder)
        said = str(refused.value)
        assert repr(text)[1:20] in said, f"{text[:60]!r}: {said[:200]}"
        assert len(said) < 700 and "\n" not in said
    assert not (empty_folder / planted.CANARY).exists()


@pytest.mark.parametrize("text", planted.VALUES)
def test_an_honest_value_passes_and_is_computed(text: str, empty_folder: Path) -> None:
    con = duckdb.connect()
    con.execute(f"create table stars as {STARS}")
    assert plan_tokens(con, "stars", Vocabulary("own", "", (Token("label", value=text),))).missing == ()
    # and what it is written anew as is the same value
    written = parse(text, "it", value_language()).sql
    install_rules(con)
    assert str(con.sql(f"select {written} from stars").fetchall()) == str(
        con.sql(f"select {text} from stars").fetchall()
    )


@pytest.mark.parametrize("text", planted.ARITHMETIC)
def test_an_honest_expression_of_a_mapping_passes(text: str, empty_folder: Path) -> None:
    ask_mapping(text, empty_folder)


@pytest.mark.parametrize("text", planted.CONDITIONS, ids=lambda text: text[:60])
def test_an_honest_condition_passes(text: str) -> None:
    assert parse(text, "gaia.where", CONDITION).columns


@pytest.mark.parametrize("name", ["leung_bovy", "photometry"])
def test_every_expression_that_ships_passes(name: str) -> None:
    for token in load_vocabulary(name).tokens:
        for text in filter(None, (token.value, token.error)):
            assert parse(text, token.name, value_language()).columns


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
@given(text=st.text("teffsqrt()[]'\";-/*$,.:=<>|& \n\\123", max_size=40))
def test_what_passes_is_one_expression_whatever_stands_around_it(language: Language, text: str) -> None:
    try:
        parse(text, "it", language)
    except StellarError:
        return
    # the text itself, as an archive is sent it: still one select of one value, with what we put around it
    around = f"select 1 where (true) and ({text}) and (false)"
    found = duckdb.execute("select json_serialize_sql($text)", {"text": around}).fetchall()[0][0]
    tree = json.loads(found)
    assert len(tree["statements"]) == 1
    assert len(tree["statements"][0]["node"]["where_clause"]["children"]) == 3


@given(text=st.text(max_size=30))
def test_any_text_is_an_expression_or_one_sentence(text: str) -> None:
    for language in LANGUAGES.values():
        try:
            assert parse(text, "it", language).sql.startswith("(")
        except StellarError as refused:
            assert "\n" not in str(refused)


def model_folder(folder: Path, tokens: tuple[Token, ...]) -> Path:
    vocabulary = Vocabulary("foreign", "", tokens)
    torch.manual_seed(1)
    network = StarNetwork(SMALL, len(tokens))
    numbers = [0.0] * len(tokens)
    save_model(folder / "model", network, vocabulary, RobustScaler.from_dict({"centre": numbers, "width": numbers}))
    return folder / "model"


def write_config(model: Path, text: str) -> None:
    """Change a model, and its hashes, as whoever makes a malicious one would."""
    (model / "config.json").write_text(text)
    seal(model)


def test_a_foreign_model_runs_nothing(empty_folder: Path) -> None:
    model = model_folder(empty_folder, (Token("teff", value="teff"), Token("logg", value="LOGG_HERE")))
    config = (model / "config.json").read_text()
    table = empty_folder / "stars.parquet"
    duckdb.sql(f"copy ({STARS}) to '{table}'")
    attack = f"1; copy (select 42) to '{planted.CANARY}'; select 1"
    write_config(model, config.replace("LOGG_HERE", attack))
    with pytest.raises(StellarError, match=r"the value of the token 'logg' = .*has a semicolon"):
        predict_table(FoundationModel.load(model), table, Request(("logg",)), empty_folder / "out.parquet")
    # where the table has a column of the token's name its expression is not needed, and is refused all the same
    write_config(model, config.replace('"value": "teff"', f'"value": "{attack}"'))
    with pytest.raises(StellarError, match=r"the value of the token 'teff' = .*has a semicolon"):
        predict_table(FoundationModel.load(model), table, Request(("logg",)), empty_folder / "out.parquet")
    assert not (empty_folder / planted.CANARY).exists()


@pytest.mark.parametrize(
    "name", ["1; copy (select 1) to 'x'", 'a", read_text("x") as "b', "teff\n", "", "a b", "té", "a" * 64, "9"]
)
def test_a_name_that_is_no_word_is_refused_when_a_model_is_read(empty_folder: Path, name: str) -> None:
    model = model_folder(empty_folder, (Token("teff", value="teff"), Token("other", value="x")))
    config = (model / "config.json").read_text()
    write_config(model, config.replace('"other"', json.dumps(name)))
    with pytest.raises(StellarError, match="the name of a token is"):
        FoundationModel.load(model)
    write_config(model, config.replace('"identifier": ""', f'"identifier": {json.dumps(name or " ")}'))
    with pytest.raises(StellarError, match="the identifier of a vocabulary is"):
        FoundationModel.load(model)


def test_a_name_that_is_no_word_is_refused_in_the_published_format(empty_folder: Path) -> None:
    vocabulary = load_vocabulary("photometry")
    paper = NetworkConfig(
        16, ((4, 32), (2, 16)), ((4, 64), (2, 32), (1, 16)), (64, 32, 16, 8), pre_norm=False, show_errors=False
    )
    numbers = [1.0] * len(vocabulary)
    scaler = RobustScaler.from_dict({"centre": numbers, "width": numbers})
    write_published(empty_folder / "theirs", StarNetwork(paper, len(vocabulary)), vocabulary, scaler)
    config = empty_folder / "theirs" / "config.json"
    config.write_text(config.read_text().replace('"bprp"', json.dumps("1; drop table x")))
    with pytest.raises(StellarError, match="the name of a token is '1; drop"):
        read_published(empty_folder / "theirs")


def test_a_view_in_a_foreign_database_reads_no_other_file(empty_folder: Path) -> None:
    (empty_folder / "secret.txt").write_text("42")
    with duckdb.connect(str(empty_folder / "foreign.duckdb")) as con:
        con.execute("create view stars as select content::double as teff from read_text('secret.txt')")
    model = FoundationModel.load(model_folder(empty_folder, (Token("teff", value="teff"), Token("logg", value="logg"))))
    with pytest.raises(StellarError, match="is a view that reads other files"):
        predict_table(model, f"{empty_folder}/foreign.duckdb", Request(("logg",)), empty_folder / "out.parquet")


def test_a_mapping_of_files_reads_what_is_honest(empty_folder: Path) -> None:
    gaia = pa.table({"source_id": [1, 2], "ra": [1.0, 2.0], "dec": [1.0, 2.0], "plx_arcsec": [0.001, 0.002]})
    needed = {name: 1 for name in landing_schemas(choose_surveys())[GAIA].needed if name not in gaia.column_names}
    columns = needed | {"parallax": {"expression": "plx_arcsec * 1000"}}
    path = mapping(empty_folder, {GAIA: {"files": write(gaia, empty_folder / "gaia.parquet"), "columns": columns}})
    landing = fetch(path, empty_folder)
    assert pa.concat_tables([pa.parquet.read_table(file) for file in landing.files(GAIA)])["parallax"].to_pylist() == [
        1,
        2,
    ]
    assert Files(path, choose_surveys(), 7).folder.startswith("files-")
