"""Functions of all reducers that keep some tokens and drop the others."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from pydantic import Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor

from slidesieve.nn.rows import ranks, rows_at, zero_padding
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import Reduction, TokenBatch

# Products such as 0.1 * 30 lie a rounding error above the whole number they mean.
_ROUNDING = 1e-9


@dataclass(frozen=True, config=STRICT)
class Budget:
    """How many tokens of a bag are kept: a share of them, or at most a number."""

    retention: StrictFloat | None = Field(
        default=None, gt=0, le=1, description="Share of the tokens that is kept."
    )
    k: StrictInt | None = Field(
        default=None, ge=1, description="Number of tokens kept, in place of `retention`."
    )

    def __post_init__(self) -> None:
        if (self.retention is None) == (self.k is None):
            raise ValueError("give either retention or k")

    def count(self, n_tokens: int) -> int:
        """Return ⌈retention · N⌉ or min(k, N) for a bag of N tokens."""
        if self.retention is not None:
            return math.ceil(self.retention * n_tokens - _ROUNDING)
        return n_tokens if self.k is None else min(self.k, n_tokens)


@dataclass(frozen=True, config=STRICT)
class KeptTokens:
    """How many tokens of a bag are kept."""

    k: StrictInt = Field(default=32, ge=1, description="Number of tokens that are left.")


def keep_tokens(tokens: TokenBatch, keep: Tensor, scores: Tensor | None = None) -> Reduction:
    """Drop all tokens but some, in their order.

    Args:
        tokens: B bags of N tokens.
        keep: (B, N) bool, False in padding.
        scores: (B, N) what they were chosen by, if by a score.
    """
    order, mask, source = close_ranks(keep)
    kept = replace(
        tokens,
        features=zero_padding(rows_at(tokens.features, order), mask),
        mask=mask,
        coords=zero_padding(rows_at(tokens.coords, order), mask),
        size=tokens.size.gather(1, order) * mask,
    )
    return Reduction(tokens=kept, source=source, scores=scores)


def close_ranks(keep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Move what is kept to the front, in its order.

    Args:
        keep: (B, N) bool.

    Returns:
        (B, M) the positions that those kept come from, 0 in padding; (B, M) bool, False in
        padding; (B, N) the position each went to, -1 for those dropped.
    """
    places = keep.cumsum(dim=1)
    kept_in_bag = places[:, -1:]
    n_out = int(kept_in_bag.max())
    positions = torch.arange(keep.shape[1], device=keep.device)
    # A place behind the last one takes all that is dropped.
    order = places.new_zeros(len(keep), n_out + 1)
    order.scatter_(1, torch.where(keep, places - 1, n_out), positions.expand_as(keep))
    mask = positions[:n_out] < kept_in_bag
    return order[:, :n_out], mask, torch.where(keep, places - 1, -1)


def top_tokens(keys: Tensor, mask: Tensor, left: Tensor) -> Tensor:
    """Return which tokens have the greatest keys, (B, N) bool; of equal ones, the first.

    Args:
        keys: (B, N) float.
        mask: (B, N) bool, True where a token is real.
        left: (B,) number of tokens.
    """
    return (ranks(keys, mask) < left[:, None]) & mask


def positions(mask: Tensor) -> Tensor:
    """Return each real token's position, (B, N), −1 in padding."""
    place = torch.arange(mask.shape[1], device=mask.device)
    return place.expand(mask.shape).masked_fill(~mask, -1)
