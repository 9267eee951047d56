"""stellarfm: from sky surveys to a published catalogue of stellar parameters."""

__version__ = "0.1.0"
