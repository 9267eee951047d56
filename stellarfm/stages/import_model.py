"""A model in the published format to a version in the registry."""

from pathlib import Path

from stellarfm.atomic import content_key, file_hash
from stellarfm.home import Home, changes_home
from stellarfm.model_copies import mend_run
from stellarfm.registry import ModelVersion, Registry


@changes_home
def import_published(folder: Path, home: Home) -> ModelVersion:
    """Read a model of the published code and register it; the first model of a home becomes champion.

    Parameters
    ----------
    folder
        Holds ``config.json`` and ``weights.pt``.
    home
        Where the registry lies.

    Raises
    ------
    StellarError
        If the folder is not such a model.
    """
    from stellarfm.model.checkpoint import save_model
    from stellarfm.model.published import read_published

    network, vocabulary, scaler = read_published(folder)
    key = content_key("published", *(file_hash(folder / name) for name in ("config.json", "weights.pt")))
    target = home.runs / key
    if not target.is_dir() or not mend_run(home, key):
        save_model(target / "model", network, vocabulary, scaler)
    registry = Registry(home)
    run = registry.start_run(key, f"import {folder.name}", {"source": folder.name, "vocabulary": vocabulary.name})
    tags = {"vocabulary": vocabulary.name, "fingerprint": vocabulary.fingerprint, "preset": "published"}
    version = registry.register(key, run, target / "model", tags)
    registry.finish_run(run)
    return version
