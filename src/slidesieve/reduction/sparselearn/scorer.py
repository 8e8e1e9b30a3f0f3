"""The scorer: one number a token, the higher the rather it is kept."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from slidesieve.nn.linear import Linear
from slidesieve.reduction.sparselearn.blocks import Block, GlobalAttention

_SPREAD_EPSILON = 1e-6


class MlpScorer(nn.Module):
    """s_i = w · GELU(W x_i + b) + c: every token judged by itself, O(N).

    Args:
        dim: Width of the tokens.
        hidden_dim: Width of the hidden layers.
        layers: Number of hidden layers.
    """

    def __init__(self, dim: int, hidden_dim: int, layers: int) -> None:
        super().__init__()
        widths = [dim, *[hidden_dim] * layers]
        hidden = [
            layer
            for width, next_width in pairwise(widths)
            for layer in (Linear(width, next_width), nn.GELU())
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(hidden_dim, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score x (B, N, dim): (B, N)."""
        return self.layers(x).squeeze(-1)


class TransformerScorer(nn.Module):
    """A light transformer encoder and a linear head, s = w · Enc(W x) + c.

    Args:
        dim: Width of the tokens.
        hidden_dim: Width of the blocks.
        layers: Number of blocks.
        heads: Attention heads.
    """

    def __init__(self, dim: int, hidden_dim: int, layers: int, heads: int) -> None:
        super().__init__()
        self.project = Linear(dim, hidden_dim)
        self.blocks = nn.ModuleList(
            Block(hidden_dim, GlobalAttention(hidden_dim, heads)) for _ in range(layers)
        )
        self.head = nn.Linear(hidden_dim, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Score x (B, N, dim): (B, N)."""
        x = self.project(x)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(x).squeeze(-1)


def standardise_scores(scores: Tensor, mask: Tensor) -> Tensor:
    """Return (s − mean) / (sd + 1e-6) over the real tokens of each bag; 0 in padding.

    Args:
        scores: (B, N) float32.
        mask: (B, N) bool.
    """
    n_tokens = mask.sum(dim=1, keepdim=True)
    mean = (scores * mask).sum(dim=1, keepdim=True) / n_tokens
    centred = (scores - mean) * mask
    # √ has no finite slope at 0, where all scores are equal.
    variance = (centred**2).sum(dim=1, keepdim=True) / n_tokens
    return centred / (variance.clamp(min=_SPREAD_EPSILON**2).sqrt() + _SPREAD_EPSILON)
