"""Attention-based deep multiple-instance learning."""

from __future__ import annotations

import torch
from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import (
    masked_softmax,
    padded,
    real_tokens,
    token_embedding,
    weighted_sums,
)
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class ABMILSettings:
    """Settings of ABMIL."""

    gated: StrictBool = Field(default=True, description="Whether attention has the sigmoid gate.")
    hidden_dim: Width | None = Field(
        default=512, description="Width of h; null means attention on the tokens themselves."
    )
    attention_dim: Width = Field(default=256, description="Width of V h and U h.")
    heads: Width = Field(
        default=1,
        description="Rows of w: each pools the bag with an attention of its own, and the pooled "
        "states stand side by side before the classifier.",
    )
    dropout: Dropout = Field(
        default=0.25, description="Of h and of the attention's hidden layer, in training."
    )


class ABMIL(Aggregator):
    """ABMIL (Ilse et al. 2018, Eq. 7 to 9, https://arxiv.org/abs/1802.04712).

    h_i = ReLU(W x_i + b)
    gated: e_i = wᵀ (tanh(V h_i) ⊙ σ(U h_i)) + c;  plain: e_i = wᵀ tanh(V h_i) + c
    a = softmax(e) over the bag;  z = Σ_i a_i h_i;  logits = W_c z + b_c
    With several heads w has as many rows, z is their pooled states side by side (`M` and
    `ATTENTION_BRANCHES` of the authors' code), and the attention it reports is their mean.

    With `gated: false` and `hidden_dim: null` (h_i = x_i) it is the head of the DTC-WSI paper.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    classifier: nn.Module

    def __init__(self, dim: int, n_classes: int, settings: ABMILSettings) -> None:
        super().__init__()
        gated, hidden_dim, dropout = settings.gated, settings.hidden_dim, settings.dropout
        attention_dim = settings.attention_dim
        width = hidden_dim or dim
        self.embed = (
            nn.Identity() if hidden_dim is None else token_embedding(dim, hidden_dim, dropout)
        )
        self.content = nn.Sequential(Linear(width, attention_dim), nn.Tanh())
        self.gate = nn.Sequential(Linear(width, attention_dim), nn.Sigmoid()) if gated else None
        self.drop = dropout_layer(dropout, factors=2 if gated else 1)
        self.score = nn.Linear(attention_dim, settings.heads)
        self.classifier = nn.Linear(settings.heads * width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify the attention-weighted mean of each bag's tokens; labels are not used."""
        embedded = self.embed(real_tokens(tokens))
        hidden = self.content(embedded)
        if self.gate is not None:
            hidden = hidden * self.gate(embedded)
        heads = [
            masked_softmax(padded(scores, tokens.mask, fill=0.0), tokens.mask)
            for scores in self.score(self.drop(hidden)).unbind(dim=1)
        ]
        pooled = torch.cat([weighted_sums(a, tokens.mask, embedded) for a in heads], dim=1)
        return SlideOutput(self.classifier(pooled), torch.stack(heads).mean(dim=0), pooled)
