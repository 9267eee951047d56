"""How long 150 expectations with Data Docs take on a table of 400,000 x 130: on DuckDB, and on pandas.

Example: python -m tests.benchmarks.expectations --json
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from stellarfm.checks.duckdb_source import import_great_expectations
from stellarfm.checks.suites import Rule
from stellarfm.checks.validator import _config, open_validator

ENGINES = ("duckdb", "pandas")
_NUM_NUMBERS = 128


def make_table(path: Path, num_rows: int) -> None:
    """Write a table of an identifier, a label and 128 numbers, some of them NULL, none breaking a rule."""
    numbers = ", ".join(f"if(random() < 0.01, null, random())::double as x{i:03d}" for i in range(_NUM_NUMBERS))
    with duckdb.connect(str(path)) as con:
        con.execute("select setseed(0.5)")
        con.execute("create schema wide")
        con.execute(
            f"create table wide.stars as select range as source_id, ['a', 'b'][1 + range % 2] as label, {numbers} "
            f"from range({num_rows})"
        )


def rules() -> list[Rule]:
    """Return 150 rules: ranges, completeness, medians, uniqueness, a set."""
    names = [f"x{i:03d}" for i in range(_NUM_NUMBERS)]
    made = [_rule(f"{n}_range", "column_values_to_be_between", column=n, min_value=0, max_value=1) for n in names]
    made += [_rule(f"{n}_known", "column_values_to_not_be_null", column=n, mostly=0.9) for n in names[:16]]
    made += [
        _rule(f"{n}_median", "column_median_to_be_between", column=n, min_value=0.4, max_value=0.6) for n in names[:4]
    ]
    made += [_rule("source_id_unique", "column_values_to_be_unique", column="source_id")]
    return [*made, _rule("label_set", "column_values_to_be_in_set", column="label", value_set=["a", "b"])]


def _rule(name: str, kind: str, **kwargs: Any) -> Rule:
    return Rule(name, "critical", "benchmark", f"expect_{kind}", kwargs)


def check_on_duckdb(path: Path, folder: Path) -> bool:
    """Validator the table where it lies."""
    with open_validator(path, folder) as validator:
        validator.con.execute("create view stars as from checked.wide.stars")
        verdicts = validator.validate("wide.stars", "stars", rules())
        validator.write_docs()
    return all(verdict.success for verdict in verdicts)


def check_on_pandas(path: Path, folder: Path) -> bool:
    """Read the table into a data frame and judge that, with the same suite and Data Docs."""
    gx = import_great_expectations()
    with duckdb.connect(str(path), read_only=True) as con:
        frame = con.execute("from wide.stars").df()
    context = gx.get_context(project_config=_config(folder), mode="ephemeral")
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("wide.stars")
    suite = context.suites.add(
        gx.ExpectationSuite(name="wide.stars", expectations=[rule.to_expectation() for rule in rules()])
    )
    batch = asset.add_batch_definition_whole_dataframe("all")
    definition = gx.ValidationDefinition(name="wide.stars", data=batch, suite=suite)
    definition = context.validation_definitions.add(definition)
    result = definition.run(batch_parameters={"dataframe": frame}, result_format="SUMMARY")
    context.build_data_docs()
    return bool(result.success)


def measure(engine: str, path: Path) -> dict[str, Any]:
    """Check the table in this process; the import of Great Expectations is not counted."""
    import_great_expectations()
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        success = {"duckdb": check_on_duckdb, "pandas": check_on_pandas}[engine](path, Path(folder))
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - used
        docs = len(list((Path(folder) / "docs").rglob("*.html")))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds, 2)}
    return {"engine": engine, **times, "peak_memory_mb": round(peak_mb), "success": success, "pages": docs}


def main() -> None:
    """Measure each engine in a process of its own, in turn, and print a table or a record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.engine:
        print(json.dumps(measure(chosen.engine, chosen.table)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "stars.duckdb"
        make_table(table, chosen.rows)
        found = [_in_process(engine, table) for engine in ENGINES]
    machine = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.machine()}
    machine |= {name: version(name) for name in ("great-expectations", "duckdb", "pandas")}
    rows = [
        {**row, "rows": chosen.rows, "columns": _NUM_NUMBERS + 2, "rules": len(rules()), **machine} for row in found
    ]
    if chosen.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            times = f"{row['seconds']:8.2f} s {row['cpu_seconds']:8.2f} s of CPU"
            print(f"{row['engine']:<8} {times} {row['peak_memory_mb']:8,} MB")


def _in_process(engine: str, table: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.expectations", "--engine", engine, "--table", str(table)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
