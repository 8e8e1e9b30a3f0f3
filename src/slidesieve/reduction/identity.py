"""The reducer that keeps everything."""

from __future__ import annotations

from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import positions
from slidesieve.tokens import Reduction, TokenBatch


class Identity(TokenReducer):
    """Returns the tokens it was given, bit for bit."""

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep all tokens."""
        return Reduction(tokens=tokens, source=positions(tokens.mask))
