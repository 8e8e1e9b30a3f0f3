"""Plan and state of one DTC stage."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.reduction.dtc.budget import plan_slide
from slidesieve.reduction.dtc.pool import Table, TokenPool
from slidesieve.reduction.dtc.settings import DTCSettings
from slidesieve.tokens import TokenBatch


@dataclass(frozen=True)
class Plan:
    """A stage of a batch: (B,) tokens to merge, (B,) tokens to leave."""

    merges: Tensor
    left: Tensor


@dataclass(frozen=True)
class State:
    """The state between two stages.

    Attributes:
        pool: Holds the features of the tokens.
        tokens: B bags of N tokens by reference.
        scale: (B, N) their gates so far.
        scores: (B, N) their s, or None where the next stage has to ask the network.
        hidden: What entered the network's GELU, by the same row numbers, or None likewise.
    """

    pool: TokenPool
    tokens: TokenBatch
    scale: Tensor
    scores: Tensor | None
    hidden: Table | None


@dataclass(frozen=True)
class ScoredState:
    """The state within a stage: its tokens all have scores and hidden states."""

    pool: TokenPool
    tokens: TokenBatch
    scale: Tensor
    scores: Tensor
    hidden: Table


def plan_batch(lengths: Tensor, settings: DTCSettings) -> list[Plan]:
    """Return the stages of bags of (B,) tokens."""
    slides = [plan_slide(n_tokens, settings) for n_tokens in lengths.tolist()]
    return [
        Plan(
            merges=torch.tensor([plan.merges for plan in stage], device=lengths.device),
            left=torch.tensor([plan.left for plan in stage], device=lengths.device),
        )
        for stage in zip(*slides, strict=True)
    ]
