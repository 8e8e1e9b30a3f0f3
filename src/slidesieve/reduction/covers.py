"""Covers of a bag for guided passes: few tokens among which what is rare is no longer rare."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.reduction.selection import top_tokens


@torch.no_grad()
def scored_cover(features: Tensor, scores: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return a drawn cover of each bag: half its best tokens, half drawn far from each other.

    The best by the scores are there so that what the scores know already is not missed, and with
    it the slide's label; the others show what the scores do not know.

    Args:
        features: (B, N, D).
        scores: (B, N).
        mask: (B, N) bool, True where a token is real.
        k: Most tokens of a cover; fewer where the halves share some.

    Returns:
        (B, N) bool.
    """
    half = torch.full((len(mask),), k // 2, device=mask.device)
    return top_tokens(scores, mask, half) | drawn_cover(features, mask, k - k // 2)


@torch.no_grad()
def drawn_cover(features: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return min(k, N) tokens of each bag, drawn one after the other as k-means++ draws its seeds.

    The first is drawn evenly, each other one with a probability in proportion to its squared
    distance from the nearest before it (Arthur and Vassilvitskii 2007). Every pass has another
    cover, which no head can learn by heart.

    Args:
        features: (B, N, D).
        mask: (B, N) bool, True where a token is real.
        k: Number of tokens.

    Returns:
        (B, N) bool.
    """
    rows = torch.arange(len(mask), device=mask.device)
    newest = torch.rand(mask.shape, device=mask.device).masked_fill(~mask, -1).argmax(dim=1)
    kept = torch.zeros_like(mask)
    to_nearest_kept = torch.full(mask.shape, torch.inf, device=mask.device)
    for _ in range(min(k, mask.shape[1])):
        kept[rows, newest] = True
        distance = (features - features[rows, newest][:, None]).square().sum(dim=-1).float()
        to_nearest_kept = torch.minimum(to_nearest_kept, distance)
        # Copies of kept tokens lie at no distance, and a bag of k or fewer has nothing to draw.
        chance = to_nearest_kept.masked_fill(kept | ~mask, 0) + _LEAST * (mask & ~kept) + _PADDING
        newest = torch.multinomial(chance, 1)[:, 0]
    return kept & mask


_LEAST = 1e-9
_PADDING = 1e-12
