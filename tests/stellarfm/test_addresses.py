"""Accounts, keys and paths of this machine stay where they were given."""

import json

import pytest

from stellarfm.addresses import public_text, public_url
from stellarfm.archives.clients import Clients
from stellarfm.archives.credentials import account_of, without_account
from stellarfm.config import Settings, load_settings, setting_names
from stellarfm.errors import StellarError
from stellarfm.published_settings import PUBLISHED, published_settings

SECRET = "s3cr3t"
ADDRESS = f"https://user:{SECRET}@127.0.0.1:9/tap?key={SECRET}#{SECRET}"
URLS = ("gaia.tap_url", "gaia.data_url", "gaia.bulk_url", "twomass.irsa_url", "apogee.url", "apogee.vizier_url")
PATHS = {"archive.path": f"/home/{SECRET}/mapping.toml", "extinction.table": f"/home/{SECRET}/ebv.parquet",
         "training.vocabulary": f"/home/{SECRET}/own.toml"}  # fmt: skip


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (ADDRESS, "https://127.0.0.1:9/tap"),
        ("https://gea.esac.esa.int/tap-server/tap", "https://gea.esac.esa.int/tap-server/tap"),
        ("https://a:b@c@host/x", "https://host/x"),
        ("", ""),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_an_address_is_shown_without_account_and_keys(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_so_are_the_addresses_in_what_a_library_says() -> None:
    said = public_text(f"404 Client Error: Not Found for url: {ADDRESS} (see 'http://u:{SECRET}@b/c?d=1')")
    assert said == "404 Client Error: Not Found for url: https://127.0.0.1:9/tap (see 'http://b/c')"


@pytest.fixture
def planted() -> Settings:
    """Settings with a secret wherever one can be given."""
    return load_settings(None, [*(f"{name}={ADDRESS}" for name in URLS), *(f"{n}={path}" for n, path in PATHS.items()),
                                f"gaia.credentials_block={SECRET}"])  # fmt: skip


def test_settings_that_are_written_down_or_published_have_no_secret(planted: Settings) -> None:
    written = [json.dumps(published_settings(planted)), planted.to_toml().replace(f'block = "{SECRET}"', ""), planted.gaia.model_dump_json(exclude={"credentials_block"})]  # noqa: E501 # fmt: skip
    assert not [text for text in written if SECRET in text]
    # and yet they are there for the request
    assert planted.gaia.tap_url == ADDRESS
    assert "own.toml" in written[0]


def test_every_published_setting_is_one_and_those_of_the_machine_are_none() -> None:
    published = {f"{name}.{key}" if key else name for name, keys in PUBLISHED.items() for key in keys or ("",)}
    assert published <= set(setting_names())
    assert not {"gaia.credentials_block", "warehouse.memory_limit", "retry.wait_s"} & published


def test_an_account_in_the_address_of_files_goes_to_that_host_alone() -> None:
    assert without_account("https://user:p%40ss@files.test/a.fits") == "https://files.test/a.fits"
    assert account_of("https://files.test/other.fits") == ("user", "p@ss")
    assert account_of("https://elsewhere.test/a.fits") is None
    assert account_of("http://files.test/a.fits") is None


@pytest.mark.parametrize("client", ["gaia", "data_link", "irsa", "vizier"])
def test_an_account_in_the_address_of_a_service_is_refused_and_not_shown(planted: Settings, client: str) -> None:
    with pytest.raises(StellarError, match="has an account in its address") as refused:
        getattr(Clients(planted), client)
    assert SECRET not in str(refused.value)
