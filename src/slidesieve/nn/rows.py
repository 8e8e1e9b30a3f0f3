"""Operations on padded bags: take rows, clear padding, softmax over the real tokens."""

from __future__ import annotations

import torch
from torch import Tensor


def rows_at(values: Tensor, index: Tensor) -> Tensor:
    """Return rows of (B, N, D) values at (B, K) positions, a new tensor (B, K, D).

    Copies whole rows, where `gather` would look every single number up.
    """
    batch, n_rows = values.shape[:2]
    bag = n_rows * torch.arange(batch, device=index.device)[:, None]
    rows = values.flatten(end_dim=1).index_select(0, (index + bag).flatten())
    return rows.unflatten(0, index.shape)


def zero_padding(values: Tensor, mask: Tensor) -> Tensor:
    """Set rows of (B, N, D) finite values to 0 in place where the mask (B, N) is False."""
    # On a CPU seven times as fast as `masked_fill_`.
    return values if mask.all() else values.mul_(mask[..., None].to(values.dtype))


def log_softmax_of_bag(scores: Tensor, mask: Tensor) -> Tensor:
    """Return log α of the real tokens of each bag and −inf in padding, (B, N) to (B, N).

    Everything is done with log α, as α itself is near 1/N and underflows in half precision.
    """
    return scores.masked_fill(~mask, -torch.inf).log_softmax(dim=1)


def ranks(keys: Tensor, mask: Tensor) -> Tensor:
    """Return each token's place by falling key, (B, N) int64; of equal ones the first is first.

    Args:
        keys: (B, N) float.
        mask: (B, N) bool, True where a token is real; padding comes last.
    """
    order = keys.masked_fill(~mask, -torch.inf).argsort(dim=1, descending=True, stable=True)
    positions = torch.arange(keys.shape[1], device=keys.device)
    return torch.empty_like(order).scatter(1, order, positions.expand_as(order))
