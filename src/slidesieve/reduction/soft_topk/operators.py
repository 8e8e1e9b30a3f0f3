"""All soft top-k operators by name, and the rules that hold for each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from slidesieve.reduction.soft_topk.baselines import gumbel_top_k, sinkhorn_top_k, softmax_k
from slidesieve.reduction.soft_topk.threshold import LAPLACE, LOGISTIC, threshold_top_k

Operator = Callable[[Tensor, Tensor, Tensor, float], Tensor]

OPERATORS: dict[str, Operator] = {
    "lapsum": partial(threshold_top_k, LAPLACE),
    "sigmoid": partial(threshold_top_k, LOGISTIC),
    "sinkhorn": sinkhorn_top_k,
    "gumbel_ste": gumbel_top_k,
    "softmax_k": softmax_k,
}


def soft_top_k(operator: str, scores: Tensor, mask: Tensor, k: int | Tensor, tau: float) -> Tensor:
    """Share k units of weight among the tokens of each bag, the more the higher their scores.

    A bag of at most k tokens keeps them all: α = 1. Padding gets 0.

    Args:
        operator: A name in `OPERATORS`.
        scores: (B, N) float32 or float64; what padding holds does not matter.
        mask: (B, N) bool, True where a token is real.
        k: At least 1; for all bags, or (B,) for each.
        tau: Temperature, above 0.

    Returns:
        α (B, N) in [0, 1], each row adding up to min(k, N).
    """
    alpha = mask.to(scores.dtype)
    budget = torch.as_tensor(k, device=mask.device).expand(len(mask))
    to_share = mask.sum(dim=1) > budget
    if not bool(to_share.any()):
        return alpha
    rows, of_each = mask[to_share], budget[to_share, None]
    shared = OPERATORS[operator](scores[to_share].masked_fill(~rows, 0), rows, of_each, tau)
    return alpha.masked_scatter(to_share[:, None], shared * rows)
