"""Every fault that can be armed looks to a client as the table in facts/archives.md says."""

import contextlib
import gzip
import http.client
import importlib
import io
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from tests.archive_server import ALLSTAR, SETUP, ArchiveServer
from tests.deployment import web

TEN = "SELECT TOP 10 source_id, ra, dec FROM gaiadr3.gaia_source ORDER BY source_id"


@pytest.fixture(scope="session")
def ids(archive_folder: Path) -> list[int]:
    """A hundred stars with spectra."""
    spectra = pq.read_table(archive_folder / "xp_continuous_mean_spectrum" / "part-00000.parquet")
    found: list[int] = spectra["source_id"].to_pylist()[:100]
    return found


def _spectra(answer: web.Answer) -> Table:
    return Table.read(io.BytesIO(web.members(answer)["XP_CONTINUOUS_RAW.fits"]), format="fits")


def _start_job(server: ArchiveServer, adql: str) -> str:
    """Start a job as astroquery does, and return its address."""
    fields = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": "fits", "QUERY": adql, "PHASE": "RUN"}
    answer = web.ask(f"{server.tap_url}/async", fields)
    assert answer.status == 303
    assert answer.headers["location"].startswith(server.tap_url)
    return answer.headers["location"]


def _wait_for(job: str) -> str:
    for _ in range(100):
        phase = web.ask(f"{job}/phase").body.decode()
        if phase not in ("PENDING", "QUEUED", "EXECUTING"):
            break
        time.sleep(0.1)
    return phase


@pytest.mark.parametrize("code", [401, 403, 500, 503])
def test_status_refuses(archive_server: ArchiveServer, code: int) -> None:
    archive_server.fault("status", "/sync", arg=code)
    assert web.query(archive_server.tap_url, TEN).status == code
    assert web.query(archive_server.tap_url, TEN).status == 200


def test_reset_closes_without_an_answer(archive_server: ArchiveServer) -> None:
    archive_server.fault("reset", "/sync")
    with pytest.raises(http.client.RemoteDisconnected):
        web.query(archive_server.tap_url, TEN)


def test_truncate_ends_before_the_promised_length(archive_server: ArchiveServer) -> None:
    archive_server.fault("truncate", "/sync", arg=300)
    with pytest.raises(http.client.IncompleteRead) as caught:
        web.query(archive_server.tap_url, TEN)
    assert len(caught.value.partial) == 300


def test_cut_is_valid_http_with_a_broken_body(archive_server: ArchiveServer) -> None:
    archive_server.fault("cut", "/sync", arg=300)
    with pytest.raises(EOFError):  # from gzip
        web.query(archive_server.tap_url, TEN)


def test_a_fits_file_can_be_cut_short(archive_server: ArchiveServer) -> None:
    archive_server.fault("cut", "allStar")
    url = f"{archive_server.sas_url}/{ALLSTAR}"
    assert len(web.fetch(url)) == len(web.fetch(url)) // 2


def test_kill_resets_in_the_middle(archive_server: ArchiveServer) -> None:
    archive_server.fault("kill", "allStar")
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        web.ask(f"{archive_server.sas_url}/{ALLSTAR}")


def test_delay_answers_late(archive_server: ArchiveServer) -> None:
    archive_server.fault("delay", "/sync", arg=0.5)
    start = time.monotonic()
    assert web.query(archive_server.tap_url, TEN).status == 200
    assert time.monotonic() - start > 0.5


def test_silence_outlasts_a_deadline(archive_server: ArchiveServer) -> None:
    archive_server.fault("silence", "/tables", arg=2)
    with pytest.raises(TimeoutError):
        web.ask(f"{archive_server.tap_url}/tables", timeout_s=0.5)


def test_refuse_lets_nothing_connect_for_a_while(archive_server: ArchiveServer) -> None:
    archive_server.fault("refuse", "/sync", arg=1)
    with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
        web.query(archive_server.tap_url, TEN)
    time.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        web.query(archive_server.tap_url, TEN)
    time.sleep(1.5)
    assert web.query(archive_server.tap_url, TEN).status == 200


def test_garbage_is_a_page_with_status_200(archive_server: ArchiveServer, ids: list[int]) -> None:
    archive_server.fault("garbage", "/data-server/data")
    answer = web.load_data(archive_server.data_url, ids)
    assert answer.status == 200
    assert answer.body.startswith(b"<html>")
    with pytest.raises(zipfile.BadZipFile):
        web.members(answer)


@pytest.mark.parametrize("table_format", ["fits", "votable", "votable_plain"])
def test_drop_rows_is_silent(archive_server: ArchiveServer, table_format: str) -> None:
    archive_server.fault("drop_rows", "/sync", arg=3)
    answer = web.query(archive_server.tap_url, TEN, table_format)
    assert len(web.table(answer)) == 7
    assert b"OVERFLOW" not in answer.body
    assert len(web.table(web.query(archive_server.tap_url, TEN, table_format))) == 10


def test_drop_rows_in_csv(archive_server: ArchiveServer) -> None:
    whole = web.query(archive_server.tap_url, TEN, "csv").body
    archive_server.fault("drop_rows", "/sync", arg=3)
    fewer = web.query(archive_server.tap_url, TEN, "csv").body
    assert fewer.split() == whole.split()[:-3]


def test_drop_rows_of_a_job(archive_server: ArchiveServer) -> None:
    archive_server.fault("drop_rows", "/async", arg=3)
    job = _start_job(archive_server, TEN)
    assert _wait_for(job) == "COMPLETED"
    answer = web.ask(f"{job}/results/result")
    assert len(Table.read(io.BytesIO(gzip.decompress(answer.body)), format="fits")) == 7


def test_datalink_may_return_fewer_stars(archive_server: ArchiveServer, ids: list[int]) -> None:
    archive_server.fault("drop_rows", "/data-server/data", arg=5)
    assert set(_spectra(web.load_data(archive_server.data_url, ids))["source_id"]) == set(ids[:-5])


def test_limit_is_told_in_a_votable_only(archive_server: ArchiveServer) -> None:
    archive_server.fault("limit", "/sync", arg=4, n=2)
    answer = web.query(archive_server.tap_url, TEN, "votable")
    assert len(web.table(answer)) == 4
    assert b"OVERFLOW" in answer.body
    assert len(web.table(web.query(archive_server.tap_url, TEN, "fits"))) == 4


def test_error_is_a_votable(archive_server: ArchiveServer) -> None:
    archive_server.fault("error", "/irsa/TAP/sync", arg="out of <memory>")
    answer = web.query(archive_server.irsa_url, "SELECT TOP 1 * FROM fp_psc")
    assert answer.status == 400
    assert b'value="ERROR">out of &lt;memory&gt;</INFO>' in answer.body


def test_error_ends_a_job(archive_server: ArchiveServer) -> None:
    archive_server.fault("error", "/async", arg="disk full")
    job = _start_job(archive_server, TEN)
    assert _wait_for(job) == "ERROR"
    assert b"phase>ERROR<" in web.ask(job).body
    assert b"disk full" in web.ask(f"{job}/error").body


def test_zip_slip_names_a_file_outside(archive_server: ArchiveServer, ids: list[int]) -> None:
    archive_server.fault("zip_slip", "/data-server/data")
    names = list(web.members(web.load_data(archive_server.data_url, ids)))
    assert any(name.startswith("../") for name in names)
    assert "XP_CONTINUOUS_RAW.fits" in names


def test_skip_lets_requests_pass_first(archive_server: ArchiveServer) -> None:
    archive_server.fault("status", "/sync", n=2, skip=1)
    assert [web.query(archive_server.tap_url, TEN).status for _ in range(4)] == [200, 503, 503, 200]


def test_an_unknown_fault_is_refused(archive_server: ArchiveServer) -> None:
    with pytest.raises(ValueError, match="unknown kind 'flood'"):
        archive_server.fault("flood")


def test_the_log_says_what_was_asked_and_what_went_wrong(archive_server: ArchiveServer) -> None:
    archive_server.fault("status", "/sync")
    web.query(archive_server.tap_url, TEN)
    (entry,) = archive_server.log()
    assert (entry["method"], entry["path"], entry["fault"]) == ("POST", "/tap-server/tap/sync", "status")
    assert "gaia_source" in entry["body"]
    assert archive_server.log() == []


def test_a_login_is_refused_and_its_password_logged_nowhere(archive_server: ArchiveServer) -> None:
    for server in ("tap-server", "data-server"):
        fields = {"username": "someone", "password": "very&secret"}
        assert web.ask(f"{archive_server.front_url}/{server}/login", fields).status == 401
    web.ask(f"{archive_server.front_url}/tap-server/login?password=very%26secret")
    logged = archive_server.log()
    assert len(logged) == 3
    assert "secret" not in str(logged)
    assert "someone" in logged[0]["body"]


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [("me", "mine", 200), ("me", "yours", 401), ("you", "mine", 401), ("", "", 401)],
)
def test_a_login_is_accepted_with_the_password_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, user: str, password: str, status: int
) -> None:
    monkeypatch.syspath_prepend(SETUP.parent)
    login, messages = (importlib.import_module(f"archive_front.{name}") for name in ("login", "messages"))
    monkeypatch.setenv("ARCHIVE_USER", "me")
    monkeypatch.setenv("ARCHIVE_PASSWORD", "mine")
    body = urlencode({"username": user, "password": password}).encode()
    reply = login.login(messages.Request("POST", "/tap-server/login", "", "", {}, body))
    assert reply.status == status
    assert ("Set-Cookie" in reply.headers) == (status == 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"RELEASE": "Gaia DR2"},
        {"DATA_STRUCTURE": "INDIVIDUAL"},
        {"RETRIEVAL_TYPE": "RVS"},
        {"FORMAT": "pdf"},
        {"ID": "1 or 1"},
        {"ID": ",".join(map(str, range(5001)))},
    ],
    ids=str,
)
def test_datalink_refuses_what_the_archive_refuses(
    archive_server: ArchiveServer, ids: list[int], wrong: dict[str, str]
) -> None:
    answer = web.load_data(archive_server.data_url, ids, **wrong)
    assert answer.status == 400
    assert b'value="ERROR"' in answer.body


def test_datalink_knows_the_structure_by_its_new_name(archive_server: ArchiveServer, ids: list[int]) -> None:
    files = web.members(web.load_data(archive_server.data_url, ids, DATA_STRUCTURE="DATAMODEL_GAIA"))
    assert list(files) == ["XP_CONTINUOUS_DATAMODEL_GAIA.fits"]


def test_a_query_error_has_status_400_at_esa(archive_server: ArchiveServer) -> None:
    answer = web.query(archive_server.tap_url, "SELECT nothing FROM nowhere")
    assert answer.status == 400
    assert b"nowhere" in answer.body
