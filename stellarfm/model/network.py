"""The network: a star is a set of (token, value), a question is a token, an answer is a distribution.

Read from top to bottom: settings and presets, attention, block, network. Letters in shape comments:

    B stars   L tokens shown (padded)   K requests   T tokens of the vocabulary   D width   H heads   M components
    Q queries of a block (L in the encoder, K in the decoder)   S width of a layer of the summary or of the head

Stars are a set: no token has a position, only an id.

The preset `paper` is the network of Leung & Bovy (2024): post-norm blocks, exact GELU, one learned extra key and value
per attention, a wide head; 8,845,529 parameters for their 118 tokens. The other presets put the norm first, begin with a
summary of the whole star that attention corrects, and answer with several Gaussians.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812  the name everybody uses
from torch import Tensor, nn

from stellarfm.model import mixtures
from stellarfm.model.mixtures import LOWER, MEDIAN, UPPER


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a network.

    Attributes
    ----------
    width
        Width D of the stream: the vectors of tokens and of requests.
    encoder, decoder
        (heads, feed-forward width) of each block.
    head
        Widths S of the layers behind the decoder.
    pre_norm
        Whether a block normalises its input (True) or its output (False, as published).
    show_errors
        Whether the errors of the inputs are part of their embedding (never, as published).
    summary
        Widths of the layers that see a whole star at once and start every request with what they make of it; none, as
        published. Attention has to learn to add up a hundred tokens; these layers can from the first step.
    components
        Gaussians of the answer's mixture M; 1 is the published likelihood.
    dropout
        Fraction of activations dropped in training.
    """

    width: int
    encoder: tuple[tuple[int, int], ...]
    decoder: tuple[tuple[int, int], ...]
    head: tuple[int, ...]
    pre_norm: bool = True
    show_errors: bool = True
    summary: tuple[int, ...] = ()
    components: int = 1
    dropout: float = 0.0


PRESETS = {
    # Leung & Bovy (2024), as their code has it: everything halves from one layer to the next
    "paper": NetworkConfig(
        width=128,
        encoder=((16, 1024), (8, 512)),
        decoder=((16, 3096), (8, 1548), (4, 774)),
        head=(3096, 1548, 774, 387),
        pre_norm=False,
        show_errors=False,
        dropout=0.1,
    ),
    # why these numbers: docs/choices.md
    "default": NetworkConfig(
        width=128,
        encoder=(),
        decoder=((4, 256),),
        head=(512, 256),
        show_errors=False,
        summary=(768,) * 4,
        components=3,
    ),
    "small": NetworkConfig(
        width=64,
        encoder=(),
        decoder=((2, 256),) * 2,
        head=(128,),
        show_errors=False,
        summary=(512, 512, 512),
        components=3,
    ),
}


class Attention(nn.Module):
    """Attention of queries over keys, with one learned extra key and value that is never masked."""

    def __init__(self, width: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        # one table for query, key and value, in this order, as in torch's MultiheadAttention
        self.in_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_bias = nn.Parameter(torch.zeros(3 * width))
        # a star of which nothing is known has this key to attend to; a softmax over nothing would be NaN
        self.extra_key = nn.Parameter(torch.empty(width))
        self.extra_value = nn.Parameter(torch.empty(width))
        self.out = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_weight)
        nn.init.normal_(self.extra_key, std=math.sqrt(2 / (width + 1)))
        nn.init.normal_(self.extra_value, std=math.sqrt(2 / (width + 1)))
        nn.init.zeros_(self.out.bias)

    def forward(self, query: Tensor, source: Tensor, known: Tensor) -> Tensor:
        """Return (B, Q, D) for queries (B, Q, D), source (B, L, D) and known (B, L): True where a token is no padding."""
        q, k, v, mask = self._project(query, source, known)
        mixed = _attend(q, k, v, mask, self.dropout if self.training else 0.0)  # (B, H, Q, D/H)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))  # (B, Q, D)
        return out

    def weights(self, query: Tensor, source: Tensor, known: Tensor) -> Tensor:
        """Return the attention of each query to each token, (B, Q, L): mean over heads, summing to 1 over the tokens."""
        q, k, _, mask = self._project(query, source, known)
        score = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1])  # (B, H, Q, L+1)
        attention = score.masked_fill(~mask, -torch.inf).softmax(-1).mean(1)[..., :-1]  # (B, Q, L)
        # what went to the learned key is left out; where that was everything (nothing is known) the rest stays 0
        return attention / attention.sum(-1, keepdim=True).clamp_min(1e-12)

    def _project(self, query: Tensor, source: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        width = query.shape[-1]
        q = F.linear(query, self.in_weight[:width], self.in_bias[:width])  # (B, Q, D)
        kv = F.linear(source, self.in_weight[width:], self.in_bias[width:])  # (B, L, 2D)
        extra = torch.cat([self.extra_key, self.extra_value]).to(kv.dtype).expand(len(kv), 1, -1)  # (B, 1, 2D)
        k, v = torch.cat([kv, extra], dim=1).chunk(2, dim=-1)  # (B, L+1, D) each
        mask = F.pad(known, (0, 1), value=True)[:, None, None, :]  # (B, 1, 1, L+1)
        return self._split(q), self._split(k), self._split(v), mask  # (B, H, Q, D/H), (B, H, L+1, D/H) twice

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.num_heads, x.shape[2] // self.num_heads).transpose(1, 2)  # (B, H, ·, D/H)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, dropout: float) -> Tensor:
    """Return the mixed values (B, H, Q, D/H) that the queries attend to."""
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
    if not torch.is_grad_enabled():  # on CPUs the fused kernel is fast in float32 only, and slow backwards
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask)
    score = (q / math.sqrt(q.shape[-1])) @ k.transpose(2, 3)  # (B, H, Q, L+1)
    attention = score.masked_fill_(~mask, -torch.inf).softmax(-1, dtype=torch.bfloat16)  # (B, H, Q, L+1)
    return F.dropout(attention, dropout) @ v if dropout else attention @ v


class Block(nn.Module):
    """Attention and a feed-forward layer, each added to the stream and normalised before or after."""

    def __init__(self, config: NetworkConfig, num_heads: int, hidden: int) -> None:
        super().__init__()
        self.pre_norm = config.pre_norm
        self.attention = Attention(config.width, num_heads, config.dropout)
        self.norm1, self.norm2 = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.widen, self.narrow = _linear(config.width, hidden), _linear(hidden, config.width)
        self.drop = nn.Dropout(config.dropout)
        if config.summary:  # a block begins as none at all, and learns what the summary does not know
            for layer in (self.attention.out, self.narrow):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, stream: Tensor, source: Tensor | None, known: Tensor) -> Tensor:
        """Return the stream (B, Q, D) after attending to source (B, L, D), or to itself if there is none."""
        # norm before: x + f(norm(x)), which leaves a path without norms through all blocks; after: norm(x + f(x)), as published
        query = self.norm1(stream) if self.pre_norm else stream
        seen = query if source is None else source
        stream = stream + self.drop(self.attention(query, seen, known))
        if not self.pre_norm:
            stream = self.norm1(stream)
        stream = stream + self.drop(self._feed_forward(self.norm2(stream) if self.pre_norm else stream))
        return stream if self.pre_norm else self.norm2(stream)

    def _feed_forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.narrow(F.gelu(self.widen(x)))  # (B, Q, D)
        return out


class Summary(nn.Module):
    """Layers over all that is known of a star at once: T values and T marks of what is known, in the places of their tokens."""

    def __init__(self, config: NetworkConfig, num_tokens: int) -> None:
        super().__init__()
        widths = (2 * num_tokens, *config.summary)
        self.num_tokens = num_tokens
        self.layers = nn.ModuleList(_linear(a, b) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in config.summary)
        self.out = _linear(widths[-1], config.width)
        self.gate = nn.Embedding(num_tokens + 1, config.width)
        self.drop = nn.Dropout(config.dropout)
        nn.init.ones_(self.gate.weight)

    def forward(self, ids: Tensor, values: Tensor) -> Tensor:
        """Return (B, D) for token ids and standardised values, each (B, L)."""
        # padding has id 0: it all falls into the first place, which is cut off
        places = ids.new_zeros((), dtype=values.dtype).expand(len(ids), self.num_tokens + 1)  # (B, T+1)
        full = places.scatter(1, ids, values)[:, 1:]  # (B, T)
        known = places.scatter(1, ids, 1.0)[:, 1:]  # (B, T)
        first, *layers = zip(self.layers, self.norms, strict=True)
        with torch.autocast(ids.device.type, enabled=False):  # bfloat16 has three digits: too few for a colour
            layer, norm = first
            # a value of 0 is a token's median, so only the marks tell it from one that is not known
            hidden = self.drop(F.gelu(norm(layer(torch.cat([full, known], dim=1)))))  # (B, 2T) to (B, S)
        for layer, norm in layers:
            hidden = hidden + self.drop(F.gelu(norm(layer(hidden))))  # (B, S)
        return cast(Tensor, self.out(hidden)).float()  # (B, D)

    def start(self, summary: Tensor, requests: Tensor) -> Tensor:
        """Return what each request (B, K) takes from the summary (B, D): a gate of its token times it, (B, K, D)."""
        return cast(Tensor, self.gate(requests)) * summary[:, None]  # (B, K, D)


@dataclass(frozen=True)
class Memory:
    """What is known of B stars.

    Attributes
    ----------
    tokens
        Shape (B, L, D): encoded tokens.
    known
        Shape (B, L): False where a place is padding.
    summary
        Shape (B, D); None in a network without one.
    """

    tokens: Tensor
    known: Tensor
    summary: Tensor | None


class StarNetwork(nn.Module):
    """Encoder of what is known of a star, decoder of what is asked.

    Parameters
    ----------
    config
        The shape.
    num_tokens
        Tokens T of the vocabulary; id 0 is padding, token i has id i + 1.
    """

    def __init__(self, config: NetworkConfig, num_tokens: int) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Embedding(num_tokens + 1, config.width)
        self.bias = nn.Embedding(num_tokens + 1, config.width)
        self.error = nn.Embedding(num_tokens + 1, config.width) if config.show_errors else None
        self.encoder = nn.ModuleList(Block(config, heads, hidden) for heads, hidden in config.encoder)
        self.decoder = nn.ModuleList(Block(config, heads, hidden) for heads, hidden in config.decoder)
        self.summary = Summary(config, num_tokens) if config.summary else None
        final = nn.LayerNorm if config.pre_norm else nn.Identity
        self.encoder_norm, self.decoder_norm = final(config.width), final(config.width)
        widths = (config.width, *config.head)
        self.head = nn.ModuleList(_linear(a, b) for a, b in pairwise(widths))
        self.mean = _linear(widths[-1], config.components)
        self.log_variance = _linear(widths[-1], config.components)
        self.mixture_logits = _linear(widths[-1], config.components) if config.components > 1 else None
        self.drop = nn.Dropout(config.dropout)
        for table in (self.weight, self.bias, self.error):
            if table is not None:  # as published: Xavier over the whole table, nothing for padding
                nn.init.xavier_uniform_(table.weight)
                nn.init.zeros_(table.weight[0])

    def embed(self, ids: Tensor, values: Tensor, errors: Tensor) -> Tensor:
        """Return (B, L, D) for token ids, standardised values and errors, each (B, L)."""
        # the bias lies inside the activation, as in the published code; eq. (1) of the paper's short version has it outside
        inner = self.weight(ids) * values[..., None] + self.bias(ids)  # (B, L, D)
        if self.error is not None:  # errors span decades, and none at all must stay 0
            inner = inner + self.error(ids) * torch.log1p(10 * errors)[..., None]  # (B, L, D)
        return F.gelu(inner)

    def encode(self, ids: Tensor, values: Tensor, errors: Tensor) -> Memory:
        """Return what is known of the stars, from ids, standardised values and errors (B, L); id 0 marks padding."""
        stream, known = self.embed(ids, values, errors), ids > 0
        for block in _blocks(self.encoder):
            stream = block(stream, None, known)  # (B, L, D)
        summary = self.summary(ids, values) if self.summary is not None else None
        return Memory(self.encoder_norm(stream), known, summary)

    def decode(self, memory: Memory, requests: Tensor) -> "Answer":
        """Return the answers (B, K, M) to token ids (B, K), each without sight of the others: K at once are K separate calls."""
        stream = self._ask(memory, requests)  # (B, K, D)
        for block in _blocks(self.decoder):
            stream = block(stream, memory.tokens, memory.known)  # (B, K, D)
        hidden = self.decoder_norm(stream)
        for layer in self.head:
            hidden = self.drop(F.gelu(layer(hidden)))  # (B, K, S)
        with torch.autocast(hidden.device.type, enabled=False):  # bfloat16 would round the answers to three digits
            hidden = hidden.float()
            logits = self.mixture_logits(hidden) if self.mixture_logits is not None else None
            return Answer(self.mean(hidden), self.log_variance(hidden), logits)  # (B, K, M) each

    def forward(self, ids: Tensor, values: Tensor, errors: Tensor, requests: Tensor) -> "Answer":
        """Return the answers (B, K, M) to requests (B, K) of stars given by ids, values and errors (B, L)."""
        return self.decode(self.encode(ids, values, errors), requests)

    def attention_weights(self, memory: Memory, requests: Tensor) -> Tensor:
        """Return the attention of each request to each token shown, in the last block, (B, K, L)."""
        stream, (*blocks, last) = self._ask(memory, requests), _blocks(self.decoder)
        for block in blocks:
            stream = block(stream, memory.tokens, memory.known)
        query = last.norm1(stream) if last.pre_norm else stream
        return last.attention.weights(query, memory.tokens, memory.known)

    def _ask(self, memory: Memory, requests: Tensor) -> Tensor:
        """Return the stream that requests start with, (B, K, D): the bare weight of the token, as published."""
        stream: Tensor = self.weight(requests)  # (B, K, D)
        if self.summary is None or memory.summary is None:
            return stream
        return stream + self.summary.start(memory.summary, requests)


@dataclass(frozen=True)
class Answer:
    """Standardised answers.

    Attributes
    ----------
    mean, log_variance
        Shape (B, K, M): of each component, of the star itself without measurement noise.
    mixture_logits
        Shape (B, K, M): unnormalised logarithms of the weights; None for a single Gaussian.
    """

    mean: Tensor
    log_variance: Tensor
    mixture_logits: Tensor | None

    def median_and_error(self) -> tuple[Tensor, Tensor]:
        """Return the median and half of the central 68 %, each (B, K): of one Gaussian its mean and sigma."""
        sigmas = (0.5 * self.log_variance).exp()  # (B, K, M)
        if self.mixture_logits is None:
            return self.mean[..., 0], sigmas[..., 0]
        parts = self.mean, sigmas, self.mixture_logits.softmax(-1)
        lower, median, upper = (mixtures.quantile(*parts, probability) for probability in (LOWER, MEDIAN, UPPER))
        return median, (upper - lower) / 2


def halve_matrices(network: StarNetwork) -> StarNetwork:
    """Return the network with its large matrices in bfloat16, changed in place: autocast need not convert them at each call."""
    # the layers that run in float32 in any case, at the two ends of the network, must keep their digits
    precise: set[nn.Module | None] = {network.mean, network.log_variance, network.mixture_logits}
    precise |= {network.summary.layers[0]} if network.summary is not None else set()
    for module in network.modules():
        if isinstance(module, nn.Linear) and module not in precise:
            module.to(torch.bfloat16)
        elif isinstance(module, Attention):
            module.in_weight.data = module.in_weight.data.to(torch.bfloat16)
            module.in_bias.data = module.in_bias.data.to(torch.bfloat16)
    return network


def count_parameters(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(p.numel() for p in network.parameters())


def _blocks(modules: Iterable[nn.Module]) -> list[Block]:
    return [cast(Block, module) for module in modules]


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer with the published initialisation (Kaiming uniform with a = 0)."""
    layer = nn.Linear(inputs, outputs)
    nn.init.kaiming_uniform_(layer.weight)
    return layer
