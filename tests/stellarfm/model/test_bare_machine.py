"""The model and its benchmarks need torch and numpy alone, so that they run on a bare GPU machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REST = "safetensors duckdb rich pyarrow astropy scipy typer pydantic mlflow pandas matplotlib filelock"

BARE = f"""
import sys
for name in {REST.split()}:
    sys.modules[name] = None  # an import of it fails
from tests.benchmarks import {{module}}
sys.argv = ["x", "--device", "cpu", "--threads", "1", "--seconds", "0", "--json"] + {{options}}
{{module}}.in_a_process = lambda function, *arguments: function(*arguments)
{{module}}.main()
"""


@pytest.mark.parametrize(
    ("module", "options", "rows"),
    [
        ("train", ["--presets", "published", "paper", "small", "--batch", "8"], 3),
        ("predict", ["--presets", "published", "small", "--stars", "16"], 6),
    ],
)
def test_the_benchmarks_run_with_torch_and_numpy_alone(module: str, options: list[str], rows: int) -> None:
    program = BARE.format(module=module, options=options)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=HERE.parents[2], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert len(figures) == rows
    for row in figures:
        assert {"preset", "device", "batch", "stars_per_s", "targets_per_s", "peak_memory_mb"} <= row.keys()
        assert row["stars_per_s"] > 0
