"""stellarfm: from sky surveys to a published catalogue of stellar parameters."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stellarfm.interface import open_catalog, open_model

__version__ = "0.1.0"
__all__ = ["open_catalog", "open_model"]


def __getattr__(name: str) -> Any:
    """Import what people use from Python when they use it: torch and DuckDB take seconds to load."""
    if name in __all__:
        from stellarfm import interface

        return getattr(interface, name)
    raise AttributeError(f"module 'stellarfm' has no attribute {name!r}")
