"""What is secret in settings and environment is nowhere in what a run leaves: home, release, logs, MLflow, Prefect."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment, small_settings

SECRET = "pl4nted-s3cret"  # of no letter that JSON or an address would write in another way
ACCOUNT = f"http://user:{SECRET}@127.0.0.1:9/x?key={SECRET}"
SETTINGS = {
    "gaia.tap_url": ACCOUNT, "gaia.data_url": ACCOUNT, "gaia.bulk_url": ACCOUNT, "twomass.irsa_url": ACCOUNT,
    "apogee.url": ACCOUNT, "apogee.vizier_url": ACCOUNT, "extinction.table": f"/nowhere/{SECRET}/ebv.parquet",
}  # fmt: skip
ENVIRONMENT = ("GAIA_USER", "GAIA_PASSWORD", "PREFECT_API_KEY", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY",
               "HTTP_PROXY_PASSWORD")  # fmt: skip


@pytest.mark.slow
def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    vocabulary = tmp_path / SECRET / "own.toml"
    vocabulary.parent.mkdir()
    shipped = Path(__file__).parents[2] / "stellarfm" / "vocabularies" / "leung_bovy.toml"
    vocabulary.write_text(shipped.read_text("utf-8"), "utf-8")
    given = SETTINGS | {"training.vocabulary": vocabulary}
    words = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "stellarfm.cli", "run", *small_settings(), *words],
        cwd=tmp_path, env=environment(tmp_path) | dict.fromkeys(ENVIRONMENT, SECRET), capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    found = [file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file() and _holds(file)]
    assert found == []


def _holds(file: Path) -> bool:
    # bytes, whatever the format: databases hold text as it is
    return SECRET.encode() in file.read_bytes()
