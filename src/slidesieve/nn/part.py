"""The base of reducers and aggregators: hooks that training calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from slidesieve.tokens import TokenBatch


class ModelPart(nn.Module):
    """A part of a slide classifier.

    Attributes:
        teacher: Spec of a model it learns from, or None. That model is fitted to the labelled
            training slides first, and `learn_from` gets it.
        training_parts: Names of the modules that evaluation never calls; a model loaded for use
            is without them.
    """

    teacher: Mapping[str, object] | None = None
    training_parts: tuple[str, ...] = ()

    @property
    def warmup_share(self) -> float:
        """Share of the steps before the part works as it does in use: no weights are kept there."""
        return 0.0

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Look at the training bags once before fitting (prototypes, clusters)."""

    def learn_from(self, teacher: nn.Module) -> None:
        """Take over what the fitted teacher, a `SlideClassifier`, knows; it is not kept."""

    def schedule(self, step: int, steps: int) -> None:
        """Set what changes over training (temperatures) at a step of all steps."""

    def after_step(self) -> None:
        """Update what follows the optimiser (moving-average teachers)."""

    def diagnostics(self) -> dict[str, float]:
        """Return what history.csv is to hold of the epoch that has just ended, always as much."""
        return {}
