"""The published design of Leung & Bovy (2024) stated anew, as the peer of the benchmarks: how it computes, not its code.

What makes it slow is kept: always 64 places, one request for each pass through the encoder, float32, attention weights
returned where the published code returns them, the loss read at every step, requests answered one by one. Sizes and
parts are those of the paper: 8,845,529 parameters.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

PLACES, WIDTH = 64, 128
ENCODER, DECODER = ((16, 1024), (8, 512)), ((16, 3096), (8, 1548), (4, 774))
HEAD = (3096, 1548, 774, 387)


class Block(nn.Module):
    """Attention by torch's own module with an added key and value, and a feed-forward layer, both post-norm."""

    def __init__(self, heads: int, hidden: int, returns_weights: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, heads, dropout=0.1, add_bias_kv=True, batch_first=True)
        self.norm1, self.norm2, self.drop = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), nn.Dropout(0.1)
        self.widen, self.narrow = nn.Linear(WIDTH, hidden), nn.Linear(hidden, WIDTH)
        self.returns_weights = returns_weights

    def forward(self, query: Tensor, source: Tensor, unknown: Tensor) -> Tensor:
        mixed, _ = self.attention(query, source, source, key_padding_mask=unknown, need_weights=self.returns_weights)
        stream = self.norm1(query + self.drop(mixed))
        return self.norm2(stream + self.drop(self.narrow(F.gelu(self.widen(stream)))))


class PublishedDesign(nn.Module):
    """Encoder of 64 places, decoder of one request."""

    def __init__(self, num_tokens: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Embedding(num_tokens + 1, WIDTH), nn.Embedding(num_tokens + 1, WIDTH)
        self.encoder = nn.ModuleList(Block(h, d, i == len(ENCODER) - 1) for i, (h, d) in enumerate(ENCODER))
        self.decoder = nn.ModuleList(Block(h, d, i == len(DECODER) - 1) for i, (h, d) in enumerate(DECODER))
        widths = (WIDTH, *HEAD)
        self.head = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.mean, self.log_variance = nn.Linear(HEAD[-1], 1), nn.Linear(HEAD[-1], 1)
        self.drop = nn.Dropout(0.1)

    def encode(self, ids: Tensor, values: Tensor) -> Tensor:
        stream = F.gelu(self.weight(ids) * values[..., None] + self.bias(ids))
        for block in self.encoder:
            stream = block(stream, stream, ids == 0)
        return stream

    def decode(self, memory: Tensor, unknown: Tensor, request: Tensor) -> tuple[Tensor, Tensor]:
        stream = self.weight(request)[:, None]
        for block in self.decoder:
            stream = block(stream, memory, unknown)
        hidden = stream[:, 0]
        for layer in self.head:
            hidden = self.drop(F.gelu(layer(hidden)))
        return self.mean(hidden)[:, 0], self.log_variance(hidden)[:, 0]


def training_step(
    network: PublishedDesign,
    optimiser: torch.optim.Optimizer,
    ids: Tensor,
    values: Tensor,
    request: Tensor,
    target: Tensor,
    error: Tensor,
) -> float:
    """Take one step with a batch of 64 places and one request a star."""
    network.train()
    optimiser.zero_grad()
    mean, log_variance = network.decode(network.encode(ids, values), ids == 0, request)
    variance = log_variance.exp() + error**2
    loss = 0.5 * ((target - mean) ** 2 / variance + variance.log()).mean()
    loss.backward()
    optimiser.step()
    return loss.item()


@torch.inference_mode()
def answer(network: PublishedDesign, ids: Tensor, values: Tensor, requests: list[int], batch: int = 1024) -> Tensor:
    """Answer requests one by one from memory of all stars, (N, K, 2)."""
    network.eval()
    parts = [network.encode(ids[a : a + batch], values[a : a + batch]) for a in range(0, len(ids), batch)]
    memory, unknown = torch.cat(parts), ids == 0
    answers = []
    for request in requests:
        asked = torch.full((len(ids),), request, device=ids.device)
        pieces = []
        for a in range(0, len(ids), batch):
            mean, log_variance = network.decode(memory[a : a + batch], unknown[a : a + batch], asked[a : a + batch])
            pieces.append(torch.stack([mean, (0.5 * log_variance).exp()], -1).cpu())
        answers.append(torch.cat(pieces))
    return torch.stack(answers, dim=1)
