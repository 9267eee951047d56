"""The examination: held-out stars, kept as they were when they were first used, so that all models answer the same questions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.atomic import content_key, file_hash, fresh_folder
from stellarfm.errors import StellarError
from stellarfm.evaluation.held_out import HeldOut
from stellarfm.evaluation.metrics import Floats
from stellarfm.evaluation.paired import bins_of
from stellarfm.evaluation.sheet import Sheet, answer_all
from stellarfm.model.token_table import TokenTable
from stellarfm.vocabulary import Vocabulary

STARS, RECORD, SHEETS, USES = "stars.npz", "examination.json", "sheets", "uses.jsonl"
_EMPTY = TokenTable(np.empty(0, np.int64), np.empty((0, 0), np.float32), np.empty((0, 0), np.float32))


@dataclass(frozen=True)
class Examination:
    """Held-out stars of one landing and one vocabulary, and the answers that models gave to them.

    Attributes
    ----------
    folder
        ``stars.npz``, ``examination.json`` with its hash, ``sheets/`` and ``uses.jsonl``.
    stars
        The stars, their labels, and their truth where it is known.
    values, groups
        What bins are cut by, shape (N,), by name: quantities, and numbers of parts of the sky.
    """

    folder: Path
    stars: HeldOut
    values: Mapping[str, Floats]
    groups: Mapping[str, NDArray[np.int64]]

    @property
    def key(self) -> str:
        """Its name: vocabulary and content of the stars."""
        return self.folder.name

    @property
    def bins(self) -> dict[str, NDArray[np.bool_]]:
        """Stars of each bin, shape (N,), by name."""
        values = {name: np.asarray(value, np.float64) for name, value in self.values.items()}
        return bins_of(values, self.groups)

    def sheet(self, run: str, model: Path) -> Sheet:
        """Return the answers of a model, asked once.

        Parameters
        ----------
        run
            Key of its training run.
        model
            Its folder.
        """
        from stellarfm.model.foundation import FoundationModel

        kept = self.folder / SHEETS / f"{run}-{_weights_hash(model)[:12]}.npz"
        if kept.is_file():
            return Sheet.read(kept)
        sheet = answer_all(FoundationModel.load(model), self.stars)
        sheet.write(kept)
        return sheet

    def num_uses(self) -> int:
        """Return how many different candidates were judged by it: the more, the less it says of the last."""
        return len({json.loads(line)["run"] for line in self._uses()})

    def note_use(self, run: str, at: str) -> None:
        """Write down that a candidate was judged by it."""
        with (self.folder / USES).open("a", encoding="utf-8") as log:
            log.write(json.dumps({"run": run, "at": at}) + "\n")

    def learned_by(self, training_ids: NDArray[np.int64] | None) -> int | None:
        """Return how many of its stars a model was trained on; None where that is not known."""
        return None if training_ids is None else int(np.isin(self.stars.test.ids, training_ids).sum())

    def _uses(self) -> list[str]:
        log = self.folder / USES
        return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []


def freeze(root: Path, stars: HeldOut, values: Mapping[str, Floats], groups: Mapping[str, NDArray[np.int64]]) -> Path:
    """Keep held-out stars as an examination, or return the one that has the same.

    Parameters
    ----------
    root
        Folder of a home's examinations.
    stars
        N stars; the training stars are not kept.
    values, groups
        What bins are cut by, shape (N,).

    Returns
    -------
    Path
        Its folder.
    """
    arrays = _arrays(stars, values, groups)
    vocabulary = stars.vocabulary
    content = {name: _digest(array) for name, array in arrays.items()}
    folder = root / f"{vocabulary.fingerprint}-{content_key(content, vocabulary.to_dict()['tasks'])}"
    if folder.is_dir():
        return folder
    with fresh_folder(folder) as partial:
        with (partial / STARS).open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        record = {
            "vocabulary": vocabulary.to_dict(),
            "num_stars": len(stars.test),
            "sha256": file_hash(partial / STARS),
        }
        (partial / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return folder


def read_examination(folder: Path) -> Examination:
    """Read an examination.

    Raises
    ------
    StellarError
        If it is damaged, or was changed since it was first used.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        vocabulary = Vocabulary.from_dict(record["vocabulary"])
        changed = file_hash(folder / STARS) != record["sha256"]
        with np.load(folder / STARS, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError) as error:
        raise StellarError(
            f"the examination {folder} is damaged ({error}); delete it, and the next promotion makes a new one"
        ) from error
    if changed:
        raise StellarError(
            f"the examination {folder} was changed since it was first used; what was judged by it cannot be compared: "
            "restore it, or delete it and judge the models anew"
        )
    test = TokenTable(arrays["ids"], arrays["values"], arrays["errors"])
    stars = HeldOut(test, _EMPTY, vocabulary, _with_prefix(arrays, "truth/") or None)
    return Examination(folder, stars, _with_prefix(arrays, "value/"), _with_prefix(arrays, "group/"))


def examinations_of(root: Path, fingerprint: str) -> list[Examination]:
    """Return the examinations of a vocabulary, by name."""
    return [read_examination(folder) for folder in sorted(root.glob(f"{fingerprint}-*")) if folder.is_dir()]


def _arrays(
    stars: HeldOut, values: Mapping[str, Floats], groups: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[Any]]:
    test = stars.test
    arrays: dict[str, NDArray[Any]] = {"ids": test.ids, "values": test.values, "errors": test.errors}
    named = (("truth", stars.truth or {}), ("value", values), ("group", groups))
    return arrays | {f"{kind}/{name}": np.asarray(array) for kind, of in named for name, array in of.items()}


def _with_prefix(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _digest(array: NDArray[Any]) -> str:
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _weights_hash(model: Path) -> str:
    """Return a hash of what a model is: a folder of the same run whose weights were changed is another model."""
    return content_key(*(file_hash(path) for path in sorted(model.iterdir()) if path.is_file()))
