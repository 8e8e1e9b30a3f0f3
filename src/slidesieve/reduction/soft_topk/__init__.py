"""Differentiable top-k: scores and a number k to weights in [0, 1] that add up to k."""

from slidesieve.reduction.soft_topk.baselines import gumbel_perturbed
from slidesieve.reduction.soft_topk.operators import OPERATORS, soft_top_k

__all__ = ["OPERATORS", "gumbel_perturbed", "soft_top_k"]
