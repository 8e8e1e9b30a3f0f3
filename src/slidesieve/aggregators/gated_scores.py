"""Gated attention before its softmax, as ABMIL has it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear


class GatedScores(nn.Module):
    """e = W (tanh(V h) ⊙ σ(U h)) + c.

    Args:
        dim: Width of h.
        attention_dim: Width of V h and U h.
        heads: Scores per token.
        dropout: Of both factors, in training.
    """

    def __init__(self, dim: int, attention_dim: int, heads: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.content = Linear(dim, attention_dim)
        self.gate = Linear(dim, attention_dim)
        self.drop = dropout_layer(dropout, factors=2)
        self.score = nn.Linear(attention_dim, heads)

    def forward(self, states: Tensor) -> Tensor:
        """Return the scores, (…, dim) to (…, heads)."""
        hidden = torch.tanh(self.content(states)) * torch.sigmoid(self.gate(states))
        return self.score(self.drop(hidden))
