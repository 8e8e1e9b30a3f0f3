"""The two attention poolers of the CONCH family, by their official parameter names."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionPooler(nn.Module):
    """CONCH v1's: a learned query attends to the layer-normed tokens.

    Args:
        width: D of the query and the output.
        context_width: W of the tokens.
        n_heads: Attention heads.
        n_queries: Learned queries.
    """

    def __init__(self, width: int, context_width: int, n_heads: int, n_queries: int = 1) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(n_queries, width))
        self.attn = nn.MultiheadAttention(
            width, n_heads, kdim=context_width, vdim=context_width, batch_first=True
        )
        self.ln_q = nn.LayerNorm(width)
        self.ln_k = nn.LayerNorm(context_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens (B, N, W) into (B, n_queries, D)."""
        keys = self.ln_k(tokens)
        queries = self.ln_q(self.query).expand(len(tokens), -1, -1)
        return self.attn(queries, keys, keys, need_weights=False)[0]


class PerceiverPooler(nn.Module):
    """CONCH v1.5's: the same idea without biases, keys and values from one matrix.

    Args:
        width: D of the query and the output.
        context_width: W of the tokens.
        n_heads: Attention heads.
        n_queries: Learned queries.
    """

    def __init__(self, width: int, context_width: int, n_heads: int, n_queries: int = 1) -> None:
        super().__init__()
        self._n_heads = n_heads
        self.query = nn.Parameter(torch.randn(n_queries, width))
        self.ln_k = nn.LayerNorm(context_width)
        self.ln_q = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(context_width, 2 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool tokens (B, N, W) into (B, n_queries, D)."""
        queries = self.to_q(self.ln_q(self.query)).expand(len(tokens), -1, -1)
        keys, values = self.to_kv(self.ln_k(tokens)).chunk(2, dim=-1)
        attended = nn.functional.scaled_dot_product_attention(
            self._split(queries), self._split(keys), self._split(values)
        )
        return self.to_out(attended.transpose(1, 2).flatten(2))

    def _split(self, vectors: Tensor) -> Tensor:
        """Split (B, N, D) into heads, (B, H, N, D / H)."""
        return vectors.unflatten(-1, (self._n_heads, -1)).transpose(1, 2)
