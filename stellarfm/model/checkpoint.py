"""Models and checkpoints on disk: JSON for what can be read, safetensors for numbers, nothing pickled."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stellarfm.atomic import fresh_folder
from stellarfm.errors import StellarError
from stellarfm.integrity import SEAL_FILE, DamagedError, check_seal, is_sealed, seal
from stellarfm.limits import read_short_text
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.vocabulary import Vocabulary

CONFIG, WEIGHTS, STATE, TENSORS = "config.json", "weights.safetensors", "state.json", "state.safetensors"
CHECKPOINTS = "checkpoints"
TRAINING_IDS = "training_ids.npy"
_FORMAT = 2
"""Since 2 a model folder has a list of the hashes of its files."""
MODEL_REMEDY = "a model must be whole to be used: put back a copy of the folder, or train or import it again"


def save_model(
    folder: Path,
    network: StarNetwork,
    vocabulary: Vocabulary,
    scaler: RobustScaler,
    weights: dict[str, Tensor] | None = None,
    training_ids: NDArray[np.int64] | None = None,
) -> None:
    """Write a model folder: config.json, weights.safetensors, and training_ids.npy where the stars are known.

    Parameters
    ----------
    folder
        Folder to make, in one step.
    network, vocabulary, scaler
        What the model is.
    weights
        Weights to write instead of those of the network, such as their running average.
    training_ids
        Identifiers of the stars that it learned from, shape (N,).

    Raises
    ------
    StellarError
        If the disk is full or the folder cannot be written.
    """
    config = {
        "format": _FORMAT,
        "network": asdict(network.config),
        "vocabulary": vocabulary.to_dict(),
        "standard": scaler.to_dict(),
    }
    try:
        with fresh_folder(folder) as partial:
            (partial / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
            _save_tensors(weights or network.state_dict(), partial / WEIGHTS)
            if training_ids is not None:
                # sorted, so that the file is the same whatever the order of the table was
                np.save(partial / TRAINING_IDS, np.sort(training_ids), allow_pickle=False)
            seal(partial)
    except OSError as error:
        raise StellarError(
            f"the model could not be written to {folder} ({error.strerror or error}); free some space and start again"
        ) from error


def load_model(folder: Path) -> tuple[StarNetwork, Vocabulary, RobustScaler]:
    """Read a model folder.

    Parameters
    ----------
    folder
        What `save_model` wrote.

    Returns
    -------
    network, vocabulary, scaler
        The network is on the CPU, with float32 weights.

    Raises
    ------
    StellarError
        If the folder is not a model, or a file of it is not what was written.
    """
    # a folder that has nothing of a model is not a damaged one
    if any((folder / name).is_file() for name in (CONFIG, WEIGHTS, SEAL_FILE)):
        check_model(folder)
    try:
        config = json.loads(read_short_text(folder / CONFIG))
        vocabulary = Vocabulary.from_dict(config["vocabulary"])
        tensors = _load_tensors(folder / WEIGHTS)
        network = build_network(read_network_config(config["network"]), len(vocabulary), tensors)
        network.load_state_dict(tensors)
        scaler = RobustScaler.from_dict(config["standard"])
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise StellarError(
            f"{folder} is not a model of stellarfm ({error}); it needs {CONFIG} and {WEIGHTS}"
        ) from error
    return network, vocabulary, scaler


def build_network(shape: NetworkConfig, num_tokens: int, tensors: Mapping[str, Tensor]) -> StarNetwork:
    """Return a network for the numbers that there are.

    Parameters
    ----------
    shape, num_tokens
        What a configuration says, which may be a stranger's.
    tensors
        The numbers that came with it, under any names.

    Raises
    ------
    ValueError
        If the configuration describes more numbers than there are: memory would be taken for them.
    """
    described, there = _least_numbers(shape, num_tokens), sum(tensor.numel() for tensor in tensors.values())
    if described > there:
        raise ValueError(f"its configuration describes {described:,} numbers at least, and there are {there:,}")
    return StarNetwork(shape, num_tokens)


def _least_numbers(shape: NetworkConfig, num_tokens: int) -> int:
    """Return how many numbers the matrices of a network hold, its smaller parts left out; nothing is made for it.

    Torch could say it of a network on the device `meta`, but needs a second to import what it asks for that.
    """
    width, blocks = shape.width, (*shape.encoder, *shape.decoder)
    in_blocks = sum(3 * width**2 + 2 * width * hidden for _, hidden in blocks)
    chains = ((width, *shape.head, shape.components), (2 * num_tokens, *shape.summary, width) if shape.summary else ())
    in_chains = sum(a * b for chain in chains for a, b in pairwise(chain))
    return 2 * num_tokens * width + in_blocks + in_chains


def read_training_ids(folder: Path) -> NDArray[np.int64] | None:
    """Read which stars a model learned from.

    Parameters
    ----------
    folder
        What `save_model` wrote.

    Returns
    -------
    numpy.ndarray or None
        Identifiers, shape (N,), ascending; None where they are not known, as of a model that was brought from elsewhere.

    Raises
    ------
    StellarError
        If the file is damaged.
    """
    path = folder / TRAINING_IDS
    if not path.is_file():
        return None
    try:
        ids: NDArray[np.int64] = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StellarError(f"{path} cannot be read ({error}); train the model again") from error
    return ids


def check_model(folder: Path) -> str:
    """Compare the files of a model folder with their hashes, and return the hash that stands for all of them.

    Returns
    -------
    str
        Empty for a model from before 0.2, which has no hashes.

    Raises
    ------
    DamagedError
        If a file is missing or not what was written.
    """
    try:
        is_older = (
            not is_sealed(folder) and json.loads((folder / CONFIG).read_text(encoding="utf-8"))["format"] < _FORMAT
        )
    except (OSError, ValueError, KeyError, TypeError):
        is_older = False
    return "" if is_older else check_seal(folder, MODEL_REMEDY)


def read_network_config(data: dict[str, Any]) -> NetworkConfig:
    """Return the shape that JSON describes: lists become tuples.

    Parameters
    ----------
    data
        The fields of `NetworkConfig`, as JSON holds them.

    Raises
    ------
    KeyError, TypeError
        If a field is missing or unknown.
    """
    # JSON has no tuples, and only tuples make two configurations equal and hashable
    tuples = {name: tuple(tuple(pair) for pair in data[name]) for name in ("encoder", "decoder")}
    return NetworkConfig(**{**data, **tuples, "head": tuple(data["head"])})


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write the checkpoint of a step; earlier ones are kept until it is complete.

    Parameters
    ----------
    folder
        Gets a folder for each checkpoint.
    step
        Step that it belongs to, counted from 1.
    state, tensors
        What JSON can hold, and tensors by name.

    Raises
    ------
    StellarError
        If the disk is full or the folder cannot be written.
    """
    older = _checkpoints(folder)
    target = folder / f"step-{step:09d}"  # nine digits, so that the order of names is that of steps
    try:
        with fresh_folder(target) as partial:
            (partial / STATE).write_text(json.dumps(state) + "\n", encoding="utf-8")
            _save_tensors(tensors, partial / TENSORS)
            seal(partial)
    except OSError as error:
        raise StellarError(
            f"no checkpoint could be written to {folder} ({error.strerror or error}); "
            "free some space and start again: training goes on from the checkpoint before"
        ) from error
    # only now is there something to go on from without them
    for folder_before in older:
        if folder_before != target:
            shutil.rmtree(folder_before)


def load_checkpoint(
    folder: Path, fingerprint: str, tell: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Read the newest checkpoint of a folder that is whole; None if there is none.

    Parameters
    ----------
    folder
        Where checkpoints are.
    fingerprint
        What the training is made of; a checkpoint of something else is refused.
    tell
        Called with a sentence about each checkpoint that is damaged: it is removed, as the steps can be taken again.

    Returns
    -------
    state, tensors
        As `save_checkpoint` took them.

    Raises
    ------
    StellarError
        If it belongs to another vocabulary, network or table.
    """
    for checkpoint in reversed(_checkpoints(folder)):
        try:
            check_seal(checkpoint, "the steps since the checkpoint before it, or all, are taken again")
            state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
            tensors = _load_tensors(checkpoint / TENSORS)
        except DamagedError as error:
            tell(f"the checkpoint {error}")
            shutil.rmtree(checkpoint)
            continue
        if state["fingerprint"] != fingerprint:
            raise StellarError(
                f"the checkpoint {checkpoint} belongs to another vocabulary, network, settings or table; "
                "delete it or train in another folder"
            )
        return state, tensors
    return None


def pack(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with a prefix and a slash before their names, so that several sets fit into one file."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def unpack(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names have a prefix, under their names without it: what `pack` was given."""
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }


def random_state() -> dict[str, Tensor]:
    """Return the state of torch's global generators, which dropout uses, as byte tensors."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Go on from a state of torch's global generators.

    Parameters
    ----------
    state
        What `random_state` returned; a state of a GPU counts only where there is one.
    """
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors; what goes wrong is an OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        # safetensors refuses views that are not contiguous, and reports a full disk as an error of its own
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors; what goes wrong is an OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    # models from before version 0.2 call the layer of the mixture's logits `share`
    return {re.sub(r"(^|/)share\.", r"\1mixture_logits.", name): tensor for name, tensor in tensors.items()}
