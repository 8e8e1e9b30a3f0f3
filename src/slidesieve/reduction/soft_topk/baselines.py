"""Soft top-k operators to compare thresholds with."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.reduction.selection import top_tokens
from slidesieve.reduction.soft_topk.threshold import LOGISTIC, threshold_top_k


def sinkhorn_top_k(scores: Tensor, mask: Tensor, k: Tensor, tau: float) -> Tensor:
    """SOFT top-k (Xie et al. 2020): an entropic transport plan of the scores to {0, 1}.

    The plan Γ minimises Σ_ij Γ_ij (s_i − y_j)² + τ Σ_ij Γ_ij log Γ_ij with y = (0, 1), every token
    sending 1 / N, and k / N arriving at 1; α_i = N Γ_i1. With two targets the fixed point of
    Sinkhorn's iterations has a closed form up to one number: α_i = σ((2 s_i − 1 + g) / τ), where g
    makes Σα = k. That is the logistic threshold at half the temperature, which is what is
    computed: exactly, where the iterations would slow down as τ falls.

    Args:
        scores: (B, N) float.
        mask: (B, N) bool; every row has more than k real tokens.
        k: (B, 1) what each row of α adds up to.
        tau: Weight of the entropy.
    """
    return threshold_top_k(LOGISTIC, scores, mask, k, tau / 2)


def gumbel_top_k(scores: Tensor, mask: Tensor, k: Tensor, tau: float) -> Tensor:
    """Draw k tokens by Gumbel top-k (Kool et al. 2019) with a straight-through gradient.

    Forward: 1 for the k largest of s_i / τ + g_i, g_i standard Gumbel from torch's global
    generator; 0 elsewhere. Backward: as if the logistic threshold of the same perturbed scores
    had been returned (Bengio et al. 2013).

    Args:
        scores: (B, N) float.
        mask: (B, N) bool; every row has more than k real tokens.
        k: (B, 1) number of tokens drawn.
        tau: Temperature: the smaller, the closer to the k best.
    """
    perturbed = gumbel_perturbed(scores, tau)
    soft = threshold_top_k(LOGISTIC, perturbed, mask, k, 1.0)
    hard = top_tokens(perturbed, mask, k.squeeze(1)).to(soft.dtype)
    return hard + (soft - soft.detach())


def gumbel_perturbed(scores: Tensor, tau: float) -> Tensor:
    """Return s / τ + g with g standard Gumbel: their k largest are a draw of k without replacement.

    The draw is the one that takes tokens one by one, each with probability ∝ exp(s / τ) among
    those that are left.
    """
    uniform = torch.rand_like(scores).clamp(min=torch.finfo(scores.dtype).tiny)
    return scores / tau - torch.log(-torch.log(uniform))


def softmax_k(scores: Tensor, mask: Tensor, k: Tensor, tau: float) -> Tensor:
    """Return min(1, k · softmax(s / τ)), the negative control.

    It adds up to less than k as soon as one token would get more than 1: the budget is lost
    exactly when the choice sharpens, and clipped tokens get no gradient of their own.

    Args:
        scores: (B, N) float.
        mask: (B, N) bool; every row has more than k real tokens.
        k: (B, 1) what each row of α adds up to at most.
        tau: Temperature.
    """
    logits = (scores / tau).masked_fill(~mask, -torch.inf)
    return (k * logits.softmax(dim=1)).clamp(max=1)
