"""The temperature and the budget over training."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from slidesieve.reduction.sparselearn.settings import SparseLearnSettings


def temperature(settings: SparseLearnSettings, step: int, steps: int) -> float:
    """Return τ(t) = τ_end + ½ (τ_start − τ_end)(1 + cos πt/T) for t < T, then τ_end.

    Args:
        settings: tau_start, tau_end, and anneal_share = T / steps.
        step: t, from 0.
        steps: Of the whole training.
    """
    annealing_steps = settings.anneal_share * steps
    if step >= annealing_steps:
        return settings.tau_end
    cosine = math.cos(math.pi * step / annealing_steps)
    return settings.tau_end + 0.5 * (settings.tau_start - settings.tau_end) * (1 + cosine)


def budget(lengths: Tensor, k: int, progress: float) -> Tensor:
    """Return the budget of each bag, N^(1−p) k^p rounded, or N where N ≤ k: (B,) int64.

    Args:
        lengths: (B,) N, tokens of each bag.
        k: Budget at the end.
        progress: p, see `curriculum.progress`.
    """
    falling = (lengths.double() ** (1 - progress) * k**progress).round().long()
    return torch.minimum(lengths, falling.clamp(min=k))
