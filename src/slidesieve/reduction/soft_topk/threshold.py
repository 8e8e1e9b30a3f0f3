"""Soft top-k by a threshold: α_i = F((s_i − b) / τ), with b such that Σ_i α_i = k.

F is a cumulative distribution function. The Laplace distribution gives LapSum (Struski et al.
2025), the logistic one the familiar sigmoid. Σ_i α_i falls strictly with b, so b is unique.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_MAX_ITERATIONS = 100
_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Distribution:
    """A distribution symmetric about 0.

    Attributes:
        cdf: F(u).
        density_at: F′(u) as a function of F(u).
        quantile: F⁻¹(p), p in (0, 1).
    """

    cdf: Callable[[Tensor], Tensor]
    density_at: Callable[[Tensor], Tensor]
    quantile: Callable[[Tensor], Tensor]


def _laplace_cdf(u: Tensor) -> Tensor:
    tail = 0.5 * torch.exp(-u.abs())
    return torch.where(u <= 0, tail, 1 - tail)


def _laplace_quantile(p: Tensor) -> Tensor:
    return torch.where(p <= 0.5, torch.log(2 * p), -torch.log(2 * (1 - p)))


LAPLACE = Distribution(
    cdf=_laplace_cdf,
    density_at=lambda alpha: torch.minimum(alpha, 1 - alpha),
    quantile=_laplace_quantile,
)
LOGISTIC = Distribution(
    cdf=torch.sigmoid,
    density_at=lambda alpha: alpha * (1 - alpha),
    quantile=torch.logit,
)


def threshold_top_k(
    distribution: Distribution, scores: Tensor, mask: Tensor, k: Tensor, tau: float
) -> Tensor:
    """Return α (B, N), in the precision of the scores; solved in float64.

    Args:
        distribution: Whose F it is.
        scores: (B, N) float.
        mask: (B, N) bool, True where a token is real; every row has more than k of them.
        k: (B, 1) what each row of α adds up to.
        tau: Temperature: the smaller, the harder.
    """
    return _ThresholdTopK.apply(scores, mask, k, tau, distribution)


class _ThresholdTopK(torch.autograd.Function):
    """The gradient follows from the implicit function theorem, b being a function of s.

    dα/ds = diag(v) − v vᵀ / Σv with v_i = F′((s_i − b) / τ) / τ, so that memory stays O(N) and no
    iteration of the solver is differentiated.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        scores: Tensor,
        mask: Tensor,
        k: Tensor,
        tau: float,
        distribution: Distribution,
    ) -> Tensor:
        scaled = scores.double() / tau
        alpha = _solve(distribution, scaled, mask, k)
        ctx.save_for_backward(distribution.density_at(alpha) / tau)
        return alpha.to(scores.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple:  # noqa: ANN401
        (slope,) = ctx.saved_tensors
        total = slope.sum(dim=1, keepdim=True).clamp(min=torch.finfo(slope.dtype).tiny)
        mean = (slope * grad).sum(dim=1, keepdim=True) / total
        return (slope * (grad - mean)).to(grad.dtype), None, None, None, None


def _solve(distribution: Distribution, scaled: Tensor, mask: Tensor, k: Tensor) -> Tensor:
    """Return α (B, N) in float64, by Newton's method on log Σα = log k, kept in a bracket.

    In the logarithm the tails of F are straight lines, which Newton's method follows in one step;
    a step that leaves the bracket is replaced by bisection.

    With q = F⁻¹(k / N) the threshold lies in [min s − τq, max s − τq]: at the ends every α is at
    least, or at most, k / N.
    """
    n_tokens = mask.sum(dim=1, keepdim=True).double()
    shift = distribution.quantile(k / n_tokens)
    low = scaled.masked_fill(~mask, torch.inf).amin(dim=1, keepdim=True) - shift
    high = scaled.masked_fill(~mask, -torch.inf).amax(dim=1, keepdim=True) - shift
    threshold = (low + high) / 2
    for _ in range(_MAX_ITERATIONS):
        alpha = distribution.cdf(scaled - threshold) * mask
        total = alpha.sum(dim=1, keepdim=True)
        excess = total - k
        solved = excess.abs() <= _TOLERANCE * n_tokens
        if bool(solved.all()):
            break
        low = torch.where(excess > 0, threshold, low)
        high = torch.where(excess > 0, high, threshold)
        slope = distribution.density_at(alpha).sum(dim=1, keepdim=True)
        newton = threshold + torch.log(total / k) * total / slope
        inside = (newton > low) & (newton < high)
        better = torch.where(inside, newton, (low + high) / 2)
        threshold = torch.where(solved, threshold, better)
    return alpha
