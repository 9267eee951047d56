"""The temporary server of one run: on loopback, with its history in the home, and ended with the run however that ends."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from stellarfm.errors import StellarError
from stellarfm.integrity import sqlite_damage
from stellarfm.processes import end_with_input
from stellarfm.progress import tell

_STOP_S = 5
_ANSWER_S = 120
"""A busy machine may take that long to start it."""
_LEAST_BYTES = 8 << 20
"""Its history takes 6 MB from the start."""


class TemporaryServer:
    """A Prefect server that is started beside the imports of the flows, which take as long.

    Parameters
    ----------
    folder
        Where its history lies; ``server.log`` has its last words.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _drop_damaged_history(folder)
        self._log = folder / "server.log"
        os.environ["PREFECT_HOME"] = str(folder)
        # bound here and handed over: no other process can take the port in between
        with socket.create_server(("127.0.0.1", 0)) as listening, self._log.open("wb") as log:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            self._process = subprocess.Popen(
                # -P: a folder `flows` where a person works is not ours
                [sys.executable, "-P", "-m", "flows.server", str(listening.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno()],
                start_new_session=True,  # Ctrl-C is for the run, which still has something to tell the server
            )
        # before Prefect is imported, so that it is stopped after Prefect has said its last
        atexit.register(self.stop)
        os.environ["PREFECT_API_URL"] = self.url

    def wait(self) -> None:
        """Wait until it answers.

        Raises
        ------
        StellarError
            If it ended or stays silent.
        """
        import httpx

        try:
            httpx.get(f"{self.url}/health", timeout=_ANSWER_S).raise_for_status()
        except httpx.HTTPError as error:
            self.stop()
            if shutil.disk_usage(self._log.parent).free < _LEAST_BYTES:
                raise StellarError(
                    f"there is no space left on the disk of {self._log.parent}; make room and run the same again: what is "
                    "complete stays"
                ) from error
            raise StellarError(
                f"Prefect's temporary server did not start ({_last_line(self._log) or error}); its words are in {self._log}; "
                "free memory or disk, or name a server with PREFECT_API_URL"
            ) from error

    def stop(self) -> None:
        """End it; its history is complete then."""
        assert self._process.stdin is not None, "it was started with a pipe"
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _drop_damaged_history(folder: Path) -> None:
    """Remove a damaged history, and say so: it holds what runs did, and nothing that they made."""
    database = folder / "prefect.db"
    if not database.is_file() or not (why := sqlite_damage(database)):
        return
    tell(f"{database} is damaged ({why}): the history of earlier runs is lost, and begun anew")
    for file in folder.glob("prefect.db*"):
        file.unlink()


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _serve(listening: socket.socket) -> None:
    """Be the server."""
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(ephemeral=True, final=True), log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    end_with_input()
    _serve(socket.socket(fileno=int(sys.argv[1])))
