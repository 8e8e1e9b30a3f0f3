"""How far a reducer's compression has come in training, and how many passes are guided."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Curriculum:
    """Where a step of training stands; the defaults are those of evaluation.

    Attributes:
        progress: From whole bags (0) to the final budget (1).
        guided_share: Probability that a pass is guided, see `guidance.guided_pass`.
    """

    progress: float = 1.0
    guided_share: float = 0.0

    @classmethod
    def at(
        cls, step: float, start: float, end: float, share: float, share_end: float
    ) -> Curriculum:
        """Return the curriculum at a step; all passes are guided until compression begins.

        Args:
            step: From 0.
            start: Step after which compression begins.
            end: Step from which on it is what evaluation has.
            share: Share of guided passes; with 0 there are none at any step.
            share_end: Step from which on no pass is guided.
        """
        come = progress(start, end, step)
        guided = share if step < share_end else 0.0
        return cls(come, 1.0 if guided and come == 0 else guided)

    def draws_guided(self) -> bool:
        """Draw whether a pass is guided; no number is drawn where none is."""
        return bool(self.guided_share) and float(torch.rand(())) < self.guided_share


def progress(start: float, end: float, step: float) -> float:
    """Return how much of the way from whole bags (0) to the final budget (1) a step has come.

    Args:
        start: Step after which compression begins.
        end: Step from which on it is what evaluation has.
        step: From 0.
    """
    if step >= end:
        return 1.0
    return (step - start) / (end - start) if step > start else 0.0
