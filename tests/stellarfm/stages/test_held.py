"""Every stage holds the home that it changes, also when it is called from Python."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stellarfm.errors import StellarError
from stellarfm.home import Home
from stellarfm.stages.evaluate import evaluate
from stellarfm.stages.import_model import import_published
from stellarfm.stages.ingest import ingest
from stellarfm.stages.prepare import prepare
from stellarfm.stages.promote import promote
from stellarfm.stages.publish import publish
from stellarfm.stages.train import train
from stellarfm.stages.train_table import train_on_table

STAGES = (ingest, prepare, train, evaluate, promote, publish, import_published, train_on_table)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_is_refused_within_seconds_while_somebody_else_holds_the_home(
    stage: Callable[..., object], tmp_path: Path
) -> None:
    home = Home.open(tmp_path)
    with home.lock(), ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        with pytest.raises(StellarError, match="another run is at work on the home"):
            pool.submit(stage, None, home).result()
        assert time.monotonic() - started < 5
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
