"""What all reducers that keep some tokens and drop the others share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.errors import ConfigError
from slidesieve.tokens import Reduction, TokenBatch

# Products such as 0.1 * 30 lie a rounding error above the whole number they mean.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Budget:
    """How many tokens of a bag are kept: a share of them, or at most a number.

    Attributes:
        retention: Share in (0, 1], or None.
        k: Number, or None.
    """

    retention: float | None = None
    k: int | None = None

    def __post_init__(self) -> None:
        if (self.retention is None) == (self.k is None):
            raise ConfigError(["reducer: give either retention or k"])
        if self.retention is not None and not 0 < self.retention <= 1:
            raise ConfigError([f"reducer: retention is {self.retention}; it must be in (0, 1]"])
        if self.k is not None and self.k < 1:
            raise ConfigError([f"reducer: k is {self.k}; it must be at least 1"])

    def count(self, n_tokens: int) -> int:
        """Return ⌈retention · N⌉ or min(k, N) for a bag of N tokens."""
        if self.retention is None:
            return min(self.k, n_tokens)
        return math.ceil(self.retention * n_tokens - _ROUNDING)


def keep_tokens(tokens: TokenBatch, keep: Tensor) -> Reduction:
    """Drop all tokens but some, in their order.

    Args:
        tokens: B bags of N tokens.
        keep: (B, N) bool, False in padding.
    """
    kept_in_bag = keep.sum(dim=1)
    n_out = int(kept_in_bag.max())
    order = torch.argsort(~keep, dim=1, stable=True)[:, :n_out]
    mask = torch.arange(n_out, device=keep.device) < kept_in_bag[:, None]

    def gather(values: Tensor) -> Tensor:
        trailing = (1,) * (values.ndim - 2)
        index = order.reshape(*order.shape, *trailing).expand(-1, -1, *values.shape[2:])
        return values.gather(1, index) * mask.reshape(*mask.shape, *trailing)

    kept = TokenBatch(
        features=gather(tokens.features),
        mask=mask,
        coords=gather(tokens.coords),
        size=gather(tokens.size),
    )
    source = torch.where(keep, keep.cumsum(dim=1) - 1, -1)
    return Reduction(tokens=kept, source=source)
