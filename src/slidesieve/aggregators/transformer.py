"""A transformer with exact attention: what token reduction has to make affordable."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import dropout_layer, token_embedding
from slidesieve.errors import ConfigError
from slidesieve.tokens import SlideOutput, TokenBatch


class Transformer(Aggregator):
    """Class token and tokens through pre-norm transformer blocks; no positional code.

    h = ReLU(W x + b); x ← [class, h]; in each block
    x ← x + Attention(LN(x)); x ← x + MLP(LN(x)); logits = W_c LN(x)_class + b_c

    Attention is exact, O(N²) in time and O(N) in memory. The attention it reports is what the
    class token pays to each token in the last block, averaged over heads.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        hidden_dim: Width of h.
        depth: Number of blocks.
        heads: Attention heads; they share `hidden_dim` equally.
        mlp_dim: Hidden width of the blocks' MLPs.
        dropout: Of h, of the attention's output and inside the MLPs, in training.
        size_aware: Whether a token made of n tiles counts as n (log n is added to the attention
            logits, the proportional attention of ToMe).
    """

    def __init__(
        self,
        dim: int,
        n_classes: int,
        hidden_dim: int = 512,
        depth: int = 2,
        heads: int = 8,
        mlp_dim: int = 512,
        dropout: float = 0.25,
        size_aware: bool = False,
    ) -> None:
        super().__init__()
        problems = [
            f"transformer: {name} is {value}; it must be at least 1"
            for name, value in (("depth", depth), ("heads", heads), ("mlp_dim", mlp_dim))
            if value < 1
        ]
        if not problems and hidden_dim % heads:
            problems.append(f"transformer: hidden_dim {hidden_dim} is no multiple of {heads} heads")
        if problems:
            raise ConfigError(problems)
        self.size_aware = size_aware
        self.embed = token_embedding(dim, hidden_dim, dropout)
        self.class_token = nn.Parameter(torch.randn(1, 1, hidden_dim) * 0.02)
        self.blocks = nn.ModuleList(
            _Block(hidden_dim, heads, mlp_dim, dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(hidden_dim)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the class token; labels are not used."""
        embedded = self.embed(tokens.features)
        class_token = self.class_token.expand(len(embedded), -1, -1).to(embedded.dtype)
        states = torch.cat([class_token, embedded], dim=1)
        bias = self._attention_bias(tokens, states.dtype)
        for block in self.blocks[:-1]:
            states = block(states, states, bias)
        # Of the last block only the class token's answer is looked at.
        last = self.blocks[-1]
        attention = last.attention_of(states[:, :1], states, bias)[:, 0, 1:]
        pooled = self.norm(last(states[:, :1], states, bias)).squeeze(1)
        attention = attention / attention.sum(dim=1, keepdim=True)
        return SlideOutput(self.classifier(pooled), attention, pooled)

    def _attention_bias(self, tokens: TokenBatch, dtype: torch.dtype) -> Tensor | None:
        """Return what is added to attention logits, (B, 1, 1, N + 1), or None for nothing."""
        if tokens.mask.all() and not self.size_aware:
            return None
        bias = tokens.size.float().log() if self.size_aware else torch.zeros_like(tokens.size)
        bias = bias.to(dtype).masked_fill(~tokens.mask, -torch.inf)
        return functional.pad(bias, (1, 0))[:, None, None, :]


class _Block(nn.Module):
    """A pre-norm transformer block whose queries may be some of the states only."""

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.project = nn.Sequential(nn.Linear(dim, dim), dropout_layer(dropout))
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, mlp_dim),
            nn.GELU(),
            dropout_layer(dropout),
            nn.Linear(mlp_dim, dim),
            dropout_layer(dropout),
        )

    def forward(self, asking: Tensor, states: Tensor, bias: Tensor | None) -> Tensor:
        """Update the states that ask, (B, Q, D), by all states, (B, N, D)."""
        query = self._split(self.query(self.norm(asking)))
        key, value = map(self._split, self.key_value(self.norm(states)).chunk(2, dim=-1))
        answer = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        asking = asking + self.project(answer.transpose(1, 2).flatten(start_dim=2))
        return asking + self.mlp(asking)

    @torch.no_grad()
    def attention_of(self, asking: Tensor, states: Tensor, bias: Tensor | None) -> Tensor:
        """Return the attention weights of a few queries, averaged over heads, (B, Q, N)."""
        query = self._split(self.query(self.norm(asking)))
        key = self._split(self.key_value(self.norm(states)).chunk(2, dim=-1)[0])
        logits = (query @ key.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
        if bias is not None:
            logits = logits + bias
        return logits.softmax(dim=-1).mean(dim=1)

    def _split(self, states: Tensor) -> Tensor:
        """Split states into heads, (B, N, D) to (B, H, N, D/H)."""
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)
