"""Models and checkpoints on disk: JSON for what can be read, safetensors for numbers, nothing pickled."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from stellarfm.atomic import fresh_folder
from stellarfm.errors import StellarError
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.standard import Standard
from stellarfm.vocabulary import Vocabulary

CONFIG, WEIGHTS, STATE, TENSORS = "config.json", "weights.safetensors", "state.json", "state.safetensors"


def save_model(
    folder: Path,
    network: StarNetwork,
    vocabulary: Vocabulary,
    standard: Standard,
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write a model folder: config.json and weights.safetensors.

    Parameters
    ----------
    folder
        Folder to make, in one step.
    network, vocabulary, standard
        What the model is.
    weights
        Weights to write instead of the network's own, such as their running average.
    """
    config = {
        "format": 1,
        "network": asdict(network.config),
        "vocabulary": vocabulary.to_dict(),
        "standard": standard.to_dict(),
    }
    with fresh_folder(folder) as partial:
        (partial / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in (weights or network.state_dict()).items()
        }
        save_file(tensors, partial / WEIGHTS)


def load_model(folder: Path) -> tuple[StarNetwork, Vocabulary, Standard]:
    """Read a model folder.

    Raises
    ------
    StellarError
        If it is not one.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        vocabulary = Vocabulary.from_dict(config["vocabulary"])
        network = StarNetwork(read_network_config(config["network"]), len(vocabulary))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise StellarError(
            f"{folder} is not a model of stellarfm ({error}); it needs {CONFIG} and {WEIGHTS}"
        ) from error
    return network, vocabulary, Standard.from_dict(config["standard"])


def read_network_config(data: dict[str, Any]) -> NetworkConfig:
    """Return the shape that JSON describes: lists become tuples."""
    tuples = {name: tuple(tuple(pair) for pair in data[name]) for name in ("encoder", "decoder")}
    return NetworkConfig(**{**data, **tuples, "head": tuple(data["head"])})


def save_checkpoint(folder: Path, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a checkpoint in one step; the one before is there until the new one is complete.

    Raises
    ------
    StellarError
        If the disk is full or the folder cannot be written.
    """
    try:
        with fresh_folder(folder) as partial:
            (partial / STATE).write_text(json.dumps(state) + "\n", encoding="utf-8")
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial / TENSORS)
    except OSError as error:
        raise StellarError(
            f"no checkpoint could be written to {folder} ({error.strerror or error}); "
            "free some space and start again: training goes on from the checkpoint before"
        ) from error


def load_checkpoint(folder: Path, fingerprint: str) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Read a checkpoint, None if there is none.

    Parameters
    ----------
    folder
        Where it is.
    fingerprint
        What the training is made of; a checkpoint of something else is refused.

    Raises
    ------
    StellarError
        If it belongs to another vocabulary, network or table.
    """
    if not (folder / STATE).is_file():
        return None
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if state["fingerprint"] != fingerprint:
        raise StellarError(
            f"the checkpoint {folder} belongs to another vocabulary, network or table; delete it or train in another folder"
        )
    return state, load_file(folder / TENSORS)


def pack(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with a prefix before their names, so that several sets fit into one file."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def unpack(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names have a prefix, without it."""
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }


def random_state() -> dict[str, Tensor]:
    """Return the state of torch's own generators, which dropout uses."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Go on from a state of torch's own generators."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
