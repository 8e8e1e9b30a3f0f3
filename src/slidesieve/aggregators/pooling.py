"""Mean and max pooling: the baselines that attention has to beat.

They share ABMIL's token embedding and classifier, as in Ilse et al. 2018
(https://arxiv.org/abs/1802.04712, embedding-level mean and max), so a table that holds all three
compares the pooling and nothing else.
"""

from __future__ import annotations

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import padded, real_tokens, token_embedding, weighted_sums
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class PoolingSettings:
    """Settings of mean and max pooling."""

    hidden_dim: Width = Field(default=512, description="Width of h.")
    dropout: Dropout = Field(default=0.25, description="Of h (max pooling: of z), in training.")


class MeanPooling(Aggregator):
    """h_i = ReLU(W x_i + b); z = (1/N) Σ_i h_i; logits = W_c z + b_c.

    The attention it reports is 1/N for every token.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Width of h and dropout.
    """

    def __init__(self, dim: int, n_classes: int, settings: PoolingSettings) -> None:
        super().__init__()
        self.embed = token_embedding(dim, settings.hidden_dim, settings.dropout)
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify the mean of each bag's tokens; labels are not used."""
        attention = tokens.mask.float() / tokens.lengths[:, None]
        pooled = weighted_sums(attention, tokens.mask, self.embed(real_tokens(tokens)))
        return SlideOutput(self.classifier(pooled), attention, pooled)


class MaxPooling(Aggregator):
    """h_i = ReLU(W x_i + b); z_d = max_i h_id; logits = W_c z + b_c.

    The attention it reports is the share of the dimensions that a token wins. Winners are decided
    before the ReLU, which keeps the maximum and makes no ties between tokens at zero.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Width of h and dropout; that of h would decide the winners, so z has it.
    """

    def __init__(self, dim: int, n_classes: int, settings: PoolingSettings) -> None:
        super().__init__()
        linear, relu, drop = token_embedding(dim, settings.hidden_dim, settings.dropout)
        self.linear = linear
        self.after_pooling = nn.Sequential(relu, drop)
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify the maxima of each bag's tokens; labels are not used."""
        embedded = self.linear(real_tokens(tokens)).float()
        maxima, winners = padded(embedded, tokens.mask, fill=-float("inf")).max(dim=1)
        share = torch.full_like(maxima, 1 / maxima.shape[1])
        attention = torch.zeros(tokens.mask.shape, device=maxima.device)
        attention = attention.scatter_add(1, winners, share)
        pooled = self.after_pooling(maxima)
        return SlideOutput(self.classifier(pooled), attention, pooled)
