"""Serve the archives on 127.0.0.1:8081.

usage: python3 -m archive_front FILES VERSION

FILES is the folder of ``sas/`` and ``cdn/``; VERSION is what ``/_health`` answers.
"""

import sys
from pathlib import Path

from archive_front.server import Archives, serve

PORT = 8081

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    serve(PORT, Archives(Path(sys.argv[1]), sys.argv[2]))
