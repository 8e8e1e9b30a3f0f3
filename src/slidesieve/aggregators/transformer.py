"""A transformer with exact attention: what token reduction has to make affordable."""

from __future__ import annotations

from typing import cast

import torch
from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import token_embedding
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.transformer_block import TransformerBlock, attention_bias
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class TransformerSettings:
    """Settings of the transformer."""

    hidden_dim: Width = Field(default=512, description="Width of h.")
    depth: Width = Field(default=2, description="Number of blocks.")
    heads: Width = Field(default=8, description="Attention heads; they share `hidden_dim` equally.")
    mlp_dim: Width = Field(default=512, description="Hidden width of the blocks' MLPs.")
    dropout: Dropout = Field(
        default=0.25,
        description="Of h, of the attention's output and inside the MLPs, in training.",
    )
    size_aware: StrictBool = Field(
        default=False,
        description="Whether a token made of n tiles counts as n: log n is added to the attention "
        "logits, the proportional attention of ToMe.",
    )

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)


class Transformer(Aggregator):
    """Class token and tokens through pre-norm transformer blocks; no positional code.

    h = ReLU(W x + b); x ← [class, h]; in each block
    x ← x + Attention(LN(x)); x ← x + MLP(LN(x)); logits = W_c LN(x)_class + b_c

    Attention is exact, O(N²) in time and O(N) in memory. The attention it reports is what the
    class token pays to each token in the last block, averaged over heads.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: TransformerSettings) -> None:
        super().__init__()
        hidden_dim, dropout = settings.hidden_dim, settings.dropout
        self.size_aware = settings.size_aware
        self.embed = token_embedding(dim, hidden_dim, dropout)
        self.class_token = nn.Parameter(torch.randn(1, 1, hidden_dim) * 0.02)
        self.blocks = nn.ModuleList(
            TransformerBlock(hidden_dim, settings.heads, settings.mlp_dim, dropout)
            for _ in range(settings.depth)
        )
        self.norm = nn.LayerNorm(hidden_dim)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the class token; labels are not used."""
        states = self._with_class_token(self.embed(tokens.features))
        bias = self._attention_bias(tokens, states.dtype)
        for block in self.blocks[:-1]:
            states = block(states, bias)
        # Of the last block only the class token's answer is looked at.
        class_state, attention = cast(TransformerBlock, self.blocks[-1]).answer_first(states, bias)
        pooled = self.norm(class_state)
        attention = attention[:, 1:] / attention[:, 1:].sum(dim=1, keepdim=True)
        return SlideOutput(self.classifier(pooled), attention, pooled)

    def _with_class_token(self, states: Tensor) -> Tensor:
        class_token = self.class_token.expand(len(states), -1, -1).to(states.dtype)
        return torch.cat([class_token, states], dim=1)

    def _attention_bias(self, tokens: TokenBatch, dtype: torch.dtype) -> Tensor | None:
        """Return what is added to attention logits, (B, 1, 1, N + 1), or None for nothing."""
        if tokens.mask.all() and not self.size_aware:
            return None
        added = tokens.size.float().log() if self.size_aware else None
        return attention_bias(tokens.mask, dtype, n_before=1, added=added)
