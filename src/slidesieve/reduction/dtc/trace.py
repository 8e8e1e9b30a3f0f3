"""What each stage did to each token: the record that provenance files and figures are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class StageTrace:
    """One stage, seen from the N tokens that enter it.

    Attributes:
        entered: (B, N_in) position among them of the token each tile is part of; −1 where it was
            dropped before (or is padding).
        importance: (B, N) α, summing to 1 over the bag; 0 in padding.
        into: (B, N) position among them of the token each merged into; its own where it did not;
            −1 in padding.
        went: (B, N) position among the tokens that leave the stage of the one each went to;
            −1 where it was pruned (or is padding).
        importance_after: (B, N) importance of the token each became part of, which pruning
            looks at; 0 in padding.
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
