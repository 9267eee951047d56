"""What a selection will bring, before anything of it is fetched: rows, requests, size and time, and what speaks against it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stellarfm.rules import rule_value

BYTES_PER_ROW = {
    "gaia_source": 160,
    "xp_continuous_mean_spectrum": 1310,
    "twomass_psc": 76,
    "apogee_allstar": 146,
    "extinction": 18,
}
"""Bytes of a row in the landing (Parquet, zstd): measured on the simulated sky of 2,000 stars, whose columns are those of the
archives."""

TAP_ROWS_PER_S = 14_000.0
"""Rows a second of a TAP service that answers in FITS, parsing included: measured on a table of 131 columns at the archive
server on loopback. ESA over a real line is slower."""

VOTABLE_ROWS_PER_S = 6_900.0
"""The same of one that answers in VOTable, as IRSA and VizieR do."""

DATALINK_SPECTRA_PER_S = 1000 / 3.0
"""Spectra a second of DataLink: 1,000 stars in FITS took 3.0 s at the archive server on loopback."""

JOB_S = 1.0
"""What a job takes besides its rows (to be made, polled, fetched) at the archive server on loopback; no queue."""

DOWNLOAD_BYTES_PER_S = 10e6
"""Rate at which a file comes: an assumption, a line of 80 Mbit/s."""

SIMULATED_STARS_PER_S = 3_000.0
"""Stars a second that the simulated sky makes on one core: 20,000 took 6 s on a core of 2026."""


@dataclass(frozen=True)
class Expected:
    """What a selection will bring; None is what only fetching can tell.

    Attributes
    ----------
    gaia_sources, xp_spectra, twomass_sources, apogee_stars
        Rows of each table.
    labelled_stars
        Selected Gaia sources that have labels to learn from, by APOGEE's own Gaia identifiers and before the cuts of the
        training set.
    requests
        Jobs, calls of DataLink and files that are still to be asked for, besides counts.
    size_bytes
        About what the landing will take on disk.
    time_s
        About how long the fetching that is left will take, in seconds.
    notes
        How each is known, or why it is not, by the name of the field.
    is_learned_from
        Whether a model is to learn from these stars.
    """

    gaia_sources: int | None = None
    xp_spectra: int | None = None
    twomass_sources: int | None = None
    apogee_stars: int | None = None
    labelled_stars: int | None = None
    requests: int | None = None
    size_bytes: int | None = None
    time_s: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    is_learned_from: bool = True

    @property
    def warnings(self) -> list[str]:
        """What speaks against the selection, a sentence each."""
        if self.labelled_stars is None or not self.is_learned_from:
            return []
        return too_few_labels(self.labelled_stars)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self) | {"notes": dict(self.notes)}

    def lines(self) -> list[tuple[str, str, str]]:
        """Return what is expected, how much, and how it is known, for people."""
        rows = {
            "Gaia sources": ("gaia_sources", _number(self.gaia_sources)),
            "XP spectra of them": ("xp_spectra", _number(self.xp_spectra)),
            "2MASS sources": ("twomass_sources", _number(self.twomass_sources)),
            "APOGEE stars": ("apogee_stars", _number(self.apogee_stars)),
            "labelled stars among them": ("labelled_stars", _number(self.labelled_stars)),
            "requests": ("requests", _number(self.requests)),
            "size on disk": ("size_bytes", in_bytes(self.size_bytes)),
            "time": ("time_s", in_time(self.time_s)),
        }
        return [(what, value, self.notes.get(name, "")) for what, (name, value) in rows.items()]


def too_few_labels(labelled_stars: int) -> list[str]:
    """Return a warning where too few stars have labels to train on, else none."""
    # the same rule refuses the training itself: who is warned here is spared hours of fetching
    least = int(rule_value("min_labelled_stars"))
    if labelled_stars >= least:
        return []
    number = "no labelled star is" if labelled_stars == 0 else f"only {labelled_stars:,} labelled stars are"
    return [
        f"{number} among the selected Gaia sources, and a model needs at least {least} to train on: widen "
        "gaia.where towards the stars of APOGEE, or learn from all of those (training.stars = apogee), or publish with a "
        "model that was trained on others: `stellarfm run --use-champion`"
    ]


def size_of(rows: Mapping[str, int | None]) -> int:
    """Return about how many bytes rows of each table take in the landing; an unknown number of rows counts as none.

    Parameters
    ----------
    rows
        Rows of each table, by its name in `BYTES_PER_ROW`.

    Returns
    -------
    int
        Bytes on disk.
    """
    return sum(BYTES_PER_ROW[table] * (number or 0) for table, number in rows.items())


def time_of(rows: Mapping[str, int | None], *, requests: int, xp: str, twomass: str, download_bytes: int = 0) -> float:
    """Return about how many seconds fetching takes, at the rates above.

    Parameters
    ----------
    rows
        Rows of each table that are to be fetched.
    requests
        Jobs and calls.
    xp, twomass
        The settings ``gaia.xp`` and ``twomass.by``. Whole files of spectra (bulk) are not estimated.
    download_bytes
        Bytes of files that come whole.

    Returns
    -------
    float
        Seconds.
    """
    spectra, others = rows.get("xp_continuous_mean_spectrum") or 0, rows.get("twomass_psc") or 0
    # bulk has no rate: whole files come, whose number depends on where on the sky the stars are
    xp_rate = {"datalink": DATALINK_SPECTRA_PER_S, "tap": TAP_ROWS_PER_S}.get(xp)
    seconds = requests * JOB_S + download_bytes / DOWNLOAD_BYTES_PER_S
    seconds += (rows.get("gaia_source") or 0) / TAP_ROWS_PER_S
    seconds += spectra / xp_rate if xp_rate else 0.0
    return seconds + others / (VOTABLE_ROWS_PER_S if twomass == "position" else TAP_ROWS_PER_S)


def in_bytes(size_bytes: float | None) -> str:
    """Return a size for people, e.g. ``about 3.2 MB``; "" if it is not known."""
    if size_bytes is None:
        return ""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= size:
            return f"about {_short(size_bytes / size)} {unit}"
    return f"about {max(size_bytes, 0) / 1e3:.0f} kB"


def in_time(time_s: float | None) -> str:
    """Return a time for people, e.g. ``about 4 min``; "" if it is not known."""
    if time_s is None:
        return ""
    for unit, seconds in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if time_s >= 2 * seconds:
            return f"about {_short(time_s / seconds)} {unit}"
    return f"about {time_s:.0f} s"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
