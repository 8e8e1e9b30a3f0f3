"""What changes over training: the temperature."""

from __future__ import annotations

import math

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
