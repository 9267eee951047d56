"""A process whose address space is limited (``ulimit -v``), as on shared machines: libraries are told to reserve less."""

import ctypes
import os
import resource
import sys

from stellarfm.errors import StellarError

_ARENAS = 2
_M_ARENA_MAX = -8
"""Number of the option in malloc.h of glibc."""

LEAST_BYTES = 2_500_000_000
"""What a process of a small product needs: the largest one, which trains, was measured at 2.41 GB."""


def fit_address_space() -> None:
    """Reserve little where addresses are limited; to be called before pyarrow is imported, which chooses its pool then.

    Arrow's own pool reserves 1 GB, and glibc 64 MB for each thread that allocates: addresses, not memory.
    """
    if address_limit() is None:
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # the variable is for the processes that this one starts: glibc has read it here already
    os.environ.setdefault("MALLOC_ARENA_MAX", str(_ARENAS))
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def refuse_small_address_space() -> None:
    """Refuse to begin what cannot be ended.

    Raises
    ------
    StellarError
        If the limit is too low for a product.
    """
    limit = address_limit()
    if limit is not None and limit < LEAST_BYTES:
        raise StellarError(
            f"the address space of this process is limited to {limit / 1e9:.2g} GB, and a run needs {LEAST_BYTES / 1e9:.2g} GB "
            "at least; raise it with `ulimit -v`"
        )


def address_limit() -> int | None:
    """Return the limit of this process's addresses in bytes, None if there is none."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else int(limit)
