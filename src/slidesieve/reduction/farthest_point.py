"""Farthest-point sampling: tokens that cover the bag's features as evenly as k tokens can."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import KeptTokens, keep_tokens
from slidesieve.tokens import Reduction, TokenBatch


class FarthestPointSampling(TokenReducer):
    """Keeps k tokens, each the farthest from all those before it.

    Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5.

    The first is the token nearest the bag's mean, so that nothing is left to chance and no
    outlier is given the lead. Distances are Euclidean. O(kND) time.

    Args:
        dim: Width of the tokens.
        settings: How many tokens are kept.
    """

    def __init__(self, dim: int, settings: KeptTokens) -> None:
        super().__init__(dim)
        self.k = settings.k

    @torch.no_grad()
    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep an even cover of each bag."""
        return keep_tokens(tokens, farthest_points(tokens.features, tokens.mask, self.k))


def farthest_points(features: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return which min(k, N) tokens of each bag farthest-point sampling keeps.

    Args:
        features: (B, N, D).
        mask: (B, N) bool, True where a token is real.
        k: Number of tokens.

    Returns:
        (B, N) bool.
    """
    mean = (features * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    from_mean = torch.linalg.vector_norm(features - mean[:, None], dim=-1)
    newest = from_mean.masked_fill(~mask, torch.inf).argmin(dim=1)
    rows = torch.arange(len(mask), device=mask.device)
    kept = torch.zeros_like(mask)
    to_nearest_kept = torch.full_like(from_mean, torch.inf).masked_fill(~mask, -torch.inf)
    for _ in range(min(k, mask.shape[1])):
        kept[rows, newest] = True
        distance = torch.linalg.vector_norm(features - features[rows, newest][:, None], dim=-1)
        to_nearest_kept = torch.minimum(to_nearest_kept, distance).masked_fill(kept, -torch.inf)
        newest = to_nearest_kept.argmax(dim=1)
    return kept & mask
