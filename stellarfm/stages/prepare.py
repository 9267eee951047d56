"""Landing to warehouse: staging, checks, crossmatch, marts, checks."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stellarfm.archives.landing import Landing
from stellarfm.atomic import content_key, fresh_file
from stellarfm.config import Settings
from stellarfm.home import Home
from stellarfm.resources import resource_folder
from stellarfm.stages.ingest import Snapshot
