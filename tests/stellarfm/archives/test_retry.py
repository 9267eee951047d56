"""How archives are asked, piece by piece and without one: what is tried again, kept, noted and refused."""

import errno
import socket
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from stellarfm.archives.credentials import Credentials
from stellarfm.archives.downloads import checksums
from stellarfm.archives.healpix import SkyPart, divide
from stellarfm.archives.id_batches import fetch_ids
from stellarfm.archives.retry import RefusedError, RetryPolicy, TransientError, is_transient, status_of
from stellarfm.archives.tap import read_answer
from stellarfm.archives.twomass import positions_at
from stellarfm.archives.xp import read_zip
from stellarfm.errors import StellarError
from stellarfm.landing.jobs import Jobs
from stellarfm.landing.missing import Ids, Missing
from stellarfm.landing.parts import Landing, explain_full_disk
from stellarfm.surveys.profile import Identifier
from stellarfm.surveys.reading import load_survey

RETRY = RetryPolicy(attempts=3, wait_s=0.0)
GAIA = load_survey("gaia_dr3")
ID = Identifier(column="source_id", healpix_level=12, num_bits_below_healpix=35)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (requests.exceptions.HTTPError("Error 503: busy"), True),
        (requests.exceptions.HTTPError("Service Unavailable"), True),
        (requests.exceptions.HTTPError("Error 429: slow down"), True),
        (requests.exceptions.HTTPError("Error 500: null"), True),
        (requests.exceptions.HTTPError("Error 500: Unknown retrieval type 'XP_CONTINUOUS'"), False),
        (requests.exceptions.HTTPError("Error 400: no such column"), False),
        (requests.exceptions.HTTPError("Bad Request"), False),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (EOFError(), True),
        (zipfile.BadZipFile(), True),
        (TransientError("short"), True),
        (StellarError("wrong"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (KeyError("a bug"), False),
    ],
    ids=repr,
)
def test_what_may_pass_is_asked_again_and_what_is_refused_is_not(error: Exception, passes: bool) -> None:
    assert is_transient(error) is passes


def test_a_time_out_is_for_the_archive_alone() -> None:
    before = socket.getdefaulttimeout()
    assert RETRY.call("the archive", socket.getdefaulttimeout) == RETRY.timeout_s
    assert socket.getdefaulttimeout() == before


def test_a_request_is_made_as_often_as_the_policy_says_and_the_last_failure_is_told() -> None:
    asked: list[int] = []

    def fail() -> None:
        asked.append(1)
        raise TimeoutError

    with pytest.raises(
        StellarError, match=r"the archive failed 3 times, at last with: no answer in time; .* run the same"
    ):
        RETRY.call("the archive", fail)
    assert len(asked) == 3


def test_a_refused_request_is_made_once_and_told_in_the_archives_words() -> None:
    asked: list[int] = []

    def refuse() -> None:
        asked.append(1)
        raise requests.exceptions.HTTPError("Error 400: no column paralax at char 8")

    with pytest.raises(RefusedError, match="the archive refuses the request: no column paralax at char 8"):
        RETRY.call("the archive", refuse)
    assert len(asked) == 1


def test_refused_credentials_say_where_they_come_from() -> None:
    def refuse() -> None:
        raise requests.exceptions.HTTPError("Error 401: who are you")

    with pytest.raises(RefusedError, match="GAIA_USER and GAIA_PASSWORD"):
        RETRY.call("the archive", refuse)
    assert status_of(requests.exceptions.HTTPError("Unauthorized")) == 401


def test_a_password_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAIA_USER", "vera")
    with pytest.raises(StellarError, match="GAIA_PASSWORD is not set"):
        Credentials.of_environment("GAIA")
    monkeypatch.setenv("GAIA_PASSWORD", "rubin1928")
    assert "rubin1928" not in repr(Credentials.of_environment("GAIA"))
    monkeypatch.delenv("GAIA_USER")
    monkeypatch.delenv("GAIA_PASSWORD")
    assert Credentials.of_environment("GAIA") is None


@pytest.mark.parametrize("content", [b"<html>maintenance</html>", b"", b"SIMPLE  =                    T", b"\x89PNG"])
def test_an_answer_that_is_no_table_is_a_stumble(content: bytes) -> None:
    with pytest.raises(TransientError):
        read_answer(content)


@given(st.lists(st.integers(0, 12 * 2**59 - 1), unique=True, min_size=1, max_size=300), st.integers(1, 40))
def test_the_parts_of_a_sky_hold_each_source_once_and_in_order(ids: list[int], most: int) -> None:
    def inside(part: SkyPart) -> list[int]:
        if not part.condition:
            return ids
        low, high = map(int, part.condition.removeprefix("source_id BETWEEN ").split(" AND "))
        return [i for i in ids if low <= i <= high]

    parts = list(divide(SkyPart(ID), lambda part: len(inside(part)), most))
    assert [i for part, _ in parts for i in sorted(inside(part))] == sorted(ids)
    assert all(rows == len(inside(part)) and (rows <= most or part.level == 12) for part, rows in parts)
    assert all(rows > 0 for _, rows in parts)
    whole = [
        SkyPart(ID, part.level - 1, part.pixel // 4) if part.level else SkyPart(ID)
        for part, _ in parts
        if part.level >= 0
    ]
    assert all(len(inside(part)) > most for part in whole)  # nothing is cut that need not be


def test_a_part_of_the_sky_is_a_healpix_pixel() -> None:
    """Given a source of pixel 123456 of level 12, which is source_id >> 35."""
    source = (123_456 << 35) + 77
    part = SkyPart(ID, 12, 123_456)
    low, high = map(int, part.condition.removeprefix("source_id BETWEEN ").split(" AND "))
    assert low <= source <= high
    assert (low >> 35, high >> 35, (high + 1) >> 35) == (123_456, 123_456, 123_457)


def test_a_star_that_does_not_come_is_asked_for_once_more_and_then_lost() -> None:
    asked: list[tuple[list[int], str]] = []

    def ask(ids: Ids, again: str) -> pa.Table:
        asked.append((ids.tolist(), again))
        given = [2, 2, 99] if not again else [3]  # one twice, and one that nobody asked for
        return pa.table({"source_id": pa.array(given, pa.int64())})

    rows, lost = fetch_ids(np.array([1, 2, 3]), ask)
    assert rows["source_id"].to_pylist() == [2, 3]
    assert lost.tolist() == [1]
    assert asked == [([1, 2, 3], ""), ([1, 3], "-again")]


def test_missing_stars_are_asked_for_in_two_runs_and_then_no_more(tmp_path: Path) -> None:
    missing = Missing(tmp_path / "gaia_source.parquet")
    missing.note(np.array([5, 7]), np.array([4, 5, 6, 7]))
    assert missing.to_ask().tolist() == [5, 7]
    missing.note(np.array([7]), np.array([5, 7]))
    assert (missing.ids().tolist(), missing.to_ask().tolist()) == ([7], [])


def test_a_job_is_found_again_for_the_same_archive_and_query_alone(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    jobs.keep("sky", "http://archive", "SELECT 1", "j17")
    assert Jobs(tmp_path).find("sky", "http://archive", "SELECT 1") == "j17"
    assert jobs.find("sky", "http://archive", "SELECT 2") is None
    assert jobs.find("sky", "http://mirror", "SELECT 1") is None
    assert jobs.names("sky") == "j17"
    jobs.forget_part("sky")
    assert jobs.find("sky", "http://archive", "SELECT 1") is None


@pytest.mark.parametrize("name", ["../XP.fits", "a/../../XP.fits", "/XP.fits", "..\\XP.fits"])
def test_a_zip_whose_names_climb_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "answer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(StellarError, match=r"XP\.fits', which climbs out of its folder"):
        read_zip(path, GAIA)
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path) -> None:
    landing = Landing(tmp_path, "esa-0")
    with pytest.raises(StellarError, match=r"no space left for the landing .*esa-0; make room and run again"):  # noqa: SIM117
        with explain_full_disk(landing):
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_list_of_checksums_is_read_by_name() -> None:
    text = f"{'a' * 40}  ./dr17/allStar.fits\n# a comment\n{'B' * 32} *XpContinuous_0-1.csv.gz\n"
    assert checksums(text) == {"allStar.fits": "a" * 40, "XpContinuous_0-1.csv.gz": "b" * 32}


def test_a_star_is_looked_for_where_it_was_in_2000() -> None:
    """Given Barnard's star in 2016 (SIMBAD), expect its 2MASS position, taken in 2000, within 0.2 arcsec."""
    star = {
        "ref_epoch": 2016.0,
        "ra": 269.44850252543836,
        "dec": 4.739420051112412,
        "pmra": -801.551,
        "pmdec": 10362.394,
    }
    gaia = pa.table({name: [value] for name, value in star.items()})
    ra, dec = positions_at(gaia, 2000.0)
    assert (ra[0] - 269.452076) * np.cos(np.radians(dec[0])) * 3600 == pytest.approx(0, abs=0.3)
    assert (dec[0] - 4.693364) * 3600 == pytest.approx(0, abs=0.3)
    still = gaia.set_column(3, "pmra", pa.array([None], pa.float64())).set_column(
        4, "pmdec", pa.array([None], pa.float64())
    )
    assert [float(x[0]) for x in positions_at(still, 2000.0)] == [star["ra"], star["dec"]]
