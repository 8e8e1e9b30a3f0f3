"""A transformer with exact attention: what token reduction has to make affordable."""

from __future__ import annotations

from typing import cast

import torch
from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import token_embedding
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear, linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

# States updated at once: as many as a cache holds.
_BLOCK = 2048
# Most numbers of the queries that are held at once, unless those of one head are more.
_NUMBERS = 2**20


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
            _Block(hidden_dim, settings.heads, settings.mlp_dim, dropout)
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
        class_state, attention = cast(_Block, self.blocks[-1]).answer_first(states, bias)
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
        bias = tokens.size.float().log() if self.size_aware else torch.zeros_like(tokens.size)
        bias = bias.to(dtype).masked_fill(~tokens.mask, -torch.inf)
        return functional.pad(bias, (1, 0))[:, None, None, :]


class _Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query = Linear(dim, dim)
        self.key_value = Linear(dim, 2 * dim)
        self.project = nn.Sequential(Linear(dim, dim), dropout_layer(dropout))
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim),
            Linear(dim, mlp_dim),
            nn.GELU(),
            dropout_layer(dropout),
            Linear(mlp_dim, dim),
            dropout_layer(dropout),
        )

    def forward(self, states: Tensor, bias: Tensor | None) -> Tensor:
        """Update all states, (B, N, D)."""
        answers = self._attend(states, bias)
        # What follows acts on each state alone: in blocks, hardly anything of it is ever held. No
        # name may be left that holds a block, or all answers live on while the states are joined.
        updated = [
            self._update(*block)
            for block in zip(states.split(_BLOCK, dim=1), answers.split(_BLOCK, dim=1), strict=True)
        ]
        del answers
        return torch.cat(updated, dim=1)

    def _update(self, states: Tensor, answers: Tensor) -> Tensor:
        states = states + self.project(answers)
        return states + self.mlp(states)

    def _attend(self, states: Tensor, bias: Tensor | None) -> Tensor:
        """Return each state's answer, all heads side by side, (B, N, D).

        Large bags are attended to head after head, so that of queries, keys and values only a
        part is held at a time.
        """
        normed = self.norm(states)
        width = normed.shape[-1] // self.heads
        at_once = max(1, min(self.heads, _NUMBERS * self.heads // normed.numel()))
        answers = [
            self._answers_of(normed, slice(first * width, (first + at_once) * width), bias)
            for first in range(0, self.heads, at_once)
        ]
        del normed
        return torch.cat(answers, dim=-1)

    def _answers_of(self, normed: Tensor, channels: slice, bias: Tensor | None) -> Tensor:
        """Return the answers of the heads in these channels, side by side."""
        heads = self._heads_of(normed, channels)
        answer = functional.scaled_dot_product_attention(*heads, attn_mask=bias)
        return answer.transpose(1, 2).flatten(start_dim=2)

    def _heads_of(self, normed: Tensor, channels: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of the heads in these channels, (B, h, N, D/H) each."""
        key_weight, value_weight = self.key_value.weight.chunk(2)
        key_bias, value_bias = self.key_value.bias.chunk(2)
        weights = self.query.weight, key_weight, value_weight
        biases = self.query.bias, key_bias, value_bias
        width = normed.shape[-1] // self.heads
        return tuple(
            linear(normed, weight[channels], bias[channels])
            .unflatten(-1, (-1, width))
            .transpose(1, 2)
            for weight, bias in zip(weights, biases, strict=True)
        )

    def answer_first(self, states: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the first state updated, (B, D), and its attention, mean of heads, (B, N).

        With one query there is no need of keys and values of all states: q · (K x) = (Kᵀ q) · x,
        and Σ a V x = V Σ a x. The bias of the keys adds the same to all logits.
        """
        normed = self.norm(states)
        query = self.query(normed[:, 0]).unflatten(-1, (self.heads, -1))
        key, value = self.key_value.weight.chunk(2)
        asked = torch.einsum("bhd,hdc->bhc", query, key.unflatten(0, (self.heads, -1)))
        logits = asked * query.shape[-1] ** -0.5 @ normed.transpose(1, 2)
        if bias is not None:
            logits = logits + bias.squeeze(1)
        weights = logits.float().softmax(dim=-1)
        mean = weights.to(normed.dtype) @ normed
        answer = torch.einsum("bhc,hdc->bhd", mean, value.unflatten(0, (self.heads, -1)))
        answer = answer.flatten(start_dim=1) + self.key_value.bias.chunk(2)[1]
        updated = states[:, 0] + self.project(answer)
        return updated + self.mlp(updated), weights.detach().mean(dim=1)
