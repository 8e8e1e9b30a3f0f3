"""The soft gate m = σ(γ(α − τ)) of section 2.4.2 of the paper, and which tokens it lets pass."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.reduction.dtc.importance import relative_importance
from slidesieve.reduction.dtc.settings import DTCSettings


def gate_values(log_importance: Tensor, left: Tensor, settings: DTCSettings) -> Tensor:
    """Return m of every token, (B, N) float32, 0 in padding.

    Args:
        log_importance: (B, N) log α, −inf in padding.
        left: (B,) tokens that are to be left, for the threshold of "quantile".
        settings: gate_input (not "none"), gate_steepness γ and gate_threshold τ are looked at.
    """
    threshold: float | Tensor = settings.gate_threshold
    if settings.gate_input == "raw":
        value = log_importance.exp()
    else:
        value = relative_importance(log_importance)
    if settings.gate_input == "quantile":
        threshold = value_of_rank(value.detach(), left)
    gate = torch.sigmoid(settings.gate_steepness * (value - threshold))
    return gate.masked_fill(log_importance.isinf(), 0)


def normalised(gate: Tensor, mask: Tensor, by: str) -> Tensor:
    """Return the gate over its "max" or "mean" on the slide, or ("none") as it is."""
    if by == "none":
        return gate
    reference = mean_over_bag(gate, mask) if by == "mean" else gate.amax(dim=1)
    return gate / reference.clamp(min=torch.finfo(gate.dtype).tiny)[:, None]


def mean_over_bag(gate: Tensor, mask: Tensor) -> Tensor:
    """Return the mean gate of each bag's real tokens, (B,)."""
    return (gate * mask).sum(dim=1) / mask.sum(dim=1)


def value_of_rank(values: Tensor, rank: Tensor) -> Tensor:
    """Return the rank-th greatest of each bag's values, (B, 1); ranks from 1 to N."""
    ordered = values.sort(dim=1, descending=True).values
    return ordered.gather(1, (rank[:, None] - 1).clamp(0, values.shape[1] - 1))
