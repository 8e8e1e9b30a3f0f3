"""Token merging (ToMe, https://arxiv.org/abs/2210.09461), repeated until k tokens are left."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from slidesieve.nn.rows import ranks
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import KeptTokens
from slidesieve.tokens import Reduction, TokenBatch

# Rows of the similarity matrix that exist at once.
_CHUNK = 2048


class TokenMerging(TokenReducer):
    """Merges the most similar tokens, at most half of them a step, until k are left.

    One step: the tokens are dealt alternately to A and B; each of A finds the token of B of
    highest cosine similarity; the r most similar pairs are merged to their size-weighted mean,
    with r = min(n − k, ⌊n/2⌋). The merged token stays at B's place, and the order is kept.
    Similarity is that of the tokens themselves, as there are no attention keys before a reducer.
    O(N²D) time, O(N) memory.

    Args:
        dim: Width of the tokens.
        settings: How many tokens are left.
    """

    def __init__(self, dim: int, settings: KeptTokens) -> None:
        super().__init__(dim)
        self.k = settings.k

    @torch.no_grad()
    def forward(self, tokens: TokenBatch) -> Reduction:
        """Merge each bag down to k tokens."""
        positions = torch.arange(tokens.mask.shape[1], device=tokens.mask.device)
        source = torch.where(tokens.mask, positions, -1)
        while int(tokens.lengths.max()) > self.k:
            tokens, moved_to = merge_step(tokens, self.k)
            source = torch.where(source >= 0, moved_to.gather(1, source.clamp(min=0)), -1)
        return Reduction(tokens=tokens, source=source)


def merge_step(tokens: TokenBatch, k: int) -> tuple[TokenBatch, Tensor]:
    """Merge the most similar pairs of each bag, as many as its way to k tokens needs.

    Returns:
        The tokens that are left, and where each went, (B, N) int64; meaningless in padding.
    """
    n_tokens = tokens.lengths
    n_merged = torch.minimum((n_tokens - k).clamp(min=0), n_tokens // 2)
    similarity, partner = _best_partners(tokens)
    rank = ranks(similarity, tokens.mask[:, 0::2])
    leaves = rank < n_merged[:, None]
    stays = tokens.mask.clone()
    stays[:, 0::2] &= ~leaves
    place = stays.cumsum(dim=1) - 1
    moved_to = place.clone()
    moved_to[:, 0::2] = torch.where(leaves, place.gather(1, partner), place[:, 0::2])
    return _gather_merged(tokens, stays, moved_to.clamp(min=0)), moved_to


def _best_partners(tokens: TokenBatch) -> tuple[Tensor, Tensor]:
    """Return for A, the even places, the similarity and place of the best of B, the odd places.

    Returns:
        (B, ⌈N/2⌉) float, −∞ for padding, and (B, ⌈N/2⌉) int64.
    """
    directions = functional.normalize(tokens.features.float(), dim=-1)
    in_a, in_b = directions[:, 0::2], directions[:, 1::2]
    no_partner = ~tokens.mask[:, None, 1::2]
    best = [
        (chunk @ in_b.transpose(1, 2)).masked_fill(no_partner, -torch.inf).max(dim=-1)
        for chunk in in_a.split(_CHUNK, dim=1)
    ]
    similarity = torch.cat([values for values, _ in best], dim=1)
    partner = torch.cat([indices for _, indices in best], dim=1)
    return similarity.masked_fill(~tokens.mask[:, 0::2], -torch.inf), 2 * partner + 1


def _gather_merged(tokens: TokenBatch, stays: Tensor, target: Tensor) -> TokenBatch:
    """Return size-weighted means of the tokens that share a target, at the stayers' places."""
    n_out = stays.sum(dim=1)
    width = int(n_out.max())
    mask = torch.arange(width, device=stays.device) < n_out[:, None]
    target = target.clamp(max=width - 1)
    size = torch.zeros(mask.shape, dtype=tokens.size.dtype, device=stays.device)
    size = size.scatter_add(1, target, tokens.size)
    weighted = tokens.features * tokens.size[..., None].to(tokens.features.dtype)
    sums = weighted.new_zeros(*mask.shape, weighted.shape[-1])
    sums = sums.scatter_add(1, target[..., None].expand_as(weighted), weighted)
    coords = tokens.coords * stays[..., None]
    places = coords.new_zeros(*mask.shape, 2)
    return replace(
        tokens,
        features=sums / size.clamp(min=1e-12)[..., None].to(sums.dtype),
        mask=mask,
        coords=places.scatter_add(1, target[..., None].expand_as(coords), coords),
        size=size,
    )
