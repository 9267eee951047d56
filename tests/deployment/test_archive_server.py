"""The archives on loopback serve what lies in the landing, number by number."""

import gzip
import hashlib
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from tests.archive_server import ALLSTAR, SPECTRA, ArchiveServer
from tests.deployment import web


def _landed(folder: Path, name: str) -> pa.Table:
    return pq.read_table(folder / name / "part-00000.parquet")


def _assert_same(served: Table, landed: pa.Table, key: str) -> None:
    """Every value has the same type and bits, and none is there where the landing has none."""
    served.sort(key)
    landed = landed.sort_by(key)
    assert len(served) == landed.num_rows
    for name in landed.column_names:
        expected = landed[name]
        # NaN where there is no number, as FITS and VOTable say it
        theirs = np.stack(expected.to_numpy()) if pa.types.is_list(expected.type) else np.asarray(expected.to_numpy())
        ours = np.ma.filled(served[name], np.nan) if theirs.dtype.kind == "f" else np.ma.asarray(served[name])
        assert theirs.dtype.kind == "O" or ours.dtype.newbyteorder("=") == theirs.dtype, name
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.mark.parametrize("table_format", ["fits", "votable", "votable_plain"])
def test_gaia_source_is_the_landing_row_by_row(
    archive_server: ArchiveServer, archive_folder: Path, table_format: str
) -> None:
    answer = web.query(archive_server.tap_url, "SELECT * FROM gaiadr3.gaia_source", table_format)
    _assert_same(web.table(answer), _landed(archive_folder, "gaia_source"), "source_id")


def test_missing_numbers_are_null_in_the_database(archive_server: ArchiveServer, archive_folder: Path) -> None:
    expected = _landed(archive_folder, "gaia_source")["radial_velocity"].null_count
    answer = web.query(
        archive_server.tap_url, "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE radial_velocity IS NULL"
    )
    assert expected > 0
    assert web.table(answer)["n"][0] == expected


@pytest.mark.parametrize("table_format", ["fits", "votable"])
def test_spectra_by_datalink_are_the_landing(
    archive_server: ArchiveServer, archive_folder: Path, table_format: str
) -> None:
    landed = _landed(archive_folder, "xp_continuous_mean_spectrum")
    files = web.members(
        web.load_data(archive_server.data_url, landed["source_id"].to_pylist(), table_format, DATA_STRUCTURE="RAW")
    )
    (name,) = files
    content_type = "application/fits" if name.endswith(".fits") else "application/x-votable+xml"
    assert Path(name).stem == "XP_CONTINUOUS_RAW"
    _assert_same(web.table(web.Answer(200, {"content-type": content_type}, files[name])), landed, "source_id")


def test_spectra_are_served_by_tap_as_mirrors_do(archive_server: ArchiveServer, archive_folder: Path) -> None:
    answer = web.query(archive_server.tap_url, "SELECT * FROM gaiadr3.xp_continuous_mean_spectrum")
    _assert_same(web.table(answer), _landed(archive_folder, "xp_continuous_mean_spectrum"), "source_id")


def test_irsa_serves_its_table_without_a_schema(archive_server: ArchiveServer, archive_folder: Path) -> None:
    answer = web.query(archive_server.irsa_url, "SELECT fp_psc.* FROM fp_psc", "votable")
    _assert_same(web.table(answer), _landed(archive_folder, "twomass_psc"), "designation")


def test_irsa_describes_its_table_by_its_own_name(archive_server: ArchiveServer) -> None:
    described = web.fetch(f"{archive_server.irsa_url}/tables").decode()
    assert "<name>fp_psc</name>" in described
    assert archive_server.irsa_url in web.fetch(f"{archive_server.irsa_url}/capabilities").decode()


def test_allstar_by_tap_is_the_landing(archive_server: ArchiveServer, archive_folder: Path) -> None:
    landed = _landed(archive_folder, "apogee_allstar")
    landed = landed.rename_columns([name.lower() for name in landed.column_names])
    served = web.table(web.query(archive_server.tap_url, "SELECT * FROM apogeedr17.allstar"))
    assert served.colnames == landed.column_names
    for name in served.colnames:  # a star may have several rows: compare what both have, in any order
        ours, theirs = np.sort(np.asarray(served[name])), np.sort(np.array(landed[name].to_pylist()))
        np.testing.assert_array_equal(ours, theirs.astype(ours.dtype), err_msg=name)


def test_the_allstar_file_is_the_landing_among_other_columns(
    archive_server: ArchiveServer, archive_folder: Path
) -> None:
    landed = _landed(archive_folder, "apogee_allstar")
    content = web.fetch(f"{archive_server.sas_url}/{ALLSTAR}")
    with fits.open(io.BytesIO(content)) as hdus:
        assert len(hdus[1].columns) > len(landed.column_names) + 30
        for name in landed.column_names:
            expected = np.array(landed[name].to_pylist())
            np.testing.assert_array_equal(hdus[1].data[name], expected.astype(hdus[1].data[name].dtype), err_msg=name)


def test_the_match_chain_leads_to_the_true_designation(archive_server: ArchiveServer, archive_folder: Path) -> None:
    adql = (
        "SELECT b.source_id, j.original_psc_source_id, t.j_m, b.angular_distance "
        "FROM gaiadr3.tmass_psc_xsc_best_neighbour AS b "
        "JOIN gaiadr3.tmass_psc_xsc_join AS j USING (clean_tmass_psc_xsc_oid) "
        "JOIN gaiadr1.tmass_original_valid AS t ON t.designation = j.original_psc_source_id"
    )
    served = web.table(web.query(archive_server.tap_url, adql))
    truth = _landed(archive_folder, "truth").to_pylist()
    true_pairs = {(row["source_id"], row["designation"]) for row in truth}
    assert len(served) > 1900
    assert {(int(row["source_id"]), str(row["original_psc_source_id"])) for row in served} <= true_pairs
    assert np.median(served["angular_distance"]) < 0.3


def _bulk_files(server: ArchiveServer) -> Iterator[tuple[str, bytes, str]]:
    """Yield name, content and promised sum of every bulk file of spectra."""
    folder = f"{server.cdn_url}/{SPECTRA}"
    for line in web.fetch(f"{folder}/_MD5SUM.txt").decode().splitlines():
        digest, name = line.split("  ")
        yield name, web.fetch(f"{folder}/{name}"), digest


def test_bulk_spectra_hold_the_stars_of_their_pixels(archive_server: ArchiveServer, archive_folder: Path) -> None:
    landed = _landed(archive_folder, "xp_continuous_mean_spectrum")
    rows: dict[int, Any] = {row["source_id"]: row for row in landed.to_pylist()}
    seen = 0
    for name, content, _ in _bulk_files(archive_server):
        first, last = (int(word) for word in name.removesuffix(".csv.gz").split("_")[1].split("-"))
        served = Table.read(gzip.decompress(content).decode(), format="ascii.ecsv")
        for row in served:
            source_id = int(row["source_id"])
            assert first <= source_id >> 43 <= last
            coefficients = np.array(row["bp_coefficients"].tolist(), dtype=np.float32)
            assert coefficients.tolist() == rows[source_id]["bp_coefficients"]
        seen += len(served)
    assert seen == landed.num_rows


def test_checksums_agree_with_the_files(archive_server: ArchiveServer) -> None:
    for _, content, promised in _bulk_files(archive_server):
        assert hashlib.md5(content).hexdigest() == promised
    folder, name = f"{archive_server.sas_url}/{ALLSTAR}".rsplit("/", 1)
    line = web.fetch(f"{folder}/dr17_apogee_spectro_aspcap_dr17_synspec_rev1.sha1sum").decode()
    assert line.split() == [hashlib.sha1(web.fetch(f"{folder}/{name}")).hexdigest(), name]


def test_a_file_comes_in_ranges(archive_server: ArchiveServer) -> None:
    url = f"{archive_server.sas_url}/{ALLSTAR}"
    whole = web.ask(url)
    assert whole.headers["accept-ranges"] == "bytes"
    assert int(whole.headers["content-length"]) == len(whole.body)
    part = web.ask(url, headers={"Range": "bytes=1000-2999", "If-Range": whole.headers["etag"]})
    assert (part.status, part.body) == (206, whole.body[1000:3000])
    assert part.headers["content-range"] == f"bytes 1000-2999/{len(whole.body)}"
    assert web.ask(url, headers={"Range": "bytes=-100"}).body == whole.body[-100:]
    assert web.ask(url, headers={"Range": "bytes=5000-"}).body == whole.body[5000:]
    assert web.ask(url, headers={"Range": f"bytes={len(whole.body)}-"}).status == 416
    changed = web.ask(url, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert (changed.status, len(changed.body)) == (200, len(whole.body))
    assert web.ask(url, method="HEAD").headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize(
    "path", ["/sas/../../content", "/sas/%2e%2e/%2e%2e/content", "/cdn/..%2f..%2fcontent", "/sas/nothing"]
)
def test_nothing_outside_the_folder_is_served(archive_server: ArchiveServer, path: str) -> None:
    assert web.ask(archive_server.front_url + path).status == 404


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed")
@pytest.mark.parametrize("archive", ["tap-server/tap", "irsa/TAP"])
def test_taplint_finds_no_error(archive_server: ArchiveServer, archive: str) -> None:
    stages = "TMV TME TMS CPV CAP AVV QGE QPO QAS UWS MDQ UPL"  # not OBS and the like, which the archives have not
    command = ["stilts", "taplint", "report=EF", f"stages={stages}", f"tapurl={archive_server.front_url}/{archive}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert "Errors: 0; Failures: 0" in done.stdout, done.stdout + done.stderr
