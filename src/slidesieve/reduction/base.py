"""The contract of every token reducer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor

from slidesieve.nn.part import ModelPart
from slidesieve.reduction.trace import StageTrace, single_stage
from slidesieve.tokens import Reduction, TokenBatch


class Standardiser(Protocol):
    """Brings features to a common scale, whole bags or (K, D) rows of them."""

    def __call__(self, tokens: TokenBatch) -> TokenBatch:
        """Return the tokens standardised, padding zero."""

    def rows(self, rows: Tensor) -> Tensor:
        """Return rows (K, D) as they are among the tokens standardised; those given stay."""


class TokenReducer(ModelPart, ABC):
    """Makes fewer tokens out of many.

    A reducer takes and returns padded batches; padding and the company a bag keeps in its batch
    change nothing. In training it may draw random numbers from torch's global generator; in
    evaluation it is deterministic.

    Attributes:
        dim_out: Width of the tokens it returns.
        guidance_weight: Weight in the loss of how far `Reduction.pupil` is from the attention.
    """

    guidance_weight: float = 0.0

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim_out = dim

    @abstractmethod
    def forward(self, tokens: TokenBatch) -> Reduction:
        """Reduce a batch of bags."""

    def reduce(self, tokens: TokenBatch, standardise: Standardiser) -> Reduction:
        """Reduce a batch of bags that are yet to be standardised.

        A reducer that can do with some tokens at a time need not hold all of them standardised.
        """
        return self(standardise(tokens))

    def trace(self, tokens: TokenBatch) -> tuple[Reduction, tuple[StageTrace, ...]]:
        """Reduce a batch and tell what became of each token, stage by stage.

        Here all is one stage; reducers of several tell of each.
        """
        reduction = self(tokens)
        return reduction, (single_stage(tokens, reduction),)
