"""The archives on loopback, as tests hold them; deployment/archive-server/README.md says what they serve."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETUP = Path(__file__).resolve().parents[1] / "deployment" / "archive-server" / "setup.sh"
FRONT = "http://127.0.0.1:8081"
ALLSTAR = "dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits"
SPECTRA = "Gaia/gdr3/Spectroscopy/xp_continuous_mean_spectrum"


@dataclass(frozen=True)
class ArchiveServer:
    """The archives: where each is, and the ways to make them fail.

    Attributes
    ----------
    tap_url, data_url
        ESA's TAP service and DataLink of the Gaia archive.
    irsa_url
        IRSA's TAP service.
    sas_url, cdn_url
        Roots of the SDSS's files and of the Gaia CDN.
    front_url
        What all of them begin with; also what ``GaiaClass`` calls its servers.
    """

    front_url: str = FRONT
    tap_url: str = FRONT + "/tap-server/tap"
    data_url: str = FRONT + "/data-server/data"
    irsa_url: str = FRONT + "/irsa/TAP"
    sas_url: str = FRONT + "/sas"
    cdn_url: str = FRONT + "/cdn"

    def fault(self, kind: str, path: str = "", n: int = 1, skip: int = 0, arg: str | float | None = None) -> None:
        """Make the next `n` requests fail whose path contains `path`, after `skip` of them.

        Raises
        ------
        ValueError
            If there is no such kind of fault.
        """
        fields = {"kind": kind, "path": path, "n": n, "skip": skip} | ({} if arg is None else {"arg": arg})
        try:
            self._control("/_fault?" + urllib.parse.urlencode(fields))
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from error

    def clear(self) -> None:
        """Forget every fault and the log."""
        self._control("/_fault?kind=clear")
        self.log()

    def log(self) -> list[dict[str, Any]]:
        """Return the requests since the last call: ``time``, ``method``, ``path``, ``type``, ``body``, ``fault``."""
        return [json.loads(line) for line in self._control("/_log").splitlines()]

    def load(self, landing: Path) -> None:
        """Serve another landing; takes seconds.

        Raises
        ------
        RuntimeError
            If it cannot be served.
        """
        _setup("start", str(landing))

    def stop(self) -> None:
        """Stop every server."""
        _setup("stop")

    def is_up(self) -> bool:
        """Whether the archives answer."""
        try:
            self._control("/_health")
        except OSError:
            return False
        return True

    def _control(self, path: str) -> str:
        with urllib.request.urlopen(self.front_url + path, timeout=10) as answer:
            text: str = answer.read().decode()
        return text


def why_not() -> str | None:
    """Return why the archives cannot be served here, if they cannot."""
    if shutil.which("dachs") is None:
        return "the archive server is not installed: run deployment/archive-server/setup.sh start"
    if os.geteuid() != 0:
        return "the archive server is filled by root: run the tests as root, in a container"
    return None


def _setup(*arguments: str) -> None:
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(
        [SETUP, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr or done.stdout)
