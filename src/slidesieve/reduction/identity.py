"""The reducer that keeps everything."""

from __future__ import annotations

from slidesieve.parsing.parts import NoSettings
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import positions
from slidesieve.tokens import Reduction, TokenBatch


class NoReduction(TokenReducer):
    """Returns the tokens it was given, bit for bit."""

    def __init__(self, dim: int, settings: NoSettings | None = None) -> None:
        super().__init__(dim)

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep all tokens."""
        return Reduction(tokens=tokens, source=positions(tokens.mask))
