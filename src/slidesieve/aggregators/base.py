"""The contract of every aggregator."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from slidesieve.nn.part import ModelPart
from slidesieve.tokens import SlideOutput, TokenBatch


class Aggregator(ModelPart, ABC):
    """Turns a bag of tokens into slide logits.

    Padding changes nothing. Labels are given in training only, for instance-level losses.
    """

    @abstractmethod
    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify a batch of bags; labels (B,) int64 or None."""
