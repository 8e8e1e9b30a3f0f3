"""Where tokens go from one step to the next, and what they take along."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.tokens import TokenBatch


def scaled(tokens: TokenBatch, scale: Tensor) -> TokenBatch:
    """Return tokens with each one's features multiplied by its scale, (B, N)."""
    features = tokens.features
    return tokens.with_features((features * scale[..., None]).to(features.dtype))


def carry(values: Tensor, went: Tensor, mask: Tensor) -> Tensor:
    """Add up values at the tokens they went to, (B, N) to the shape (B, M) of `mask`."""
    start = torch.zeros(mask.shape, dtype=values.dtype, device=values.device)
    return start.scatter_add(1, went.clamp(min=0), values.masked_fill(went < 0, 0))


def follow(source: Tensor, went: Tensor) -> Tensor:
    """Return where things are after a step: at `source` before, each place `went` on; or −1."""
    return went.gather(1, source.clamp(min=0)).masked_fill(source < 0, -1)


def carried_back(values: Tensor, went: Tensor) -> Tensor:
    """Return the value of the token each token went to, (B, M) to (B, N), 0 in padding."""
    return values.gather(1, went.clamp(min=0)).masked_fill(went < 0, 0)
