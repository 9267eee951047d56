"""Accounts at archives: from the environment or an address, shown to the archive alone."""

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from stellarfm.archives.retry import RefusedError
from stellarfm.errors import StellarError

_ACCOUNTS: dict[str, tuple[str, str]] = {}
"""Accounts that stood in addresses of the settings, by scheme and host."""


def without_account(url: str) -> str:
    """Return an address of files without its account, which goes along with requests to that host from now on."""
    parts = urlsplit(url)
    if parts.username is not None:
        _ACCOUNTS[_host(url)] = (unquote(parts.username), unquote(parts.password or ""))
    return url.replace(f"{parts.netloc}", parts.netloc.rpartition("@")[2], 1) if "@" in parts.netloc else url


def account_of(url: str) -> tuple[str, str] | None:
    """Return the account for an address, None if there is none."""
    return _ACCOUNTS.get(_host(url))


def refuse_account(url: str, setting: str) -> str:
    """Return the address of a service, which takes no account there.

    Raises
    ------
    StellarError
        If there is one; it is not shown.
    """
    if urlsplit(url).username is not None:
        raise StellarError(
            f"{setting} has an account in its address, where the service takes none; leave it out, and set "
            "GAIA_USER and GAIA_PASSWORD for one at the Gaia archive"
        )
    return url


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(frozen=True)
class Credentials:
    """A name and a password; the password is never part of a text about them."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def of_environment(cls, archive: str) -> "Credentials | None":
        """Return those in ``<ARCHIVE>_USER`` and ``<ARCHIVE>_PASSWORD``, None if neither is set.

        Raises
        ------
        StellarError
            If one is set without the other.
        """
        user, password = (os.environ.get(f"{archive}_{name}", "") for name in ("USER", "PASSWORD"))
        # half an account is a slip; going on without one would ask as anybody, and say nothing of it
        if bool(user) != bool(password):
            missing = "PASSWORD" if user else "USER"
            raise StellarError(f"{archive}_{missing} is not set, though its counterpart is; set both or none")
        return cls(user, password) if user else None

    def log_in(self, service: Any) -> None:
        """Log in to a service of astroquery.

        Raises
        ------
        RefusedError
            If the archive does not accept them.
        """
        from requests.exceptions import HTTPError

        from stellarfm.archives.retry import status_of

        try:
            service.login(user=self.user, password=self.password)
        except HTTPError as error:
            # anything else may be a fault of the server, which the caller retries
            if status_of(error) in (401, 403):
                raise RefusedError(
                    f"the archive does not accept the account {self.user!r}; mend GAIA_USER and GAIA_PASSWORD, or leave "
                    "both out to ask without an account"
                ) from error
            raise
