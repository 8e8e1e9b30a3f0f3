"""The contract of every aggregator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from slidesieve.tokens import SlideOutput, TokenBatch


class Aggregator(nn.Module, ABC):
    """Turns a bag of tokens into slide logits.

    Padding changes nothing. Labels are given in training only, for instance-level losses.
    """

    @abstractmethod
    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify a batch of bags; labels (B,) int64 or None."""

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Look at the training bags once before fitting (prototypes, clusters)."""

    def schedule(self, step: int, steps: int) -> None:
        """Set what changes over training at a step of all steps."""

    def after_step(self) -> None:
        """Update what follows the optimiser (moving-average teachers)."""
