"""From a relation to tokens: given columns, expected arrays."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from stellarfm.errors import StellarError
from stellarfm.model.scaling import refuse_bad_numbers
from stellarfm.tokens import plan_tokens, read_tokens, stream_tokens
from stellarfm.vocabulary import Vocabulary, load_vocabulary


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    file = tmp_path / "own.toml"
    file.write_text(
        'identifier = "source_id"\n'
        '[[token]]\nname = "c"\ncount = 2\nvalue = "coefficients"\nerror = "coefficient_errors"\nkind = "spectrum"\n'
        '[[token]]\nname = "colour"\nvalue = "g - r"\nerror = "sqrt(g_error * g_error)"\nkind = "colour"\n'
        '[[token]]\nname = "teff"\nvalue = "teff"\nerror = "teff_error"\n'
    )
    return load_vocabulary(file)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(
        """create table stars as select * from (values
            (7, [1, 2]::float[2], [0.1, null]::float[2], 5.0, 4.0, 0.5, 5000.0, null),
            (8, null, null, 6.0, null, 0.5, 'nan'::double, 20.0)
        ) as t(source_id, coefficients, coefficient_errors, g, r, g_error, teff, teff_error)"""
    )
    return con


def test_expressions_arrays_and_gaps_become_values_and_errors(
    con: duckdb.DuckDBPyConnection, vocabulary: Vocabulary
) -> None:
    table = read_tokens(con, "stars", vocabulary)
    nan = np.nan
    np.testing.assert_array_equal(table.ids, [7, 8])
    np.testing.assert_array_equal(table.values, np.float32([[1, 2, 1, 5000], [nan, nan, nan, nan]]))
    np.testing.assert_array_equal(table.errors, np.float32([[0.1, 0, 0.5, 0], [0, 0, 0, 0]]))


def test_a_column_named_like_a_token_wins_over_the_expression(vocabulary: Vocabulary) -> None:
    con = duckdb.connect()
    con.execute("create table flat as select 1.0 as c0, 2.0 as c1, 3.0 as colour, 9.0 as g, 1.0 as r, 4000.0 as teff")
    table = read_tokens(con, "flat", vocabulary)
    np.testing.assert_array_equal(table.values, np.float32([[1, 2, 3, 4000]]))
    np.testing.assert_array_equal(table.ids, [0])


def test_a_missing_column_is_named_with_what_the_token_needs(vocabulary: Vocabulary) -> None:
    con = duckdb.connect()
    con.execute("create table few as select 4000.0 as teff, 1.0 as g")
    with pytest.raises(StellarError, match=r"no column for the token 'c0' \(and 2 more tokens\).*'coefficients'"):
        read_tokens(con, "few", vocabulary)
    table = read_tokens(con, "few", vocabulary, allow_missing=True)
    np.testing.assert_array_equal(table.values, np.float32([[np.nan, np.nan, np.nan, 4000]]))


def test_what_duckdb_refuses_is_told_with_its_reason(vocabulary: Vocabulary) -> None:
    con = duckdb.connect()
    con.execute(
        "create table odd as select [1, 2] as coefficients, 'bright' as g, [1.0] as r, 0.1 as g_error, 5000.0 as teff"
    )
    with pytest.raises(StellarError, match=r"DuckDB refuses .*g.*-.*r.*: Binder Error: No function matches"):
        read_tokens(con, "odd", vocabulary, allow_missing=True)


def test_photometry_takes_a_negative_parallax_whose_token_is_unknown() -> None:
    vocabulary = load_vocabulary("photometry")
    con = duckdb.connect()
    con.execute(
        "create table near_zero as select -0.5 as parallax, 0.1 as parallax_error, 10.0 as phot_g_mean_mag, 5000 as teff"
    )
    table = read_tokens(con, "near_zero", vocabulary, allow_missing=True)
    refuse_bad_numbers(table, vocabulary)
    place = vocabulary.index("log_fakemag")
    assert (np.isnan(table.values[0, place]), table.errors[0, place]) == (True, 0)


def test_a_table_without_any_token_is_refused_even_if_gaps_are_allowed(vocabulary: Vocabulary) -> None:
    con = duckdb.connect()
    con.execute("create table other as select 1 as x")
    with pytest.raises(StellarError, match="other has no column"):
        read_tokens(con, "other", vocabulary, allow_missing=True)


def test_an_empty_selection_and_text_where_a_number_belongs_are_refused(
    con: duckdb.DuckDBPyConnection, vocabulary: Vocabulary
) -> None:
    with pytest.raises(StellarError, match="no rows"):
        read_tokens(con, "(from stars where source_id = 0)", vocabulary)
    con.execute("create table text as select * replace ('hot' as teff) from stars")
    with pytest.raises(StellarError, match="not a number"):
        read_tokens(con, "text", vocabulary)


def test_streaming_gives_the_same_rows_in_the_same_order(
    con: duckdb.DuckDBPyConnection, vocabulary: Vocabulary
) -> None:
    con.execute("create table many as select * replace (range as source_id) from stars, range(1000) order by range")
    whole = read_tokens(con, "many", vocabulary)
    parts = list(stream_tokens(con, plan_tokens(con, "many", vocabulary), batch_size=300))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate([part.values for part, _ in parts]), whole.values)
