"""Layers that several aggregators use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slidesieve.errors import ConfigError


def token_embedding(dim: int, hidden_dim: int, dropout: float) -> nn.Sequential:
    """Return h = Dropout(ReLU(W x + b)), (…, dim) to (…, hidden_dim)."""
    if hidden_dim < 1:
        raise ConfigError([f"aggregator: hidden_dim is {hidden_dim}; it must be at least 1"])
    return nn.Sequential(nn.Linear(dim, hidden_dim), nn.ReLU(), dropout_layer(dropout))


def dropout_layer(dropout: float) -> nn.Dropout:
    """Return a dropout layer; a share outside [0, 1) is a ConfigError."""
    if not 0 <= dropout < 1:
        raise ConfigError([f"aggregator: dropout is {dropout}; it must be in [0, 1)"])
    return nn.Dropout(dropout)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the real tokens of each bag, in float32 and 0 in padding.

    Args:
        scores: (B, N) float of any precision.
        mask: (B, N) bool; every row has a True.
    """
    return scores.float().masked_fill(~mask, -float("inf")).softmax(dim=1)


def weighted_sum(weights: Tensor, tokens: Tensor) -> Tensor:
    """Return Σ_n w_bn t_bnh, (B, N) and (B, N, H) to (B, H), in float32.

    Autocast is off here: weights near 1/N are below what half precision resolves in large bags.
    """
    with torch.autocast(weights.device.type, enabled=False):
        return torch.einsum("bn,bnh->bh", weights.float(), tokens.float())
