"""What an attacker would write where an expression is expected, and what an honest person writes there."""

from collections.abc import Iterator
from itertools import chain

CANARY = "canary.txt"
"""File that every planted statement would write; a test looks for it afterwards."""

_STATEMENTS = (
    f"copy (select 1) to '{CANARY}'", f"export database '{CANARY}'", f"attach '{CANARY}' as x", "install httpfs",
    "load httpfs", "set enable_external_access = true", "drop table stars", "create table x as select 1",
    "insert into stars values (1)", "delete from stars", "update stars set teff = 0", "pragma database_list",
    "call duckdb_extensions()", "create secret (type s3)", "checkpoint", "vacuum", "detach x", "use x",
    f"import database '{CANARY}'", "select 1",
)  # fmt: skip
_QUERIES = (
    "select 1", "select content from read_text('/etc/passwd')", "from read_blob('/etc/passwd')", "select max(teff) from stars",
    "values (1)", "table stars", "with x as (select 1) from x", "from glob('/etc/*')", "from duckdb_settings()",
    "select a from read_csv('http://127.0.0.1:9/x.csv') as t(a)", "from '/etc/passwd'", "describe stars", "summarize stars",
    "from range(10)", "from sniff_csv('/etc/passwd')",
)  # fmt: skip
_FUNCTIONS = (
    "read_text('/etc/passwd')", "read_blob('/etc/passwd')", "read_csv('/etc/passwd')", "read_parquet('x.parquet')",
    "read_json('x.json')", "glob('*')", "getenv('HOME')", "current_setting('temp_directory')", "getvariable('x')",
    "nextval('s')", "currval('s')", "query('select 1')", "query_table('stars')", "write_log('x')", "error('x')",
    "sleep_ms(1000)", "duckdb_secrets()", "which_secret('x', 's3')", "pg_sleep(1)", "system('id')", "shell('id')",
    "main.sqrt(teff)", "system.main.sqrt(teff)", "pragma_version()", "txid_current()", "random()", "uuid()", "now()",
    "gen_random_uuid()", "repeat('x', 1000000000)", "range(1000000000)", "generate_series(1, 1000000000)", "unnest([1])",
    "sum(teff)", "count(*)", "count(teff)", "avg(teff)", "list(teff)", "string_agg(teff)", "arg_min(teff, logg)",
    "row_number() over ()", "sum(teff) over (order by logg)", "lag(teff) over ()", "sum(teff) filter (where logg > 1)",
    "json_serialize_sql('select 1')", "json_execute_serialized_sql('x')", "sql_auto_complete('s')", "current_user()",
    "current_database()", "in_search_path('a', 'b')", "parse_path('/etc/passwd')", "lpad('x', 1000000000, 'y')",
    "cast_to_type(teff, 1)", "struct_pack(a := 1)", "setseed(1)", "version()", "to_json(teff)", "histogram(teff)",
)  # fmt: skip
_FORMS = (
    "*", "columns(*)", "stars.*", "#1", "$1", "?", "$x", "teff, logg", "teff as logg", "teff logg", "distinct teff",
    "teff from stars", "teff from stars where 1 = 1", "teff order by 1", "teff limit 1", "teff group by teff",
    "teff having 1 = 1", "teff union select 1", "teff union all from stars", "teff intersect select 1", "teff except select 1",
    "1=1) or (1=1", "teff) from stars; select (1", "teff), (logg", "teff)) as x, ((1", ") from (select 1", "(teff", "teff)",
    "1) as float) as v0, cast((select 1", "teff as float) from stars where (1=1", "teff qualify 1 = 1", "default", "try(1 / 0)",
    "teff collate nocase", "teff using sample 1", "teff into x", "exists(select 1)", "teff in (select 1)",
    "teff = any(select 1)", "teff > all(select 1)", "array(select 1)", "grouping(teff)", "teff::main.t",
    "teff::enum('x')", "teff::json", "teff::struct(a int)", "cast(teff as \"a b\")", "", "   ", "()", "teff +", "select", "case",
)  # fmt: skip
_HIDDEN = (
    "teff -- x", "teff --", "teff /* x */", "/* x */ teff", "teff /* x", "te/**/ff", "teff;", ";teff", ";", "teff\x00",
    "teff\u200b", "te\u202eff", "\ufeffteff", "teff\uff1b drop table stars", "\uff53elect 1", "teff\u2028; select 1",
    "te\u00a0ff", "\u201cteff\u201d", "\u2018teff\u2019", "teff \uff0d logg", "\u0442eff", "sqrt\u200b(teff)",
    "\u017fqrt(teff)", "teff\x1b[2J", "teff\r; select 1", "teff\x7f",
)  # fmt: skip
_QUOTES = (
    "e'\\'' -- '", "$$x$$", "$a$ x $a$", "x'00'", "b'1'", "'teff", "teff'", "\"teff", "teff\"", "'a' 'b'", "'''",
    "\"\"\"", "'a'';", "\"te\"\"ff\"; select 1", "'x'; select 1; --'", "\"a\"\"; select 1; --\"\"\" ; select 1", "''''; select 1",
    "'\"'; drop table stars; --\"", "\"'\"; drop table stars; --'", "teff || '' ; select 1", "'a' || (select 1)", "\"\"",
)  # fmt: skip


def planted() -> list[str]:
    """Return more than 200 texts that are no expression over columns, each once."""
    return list(dict.fromkeys(chain(_behind(), _inside(), _FUNCTIONS, _FORMS, _HIDDEN, _QUOTES, _long())))


def _behind() -> Iterator[str]:
    for statement in _STATEMENTS:
        # one word alone is the name of a column
        yield from (f"{statement} ;", f"1; {statement}", f"teff; {statement}; --")


def _inside() -> Iterator[str]:
    for query in _QUERIES:
        yield from (f"({query})", f"teff + ({query})", f"sqrt(({query}))")


def _long() -> Iterator[str]:
    yield "+".join(["teff"] * 100_000)
    yield "(" * 5000 + "teff" + ")" * 5000
    yield "(" * 250_000
    yield "sqrt(" * 3000 + "teff" + ")" * 3000
    yield "[" * 3000
    yield "'" + "x" * 300_000 + "'"
    yield "-" * 5000 + "teff"
    yield "case when " * 70_000


_COLUMNS = ("teff", "logg", "m_h", "parallax", "phot_g_mean_mag", '"Gaia mag"', '"σ teff"')

ARITHMETIC = (
    *_COLUMNS,
    *(f"{name} * 1000" for name in _COLUMNS),
    *(f"-{name} / 1e3 + 0.5" for name in _COLUMNS),
    *(f"sqrt({name} ** 2)".replace(" ** 2", f" * {name}") for name in _COLUMNS),
    "0.01", "1", "-7.0", "1e-3", "plx_arcsec * 1000".replace("plx_arcsec", "parallax"), "ln(teff)", "log10(teff) - 3",
    "pow(10, 0.2 * phot_g_mean_mag)", "degrees(atan2(teff, logg))", "greatest(teff, logg)", "least(teff, logg, m_h)",
    "(teff - logg) / (teff + logg)", "abs(m_h)", "floor(teff / 100) * 100", "nullif(teff, -9999)", "round(teff)",
    "cos(radians(logg))", "exp(-0.5 * m_h * m_h)", "mod(teff, 2)", "sin(teff)", "tan(teff)", "acos(m_h)", "asin(m_h)",
    "((((teff))))", "teff\n + logg", "teff\t+ logg", "TEFF + LogG", "sign(m_h)", "trunc(teff)", "cbrt(teff)", "pi() * teff",
)  # fmt: skip
"""What a mapping makes a column from, and a vocabulary a token."""

VALUES = (
    *ARITHMETIC,
    "case when parallax > 2 * parallax_error then log10(parallax) + 0.2 * phot_g_mean_mag end",
    "sqrt(teff ** 2 + logg ** 2)", "coalesce(teff, logg)", "teff::float", "cast(teff as double)", "try_cast(teff as double)",
    "case when quality like 'A%' then teff end", "case quality when 'A' then teff else null end", "if(logg > 3, teff, null)",
    "case when teff between 3000 and 8000 and not (logg is null or m_h in (1, 2)) then teff end", "flux[1]", "flux[2:3]",
    "list_transform(flux, lambda x: x / 1000)", "list_sum(flux)", "[teff, logg]", "flux", "cast(flux as float[3])", "flags & 4",
    "case when flags & (1 << 3) = 0 then teff end", "measured.value", "struct_extract(measured, 'value')",
    "teff // 2", "teff % 2", "g_fakemag(parallax, phot_g_mean_mag)", "case when is_good_ruwe(logg) then teff end",
    "distance_pc_of_fakemag(teff, logg)",
    "case when quality = 'it''s; -- fine' then teff end", "isfinite(teff)::int", "length(quality)", "teff ^ 2",
)  # fmt: skip
"""What a vocabulary makes a token from."""

CONDITIONS = (
    "parallax > 20 and phot_g_mean_mag < 12", "(parallax > 20) or (dec > 3)", "ruwe < 1.4",
    "has_xp_continuous = 'True' AND phot_g_mean_mag BETWEEN 12 AND 13", "phot_g_mean_mag < 13",
    "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 56.75, 24.12, 2.0))", "source_id > 0", "parallax > 1000000",
    "DISTANCE(POINT(ra, dec), POINT(56.75, 24.12)) < 2 AND ruwe IS NOT NULL", "random_index < 100000",
    "INTERSECTS(POINT('ICRS', ra, dec), POLYGON('ICRS', 1, 2, 3, 4, 5, 1)) = 1", "l BETWEEN 10 AND 20",
    "source_id IN (4295806720, 34361129088) AND MOD(random_index, 100) = 0", "NOT bp_rp > 1", "b > -5 AND b < 5",
    "phot_variable_flag = 'a;b -- (' AND NOT bp_rp > 1", "g.parallax / g.parallax_error > 10", "teff_gspphot IS NULL",
    'gaia_source."l" > 10 AND POWER(10, 0.2 * phot_g_mean_mag) * parallax > 1 AND TRUNCATE(b, 1) = 2',
    "gaiadr3.gaia_source.bp_rp BETWEEN 0.5 AND 1e0", "abs(b) < 10 or not ruwe is null", "log(parallax) > 1",
    "phot_variable_flag LIKE 'VAR%'", "SQRT(pmra * pmra + pmdec * pmdec) > 100", "COALESCE(ruwe, 9) < 1.4",
    "source_id IN (" + ", ".join(str(4295806720 + 7 * i) for i in range(5000)) + ")",
)  # fmt: skip
"""What selects stars, in ADQL."""
