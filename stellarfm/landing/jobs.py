"""Jobs that an archive works on: their addresses outlive the run that started them."""

from pathlib import Path

from stellarfm.integrity import DamagedError, read_record, write_record


class Jobs:
    """The jobs of one landing whose answers are not here yet.

    Parameters
    ----------
    folder
        One file a job; it goes when the answer is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, part: str, url: str, query: str, job_id: str) -> None:
        """Note that an archive works on a part."""
        write_record(self._file(part), {"url": url, "query": query, "job_id": job_id})

    def find(self, part: str, url: str, query: str) -> str | None:
        """Return the job that works on a part, if it is of this archive and this query."""
        noted = _read(self._file(part))
        # the same part of another archive or another query is other work
        return noted["job_id"] if (noted.get("url"), noted.get("query")) == (url, query) else None

    def forget(self, part: str) -> None:
        """Drop a job."""
        self._file(part).unlink(missing_ok=True)

    def names(self, part: str) -> str:
        """Return what the archive calls the jobs that work on a part."""
        return " ".join(_read(file).get("job_id", "") for file in self._files(part))

    def forget_part(self, part: str) -> None:
        """Drop every job that worked on a part."""
        for file in self._files(part):
            file.unlink()

    def _files(self, part: str) -> list[Path]:
        # a part may take several jobs: its count, and the second time of asking
        return sorted(self._folder.glob(f"{part}*.json"))

    def _file(self, part: str) -> Path:
        return self._folder / f"{part}.json"


def _read(path: Path) -> dict[str, str]:
    """Return what was noted of a job, nothing if that is gone or damaged: the archive is asked again then."""
    try:
        return read_record(path, "")
    except DamagedError:
        return {}
