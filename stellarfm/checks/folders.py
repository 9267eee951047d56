"""Where checks lie in a home: one folder a warehouse or release, and ``failed`` for the last that stopped a run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stellarfm.atomic import fresh_folder, publish_folder
from stellarfm.checks.report import CheckFailedError
from stellarfm.checks.validator import DOCS_INDEX
from stellarfm.integrity import seal

FAILED = "failed"
"""Folder of the last checks that stopped a run; gone when the same pass."""


@contextmanager
def kept_checks(root: Path, name: str) -> Iterator[Path]:
    """Yield a folder for checks that becomes `name`, or ``failed`` if they stop the run, so that people can look.

    Parameters
    ----------
    root
        Folder of the home's checks.
    name
        What it is called if the checks pass.

    Raises
    ------
    CheckFailedError
        The error of the block, with the place of the Data Docs.
    """
    failed = root / FAILED
    with fresh_folder(root / name) as folder:
        try:
            yield folder
            seal(folder)
        except CheckFailedError as error:
            seal(folder)
            # before the error leaves the block: `fresh_folder` would leave the pages hidden under their temporary name
            publish_folder(folder, failed)
            raise CheckFailedError(
                f"{error}; mend the table or fetch it anew and run again; "
                f"Data Docs lie in {failed / DOCS_INDEX}, `stellarfm checks rows` shows the rows",
                error.report,
            ) from error
    # only now: as long as nothing passed, the last failure is what people want to see
    forget_failed(root)


def forget_failed(root: Path) -> None:
    """Remove the checks that stopped an earlier run."""
    shutil.rmtree(root / FAILED, ignore_errors=True)
