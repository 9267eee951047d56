"""Prefect flows: wiring only, one file a stage.

Prefect reads its environment when it is first imported, so what it must know is said here: no analytics, quiet logs,
and time for the temporary server to start on a busy machine. An address that is empty, as a batch system may leave it, is none.
"""

import os
from functools import partial

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLI_PROMPT": "false",
}.items():
    os.environ.setdefault(_name, _value)

if not os.environ.get("PREFECT_API_URL", "").strip():
    os.environ.pop("PREFECT_API_URL", None)


class _LastWord:
    """What closes stderr when Python takes its modules down, after all exit handlers have run and said what they had to say.

    Threads of Prefect's that never end hold types of DuckDB, and DuckDB's binding (nanobind) prints a page about each of them
    behind the summary of a run or the log of a worker. The code that the process ends with stays as it is.
    """

    def __init__(self) -> None:
        # kept here: the names of modules are gone by then
        self._close = partial(os.dup2, os.open(os.devnull, os.O_WRONLY), 2)

    def __del__(self) -> None:
        self._close()


_last_word = _LastWord()
