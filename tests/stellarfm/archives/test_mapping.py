"""The mapping file: whatever it says that cannot be is one sentence."""

from pathlib import Path

import pytest

from stellarfm.archives.mapping import read_mapping
from stellarfm.errors import StellarError
from stellarfm.landing.schema import landing_schemas
from stellarfm.surveys.selection import choose_surveys

GAIA = '[gaia_source]\nfiles = "gaia.csv"\n'

SCHEMAS = landing_schemas(choose_surveys())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("= 1", "is not valid TOML"),
        ("", r"has no table \[gaia_source\]"),
        ("[gaia_sorce]\nfiles = 'a'", r"unknown table \[gaia_sorce\] \(near it: gaia_source\)"),
        ("gaia_source = 'gaia.csv'", "gaia_source must be a table of TOML"),
        ("[gaia_source]\nfile = 'gaia.csv'", "unknown key 'file'; keys are files, columns"),
        ("[gaia_source]", "needs files, a name or a list of names, not None"),
        ("[gaia_source]\nfiles = []", "needs files"),
        ("[gaia_source]\nfiles = 'other.csv'", "names 'other.csv', but there is no such file"),
        ("[gaia_source]\nfiles = '*.fits'", r"names '\*.fits', but there is no such file"),
        (GAIA + "columns = 'ra'", "columns of .* must be"),
        (GAIA + "columns = {paralax = 'plx'}", r"no column 'paralax' \(near it: parallax"),
        (GAIA + "columns = {ra = ['a']}", "the column ra of .gaia_source. must be the name of a column"),
        (GAIA + "columns = {ra = {sql = 'a'}}", "the column ra of .gaia_source. must be the name of a column"),
        (GAIA + "[extinction]\nmap = 'bayestar'", "has either files or map, one of dustmaps:bayestar"),
        (GAIA + "[extinction]\nmap = 'dustmaps:sfd'\nfiles = 'gaia.csv'", "has either files or map"),
        (GAIA + "[extinction]\nfiles = 'gaia.csv'\ncolumns = {ebw = 'x'}", "no column 'ebw'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "gaia.csv").touch()
    (tmp_path / "mapping.toml").write_text(text)
    with pytest.raises(StellarError, match=sentence) as caught:
        read_mapping(tmp_path / "mapping.toml", SCHEMAS)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mapping_that_is_not_there_is_said() -> None:
    with pytest.raises(StellarError, match=r"none.toml cannot be read \(No such file"):
        read_mapping(Path("none.toml"), SCHEMAS)


def test_files_are_relative_to_the_mapping_and_keep_the_name_of_their_table(tmp_path: Path) -> None:
    (tmp_path / "gaia.duckdb").touch()
    (tmp_path / "mapping.toml").write_text("[gaia_source]\nfiles = ['gaia.duckdb#stars']\n")
    (file,) = read_mapping(tmp_path / "mapping.toml", SCHEMAS).tables["gaia_source"].files
    assert (file.path, file.part) == (tmp_path / "gaia.duckdb", "stars")
