"""The reducer that keeps everything."""

from __future__ import annotations

import torch

from slidesieve.reduction.base import TokenReducer
from slidesieve.tokens import Reduction, TokenBatch


class Identity(TokenReducer):
    """Returns the tokens it was given, bit for bit."""

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep all tokens."""
        positions = torch.arange(tokens.mask.shape[1], device=tokens.mask.device)
        return Reduction(tokens=tokens, source=torch.where(tokens.mask, positions, -1))
