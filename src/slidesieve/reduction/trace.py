"""The record of each stage and token that provenance files and figures are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.tokens import Reduction, TokenBatch


@dataclass(frozen=True)
class StageTrace:
    """One stage, seen from the N tokens that enter it.

    Attributes:
        entered: (B, N_in) position among them of the token each tile is part of; −1 where it was
            dropped before (or is padding).
        importance: (B, N) what the reducer ranks tokens by, on its own scale (α of DTC, which sums
            to 1 over the bag; the score of a selector); NaN where it ranks none, 0 in padding.
        into: (B, N) position among them of the token each merged into; its own where it did not;
            −1 in padding.
        went: (B, N) position among the tokens that leave the stage of the one each went to;
            −1 where it was pruned (or is padding).
        importance_after: (B, N) importance of the token each became part of, which pruning
            looks at; NaN and 0 as above.
        size: (B, N) tiles in each token that enters.
    """

    entered: Tensor
    importance: Tensor
    into: Tensor
    went: Tensor
    importance_after: Tensor
    size: Tensor

    @property
    def real(self) -> Tensor:
        """(B, N) bool, False in padding."""
        return self.into >= 0

    @property
    def kept(self) -> Tensor:
        """(B, N) bool, True for tokens that leave the stage, alone or merged."""
        return self.went >= 0

    @property
    def pruned(self) -> Tensor:
        """(B, N) bool, True for tokens that are dropped, alone or merged."""
        return self.real & ~self.kept

    @property
    def merged(self) -> Tensor:
        """(B, N) bool, True for tokens that share their group with another one."""
        target = self.into.clamp(min=0)
        members = torch.zeros_like(target).scatter_add(1, target, self.real.long())
        return self.real & (members.gather(1, target) > 1)


def single_stage(tokens: TokenBatch, reduction: Reduction) -> StageTrace:
    """Return the record of a reducer that does all it does at once.

    Args:
        tokens: What entered, B bags of N tokens.
        reduction: What became of them.
    """
    own = torch.arange(tokens.mask.shape[1], device=tokens.mask.device).expand(tokens.mask.shape)
    source = reduction.source
    kept = source >= 0
    target = source.clamp(min=0)
    unset = torch.full_like(own, own.shape[1])
    first = unset.scatter_reduce(1, target, own.where(kept, unset), "amin").gather(1, target)
    scores = reduction.scores
    if scores is None:
        scores = torch.full(own.shape, torch.nan, device=own.device)
    importance = scores.detach().masked_fill(~tokens.mask, 0)
    return StageTrace(
        entered=own.masked_fill(~tokens.mask, -1),
        importance=importance,
        into=first.where(kept, own).masked_fill(~tokens.mask, -1),
        went=source,
        importance_after=importance,
        size=tokens.size,
    )
