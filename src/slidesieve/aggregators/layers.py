"""Layers that several aggregators use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.tokens import TokenBatch


def token_embedding(dim: int, hidden_dim: int, dropout: float) -> nn.Sequential:
    """Return h = Dropout(ReLU(W x + b)), (…, dim) to (…, hidden_dim)."""
    return nn.Sequential(Linear(dim, hidden_dim), nn.ReLU(), dropout_layer(dropout))


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the real tokens of each bag, in float32 and 0 in padding.

    Args:
        scores: (B, N) float of any precision.
        mask: (B, N) bool; every row has a True.
    """
    return scores.float().masked_fill(~mask, -float("inf")).softmax(dim=1)


def real_tokens(tokens: TokenBatch) -> Tensor:
    """Return the features of all real tokens of a batch, (B, N, D) to (T, D), bag after bag.

    What acts on each token alone is cheapest on these: no arithmetic is spent on padding.
    """
    return tokens.features[tokens.mask]


def padded(values: Tensor, mask: Tensor, fill: float) -> Tensor:
    """Put values of real tokens back in their places, (T, …) to (B, N, …), `fill` elsewhere."""
    places = values.new_full((*mask.shape, *values.shape[1:]), fill)
    places[mask] = values
    return places


def weighted_sums(weights: Tensor, mask: Tensor, values: Tensor) -> Tensor:
    """Return Σ_n w_bn v_n over the real tokens of each bag, in float32.

    A matrix product: sums by index are not reproducible on a GPU. Autocast is off, for weights
    near 1/N are below what half precision resolves in large bags.

    Args:
        weights: (B, N).
        mask: (B, N) bool.
        values: (T, H) of the real tokens, see `real_tokens`.

    Returns:
        (B, H).
    """
    with torch.autocast(weights.device.type, enabled=False):
        bag = mask.nonzero()[:, 0]
        of_bag = weights.new_zeros(len(weights), len(bag), dtype=torch.float32)
        of_bag[bag, torch.arange(len(bag), device=bag.device)] = weights[mask].float()
        return of_bag @ values.float()
