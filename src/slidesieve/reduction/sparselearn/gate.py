"""The gate: how much of each token gets through, given its share α of the budget.

Every gate takes x (B, N, D), of unit variance, α (B, N) in [0, 1] and the budget k (B,), and
returns (B, N, D).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from slidesieve.reduction.selection import top_tokens

# Below this, √α is taken to have no slope: the true slope, ∝ √α in s, is negligible there.
_SQRT_FLOOR = 1e-12


def _sqrt(x: Tensor) -> Tensor:
    """Return √x, exactly 0 at 0 and with a finite slope everywhere."""
    return x.clamp(min=_SQRT_FLOOR).sqrt() * (x > 0)


def variance_preserving(x: Tensor, alpha: Tensor, k: Tensor) -> Tensor:
    """Return √α x + √(1−α) ε, ε ~ N(0, I) anew in every pass (SparseLearn's and DiffPrune's gate).

    With x of unit variance the result has unit variance whatever α: a token is hidden by noise,
    not by its size, and nothing later can tell kept from dropped but by what is left of x.
    """
    alpha = alpha[..., None]
    return _sqrt(alpha) * x + _sqrt(1 - alpha) * torch.randn_like(x)


def scale(x: Tensor, alpha: Tensor, k: Tensor) -> Tensor:
    """Return α x, the ablation: a network can undo it by its own weights."""
    return alpha[..., None] * x


def hard_straight_through(x: Tensor, alpha: Tensor, k: Tensor) -> Tensor:
    """Return x where α is among the k largest of its bag and 0 elsewhere; gradient of α x."""
    kept = top_tokens(alpha, torch.ones_like(alpha, dtype=torch.bool), k)
    return (kept + (alpha - alpha.detach()))[..., None] * x


GATES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "vp": variance_preserving,
    "scale": scale,
    "hard_st": hard_straight_through,
}
