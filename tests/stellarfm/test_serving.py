"""The model as MLflow serves it gives the numbers of `predict` and of the catalogue, to the last digit."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import duckdb
import mlflow
import numpy as np
import pandas as pd
import pytest

from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.interface import open_model
from stellarfm.registry import Registry
from stellarfm.tokens import read_tokens
from stellarfm.vocabulary import load_vocabulary
from tests.conftest import Made, environment, succeed

REQUEST = "teff,logg,m_h,logebv,g_fakemag"


@pytest.fixture(scope="module")
def served(made: Made) -> Any:
    Registry(Home.at(made.home)).versions()
    return mlflow.pyfunc.load_model("models:/stellarfm@champion")


@pytest.fixture(scope="module")
def stars(made: Made) -> pd.DataFrame:
    """All stars of the small product, with what the vocabulary reads: arrays and errors among it."""
    vocabulary = load_vocabulary("leung_bovy")
    with duckdb.connect(str(made.home / "warehouse.duckdb"), read_only=True) as con:
        known = con.sql("from marts.stars").columns
        words = " ".join(f"{token.name} {token.value} {token.error}" for token in vocabulary.tokens).split()
        table = con.sql(f"select {', '.join(name for name in known if name in {*words, 'source_id'})} from marts.stars")
        return table.to_arrow_table().to_pandas()


def test_it_gives_the_numbers_of_predict_and_of_python(made: Made, served: Any, stars: pd.DataFrame) -> None:
    source, target = "stellarfm-home/warehouse.duckdb#marts.stars", made.folder / "served.parquet"
    succeed(["predict", source, "--request", REQUEST, "-o", str(target)], made.folder)
    predicted = pd.read_parquet(target)
    answers = served.predict(stars, params={"request": REQUEST})
    pd.testing.assert_frame_equal(answers, predicted[list(answers)], check_exact=True)
    model = open_model(home=made.home)
    asked = model.perceive(stars, hide=REQUEST).request(REQUEST)
    pd.testing.assert_frame_equal(asked[list(answers)], answers, check_exact=True)
    assert asked["source_id"].tolist() == predicted["source_id"].tolist()


def test_it_gives_the_numbers_of_the_catalogue_for_what_the_catalogue_rests_on(made: Made, served: Any) -> None:
    vocabulary = load_vocabulary("leung_bovy")
    with duckdb.connect(str(made.home / "warehouse.duckdb"), read_only=True) as con:
        tokens = read_tokens(con, "marts.stars", vocabulary)
    inputs = {}
    for name in vocabulary.tasks[0].inputs:
        place = vocabulary.index(name)
        inputs |= {name: tokens.values[:, place], f"{name}_error": tokens.errors[:, place]}
    answers = served.predict(pd.DataFrame(inputs), params={"request": REQUEST}).assign(source_id=tokens.ids)
    with duckdb.connect(str(made.home / "releases" / "latest" / "catalog.duckdb"), read_only=True) as con:
        published = con.sql("select source_id, teff, teff_error, logg, logg_error, m_h, m_h_error from stars").df()
    both = published.merge(answers, on="source_id", suffixes=("", "_served"))
    assert len(both) == len(published)
    for name in published.columns[1:]:
        np.testing.assert_array_equal(both[name], both[f"{name}_served"])


def test_without_a_request_it_answers_the_labels_and_keeps_the_index(served: Any) -> None:
    frame = pd.DataFrame({"bprp": [0.8, 0.9]}, index=[7, 3])
    answers = served.predict(frame)
    assert list(answers)[::2] == ["teff", "logg", "m_h", "logebv", "g_fakemag"]
    assert answers.index.tolist() == [7, 3]


@pytest.mark.parametrize(
    ("columns", "request_", "sentence"),
    [
        ({"bprp": [0.8], "jhh": [0.3]}, "teff", r"no input 'jhh' \(near it: jh"),
        ({"bprp": [0.8]}, "tef", r"no token 'tef' \(near it: teff\)"),
        ({"teff": [5000.0]}, "teff", "nothing but what is requested"),
    ],
)
def test_what_the_model_does_not_know_is_refused(
    served: Any, columns: dict[str, list[float]], request_: str, sentence: str
) -> None:
    with pytest.raises(StellarError, match=sentence):
        served.predict(pd.DataFrame(columns), params={"request": request_})


@pytest.mark.slow
def test_a_server_of_mlflow_gives_the_same_numbers(made: Made, served: Any, stars: pd.DataFrame) -> None:
    folder = next((made.home / "artifacts" / "models").iterdir()) / "artifacts"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(folder),
        "-p",
        str(port),
        "--env-manager",
        "local",
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    server = subprocess.Popen(
        command, cwd=made.folder, env=environment(made.folder) | {"PATH": path}, start_new_session=True
    )
    try:
        few = stars.head(20)
        split = json.loads(few.to_json(orient="split", index=False, double_precision=15))
        body = {"dataframe_split": split, "params": {"request": "teff,logg"}}
        answer = _post(port, body)
        expected = served.predict(few, params={"request": "teff,logg"})
        found = pd.DataFrame(answer["predictions"]).astype("float32")
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), rtol=1e-6)
        with pytest.raises(urllib.error.HTTPError):
            _post(port, {"dataframe_split": {"columns": ["bprpp"], "data": [[1.0]]}})
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _post(port: int, body: dict[str, Any]) -> Any:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    for _ in range(120):
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not start")
