"""TransMIL: Nyström attention with a pyramid of convolutions as positional code."""

from __future__ import annotations

from math import isqrt

import torch
from pydantic import Field, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import token_embedding
from slidesieve.aggregators.nystrom import NystromAttention
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.rows import rows_at
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

_ITERATIONS = 6
_KERNEL = 33


@dataclass(frozen=True, config=STRICT)
class TransMILSettings:
    """Settings of TransMIL."""

    hidden_dim: StrictInt = Field(
        default=512, ge=2, description="Width of h; attention has half as many landmarks."
    )
    heads: Width = Field(default=8, description="Attention heads; they share `hidden_dim` equally.")
    dropout: Dropout = Field(
        default=0.1, description="Of the attention layers' output, in training."
    )

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)


class TransMIL(Aggregator):
    """TransMIL (Shao et al. 2021, https://arxiv.org/abs/2106.00908).

    h = ReLU(W x + b), laid out as the smallest square that holds the bag, its free places taken
    by the bag's first tokens again; x ← [class, h]; x ← x + Nyström(LN(x)); PPEG on the square;
    x ← x + Nyström(LN(x)); logits = W_c LN(x)_class + b_c.

    Bags whose squares have the same side are computed together, so padding and company change
    nothing. The attention it reports is what the class token pays to each token in the second
    layer, averaged over heads; where the Nyström approximation goes below 0 it counts as 0.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: TransMILSettings) -> None:
        super().__init__()
        hidden_dim, heads, dropout = settings.hidden_dim, settings.heads, settings.dropout
        self.embed = token_embedding(dim, hidden_dim, dropout=0.0)
        self.class_token = nn.Parameter(torch.randn(1, 1, hidden_dim))
        self.first = _Layer(hidden_dim, heads, dropout)
        self.position = PPEG(hidden_dim)
        self.second = _Layer(hidden_dim, heads, dropout)
        self.norm = nn.LayerNorm(hidden_dim)
        self.classifier = nn.Linear(hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the class token; labels are not used."""
        embedded = self.embed(tokens.features)
        sides = [isqrt(n_tokens - 1) + 1 for n_tokens in tokens.lengths.tolist()]
        pooled = embedded.new_zeros(len(embedded), embedded.shape[-1])
        attention = torch.zeros(tokens.mask.shape, device=embedded.device)
        for side in sorted(set(sides)):
            bags = torch.tensor(
                [i for i, other in enumerate(sides) if other == side], device=embedded.device
            )
            states, weights = self._attend(embedded[bags], tokens.lengths[bags], side)
            pooled = pooled.index_copy(0, bags, states.to(pooled.dtype))
            attention = attention.index_copy(0, bags, weights)
        return SlideOutput(self.classifier(pooled), attention, pooled)

    def _attend(self, embedded: Tensor, lengths: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Return class states (B, H) and attention (B, N) of bags whose squares have this side."""
        place = torch.arange(side * side, device=embedded.device) % lengths[:, None]
        square = rows_at(embedded, place)
        class_token = self.class_token.expand(len(square), -1, -1).to(square.dtype)
        states = self.first(torch.cat([class_token, square], dim=1))
        states = self.position(states, side)
        # Of the second layer only the class token's answer is looked at.
        class_state, weights = self.second.answer_first(states)
        weights = weights[:, 1:].float().clamp(min=0)
        # All weights can be cut off at 0; then the class token prefers no tile.
        weights = weights + torch.finfo(weights.dtype).eps
        attention = weights.new_zeros(embedded.shape[:2]).scatter_add(1, place, weights)
        return self.norm(class_state), attention / attention.sum(dim=1, keepdim=True)


class PPEG(nn.Module):
    """Pyramid position encoding generator: depth-wise 7 × 7, 5 × 5, 3 × 3 and identity, added.

    Args:
        dim: Width of the states.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(dim, dim, size, padding=size // 2, groups=dim) for size in (7, 5, 3)
        )

    def forward(self, states: Tensor, side: int) -> Tensor:
        """Encode the states behind the class token, which is the first, as a square."""
        class_state, rest = states[:, :1], states[:, 1:]
        square = rest.transpose(1, 2).unflatten(2, (side, side))
        encoded = square + sum(convolution(square) for convolution in self.convolutions)
        return torch.cat([class_state, encoded.flatten(start_dim=2).transpose(1, 2)], dim=1)


class _Layer(nn.Module):
    """x + Nyström(LN(x))."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = NystromAttention(
            dim, heads, dim // 2, _ITERATIONS, kernel=_KERNEL, dropout=dropout
        )

    def forward(self, states: Tensor) -> Tensor:
        return states + self.attention(self.norm(states))

    def answer_first(self, states: Tensor) -> tuple[Tensor, Tensor]:
        answer, weights = self.attention.answer_first(self.norm(states))
        return states[:, 0] + answer, weights
