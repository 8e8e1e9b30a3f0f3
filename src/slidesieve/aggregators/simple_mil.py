"""SimpleMIL of nnMIL: attention that sees a random part of the channels, pooling of them all."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import torch
from pydantic import Field, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import masked_softmax, padded, real_tokens, weighted_sums
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear, linear
from slidesieve.nn.rows import ranks
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class SimpleMILSettings:
    """Settings of SimpleMIL."""

    channels: Width = Field(
        default=256, description="Channels that the attention sees at once, and width of V x, U x."
    )
    windows_per_channels: Width = Field(
        default=4, description="In use, a window of channels begins every `channels` / this."
    )
    token_share: StrictFloat = Field(
        default=0.5,
        gt=0,
        description="In training a bag shows at most this share of the median bag's tokens, drawn "
        "anew in every step.",
    )
    dropout: Dropout = Field(default=0.25, description="Of both factors of the attention.")


class SimpleMIL(Aggregator):
    """SimpleMIL (nnMIL; Luo et al. 2025, https://arxiv.org/abs/2511.14907).

    e_n(S) = w · (tanh(V_S x_n,S + b) ⊙ σ(U_S x_n,S + d)) + c over some channels S;
    a(S) = softmax(e(S));  z = Σ_n a_n x_n over all channels;  logits = C z + b

    In training S is drawn in every pass, and a bag shows a random part of its tokens. In use the
    logits are the mean over windows of channels, which lie in a fixed random order.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    order: Tensor

    def __init__(self, dim: int, n_classes: int, settings: SimpleMILSettings) -> None:
        super().__init__()
        self.settings = settings
        self.content = Linear(dim, settings.channels)
        self.gate = Linear(dim, settings.channels)
        self.score = nn.Linear(settings.channels, 1)
        self.drop = dropout_layer(settings.dropout, factors=2)
        self.classifier = nn.Linear(dim, n_classes)
        order = torch.randperm(dim, generator=torch.Generator().manual_seed(42))
        self.register_buffer("order", order)
        self._most_tokens: int | None = None

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Find how many tokens a bag may show in training."""
        typical = median(int(bag.lengths[0]) for bag in bags)
        self._most_tokens = max(1, int(typical * self.settings.token_share))

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify; labels are not used."""
        shown = self._drawn(tokens.mask) if self.training else tokens.mask
        features = real_tokens(tokens)
        attention = torch.stack(
            [
                self._attention(features, tokens.mask, shown, channels)
                for channels in self._windows()
            ]
        ).mean(dim=0)
        pooled = weighted_sums(attention, tokens.mask, features)
        return SlideOutput(self.classifier(pooled), attention, pooled)

    def _attention(self, features: Tensor, mask: Tensor, shown: Tensor, channels: Tensor) -> Tensor:
        seen = features[:, channels]
        content, gate = (
            linear(seen, layer.weight[:, channels].to(seen.dtype), layer.bias)
            for layer in (self.content, self.gate)
        )
        hidden = self.drop(torch.tanh(content) * torch.sigmoid(gate))
        return masked_softmax(padded(self.score(hidden).squeeze(-1), mask, fill=0.0), shown)

    def _windows(self) -> list[Tensor]:
        """Return the channels of each window; one, drawn, in training."""
        dim, width = len(self.order), min(self.settings.channels, len(self.order))
        if self.training:
            return [torch.randperm(dim, device=self.order.device)[:width]]
        step = max(1, self.settings.channels // self.settings.windows_per_channels)
        starts = sorted({*range(0, dim - width + 1, step), dim - width})
        return [self.order[start : start + width] for start in starts]

    def _drawn(self, mask: Tensor) -> Tensor:
        """Return the tokens that each bag shows, (B, N) bool."""
        if self._most_tokens is None:
            return mask
        drawn = ranks(torch.rand(mask.shape, device=mask.device), mask)
        return mask & (drawn < self._most_tokens)
