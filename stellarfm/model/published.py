"""The file format of the code of Leung & Bovy (2024): config.json and weights.pt, read without running any code."""

import json
import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor

from stellarfm.atomic import fresh_folder
from stellarfm.errors import StellarError
from stellarfm.limits import read_short_text, refuse_bomb
from stellarfm.model.checkpoint import build_network
from stellarfm.model.network import NetworkConfig, StarNetwork
from stellarfm.model.scaling import RobustScaler
from stellarfm.vocabulary import Token, Vocabulary, load_vocabulary

CONFIG, WEIGHTS = "config.json", "weights.pt"
_OUR_NAME = {"logc19": "logebv"}
"""Their data call the reddening after the map that it comes from, Combined19."""

_CONTEXT = 64
"""Tokens that their network is shown at most. Ours takes any number; the file states theirs."""

# names inside a block: theirs are those of torch's MultiheadAttention and of two dense layers
_BLOCK = {
    "attention.in_proj_weight": "attention.in_weight",
    "attention.in_proj_bias": "attention.in_bias",
    "attention.bias_k": "attention.extra_key",
    "attention.bias_v": "attention.extra_value",
    "attention.out_proj.weight": "attention.out.weight",
    "attention.out_proj.bias": "attention.out.bias",
    "dense_1.weight": "widen.weight",
    "dense_1.bias": "widen.bias",
    "dense_2.weight": "narrow.weight",
    "dense_2.bias": "narrow.bias",
    "layernorm_1.weight": "norm1.weight",
    "layernorm_1.bias": "norm1.bias",
    "layernorm_2.weight": "norm2.weight",
    "layernorm_2.bias": "norm2.bias",
}


def read_published(folder: Path, known: Vocabulary | None = None) -> tuple[StarNetwork, Vocabulary, RobustScaler]:
    """Read a model in the published format.

    Parameters
    ----------
    folder
        Has ``config.json`` and ``weights.pt``.
    known
        Vocabulary whose tokens of the same names are taken over, with units and columns; ``leung_bovy`` if not given.

    Returns
    -------
    network, vocabulary, scaler
        What `stellarfm.model.checkpoint.save_model` and `FoundationModel` take.

    Raises
    ------
    StellarError
        If the folder is not such a model, or its weights hold anything but numbers.
    """
    try:
        config = json.loads(read_short_text(folder / CONFIG))
        with ZipFile(folder / WEIGHTS) as packed:
            refuse_bomb(folder / WEIGHTS, packed.infolist())
        # a .pt file is a pickle, which may run code: weights_only reads tensors and refuses the rest
        stored = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        return _build(config, stored["model_state_dict"], known or load_vocabulary("leung_bovy"))
    except pickle.UnpicklingError as error:
        raise StellarError(
            f"{folder / WEIGHTS} holds more than numbers and is not read, because opening it could run code; "
            "save it again with the tensors alone"
        ) from error
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, BadZipFile) as error:
        raise StellarError(
            f"{folder} is not a model in the published format ({error}); it needs {CONFIG} and {WEIGHTS}"
        ) from error


def write_published(folder: Path, network: StarNetwork, vocabulary: Vocabulary, scaler: RobustScaler) -> None:
    """Write a model in the published format.

    Parameters
    ----------
    folder
        Folder to make, in one step.
    network, vocabulary, scaler
        What the model is.

    Raises
    ------
    StellarError
        If the network is not of the published design.
    """
    # their configuration states the first block alone, so that only a network that follows from it can be written
    shape = network.config
    blocks = (shape.encoder, shape.decoder)
    if not all(blocks) or shape != _shape(shape.width, shape.encoder[0], shape.decoder[0], shape.dropout):
        raise StellarError("only a network of the published design can be exported to its format; train preset `paper`")
    state = network.state_dict()
    tensors = {theirs: _theirs(theirs, state[ours]) for theirs, ours in _names(shape).items()}
    with fresh_folder(folder) as partial:
        text = json.dumps(_config(shape, vocabulary, scaler), indent=4)
        (partial / CONFIG).write_text(text + "\n", encoding="utf-8")
        torch.save({"model_state_dict": tensors, "epoch": 0}, partial / WEIGHTS)


def _build(
    config: dict[str, Any], tensors: dict[str, Tensor], known: Vocabulary
) -> tuple[StarNetwork, Vocabulary, RobustScaler]:
    design, tokens, norm = config["nn_config"], config["tokenizer_config"], config["norm_config"]
    activations = {design[f"{part}_activation"] for part in ("embedding", "encoder", "decoder")}
    if activations != {"gelu"}:
        raise ValueError(f"its activations are {', '.join(sorted(activations))}, and only gelu is supported")
    shape = _shape(
        design["embedding_dim"],
        (design["encoder_head_num"], design["encoder_dense_num"]),
        (design["decoder_head_num"], design["decoder_dense_num"]),
        design["decoder_dropout_rate"],
    )
    # a token's place in our vocabulary is its id - 1, whatever the order in which theirs are listed
    names = [name for _, name in sorted(zip(tokens["vocab_tokens"], tokens["vocabs"], strict=True))]
    if sorted(tokens["vocab_tokens"]) != list(range(1, len(names) + 1)):
        raise ValueError("its token ids do not run from 1 on")
    network = build_network(shape, len(names), tensors)
    network.load_state_dict({ours: _ours(theirs, tensors[theirs]) for theirs, ours in _names(shape).items()})
    # row 0 of each list is padding; a token that was not standardised passes as it is
    scaled = np.asarray(norm["_input_standardized"][1:], bool)  # (T,)
    centre, width = (np.asarray(norm[f"_input_{name}"][1:], np.float32) for name in ("mean", "std"))
    scaler = RobustScaler(np.where(scaled, centre, np.float32(0)), np.where(scaled, width, np.float32(1)))
    return network.eval(), _vocabulary(names, known), scaler


def _shape(width: int, encoder: tuple[int, int], decoder: tuple[int, int], dropout: float) -> NetworkConfig:
    """Return the published design: from block to block, and from layer to layer of the head, everything halves."""
    hidden = decoder[1]
    return NetworkConfig(
        width=width,
        encoder=tuple((encoder[0] // n, encoder[1] // n) for n in (1, 2)),
        decoder=tuple((decoder[0] // n, hidden // n) for n in (1, 2, 4)),
        head=tuple(hidden // n for n in (1, 2, 4, 8)),
        pre_norm=False,
        show_errors=False,
        dropout=dropout,
    )


def _names(shape: NetworkConfig) -> dict[str, str]:
    """Return our name of each of their tensors."""
    names = {"embedding_layer.embeddings": "weight.weight", "embedding_layer.bias": "bias.weight"}
    for part, blocks in (("encoder", shape.encoder), ("decoder", shape.decoder)):
        for place in range(len(blocks)):
            theirs = f"torch_{part}.{part}_transformer_block_{place + 1}"
            names |= {f"{theirs}.{a}": f"{part}.{place}.{b}" for a, b in _BLOCK.items()}
    # theirs are numbered from 3 on
    layers = {f"decoder_dense_{place + 3}": f"head.{place}" for place in range(len(shape.head))}
    layers |= {"decoder_out": "mean", "decoder_logvar_out": "log_variance"}
    for theirs, ours in layers.items():
        names |= {f"torch_decoder.{theirs}.{kind}": f"{ours}.{kind}" for kind in ("weight", "bias")}
    return names


def _ours(name: str, tensor: Tensor) -> Tensor:
    # torch keeps the extra key and value as (1, 1, D), we as (D,)
    return tensor.float().flatten() if name.endswith(("bias_k", "bias_v")) else tensor.float()


def _theirs(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().clone()
    return tensor.reshape(1, 1, -1) if name.endswith(("bias_k", "bias_v")) else tensor


def _vocabulary(names: list[str], known: Vocabulary) -> Vocabulary:
    """Return the vocabulary of a model: a known token keeps its unit and column, a task needs all of its tokens."""
    tokens = {token.name: token for token in known.tokens}
    ours = [_OUR_NAME.get(name, name) for name in names]
    tasks = tuple(task for task in known.tasks if set(task.inputs) | set(task.requests) <= set(ours))
    return Vocabulary(
        known.name, known.identifier, tuple(tokens.get(name) or Token(name, value=name) for name in ours), tasks
    )


def _config(shape: NetworkConfig, vocabulary: Vocabulary, scaler: RobustScaler) -> dict[str, Any]:
    """Return what their config.json says; the misspelt key is theirs."""
    heads = {part: getattr(shape, part)[0] for part in ("encoder", "decoder")}
    blocks = {
        f"{part}_{key}": value
        for part, (head_num, dense_num) in heads.items()
        for key, value in (
            ("head_num", head_num),
            ("dense_num", dense_num),
            ("dropout_rate", shape.dropout),
            ("activation", "gelu"),
        )
    }
    return {
        "nn_config": {
            "backend_framewoark": f"torch-{torch.__version__.split('+')[0]}",
            "context_length": _CONTEXT,
            "embedding_dim": shape.width,
            "embedding_activation": "gelu",
            **blocks,
        },
        "tokenizer_config": {"vocabs": list(vocabulary.names), "vocab_tokens": list(range(1, len(vocabulary) + 1))},
        "norm_config": {
            "_input_mean": [0.0, *scaler.centre.tolist()],
            "_input_std": [1.0, *scaler.width.tolist()],
            "_input_standardized": [False, *[True] * len(vocabulary)],
        },
    }
