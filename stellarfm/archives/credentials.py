"""An account at an archive: from the environment, shown to the archive alone."""

import os
from dataclasses import dataclass, field
from typing import Any

from stellarfm.archives.retry import RefusedError
from stellarfm.errors import StellarError


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
