"""k-means: one token for each cluster of similar tokens."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor

from slidesieve.parsing.settings import STRICT
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import KeptTokens, keep_tokens
from slidesieve.tokens import Reduction, TokenBatch

# Both members of a cluster of two lie equally far from their mean; rounding must not choose.
_EQUALLY_NEAR = 1 + 1e-6


@dataclass(frozen=True, config=STRICT)
class KMeansSettings(KeptTokens):
    """Settings of k-means."""

    token: Literal["nearest", "centroid"] = Field(
        default="nearest",
        description='"nearest": the token nearest each centroid, the others dropped; "centroid": '
        "the cluster's weighted mean at the place of that token, all tokens merged.",
    )
    iterations: StrictInt = Field(default=25, ge=1, description="Most of Lloyd's steps.")


class KMeansReduction(TokenReducer):
    """Clusters each bag into k clusters and hands on one token of each.

    Lloyd's algorithm from k-means++ seeds, tokens weighing as many tiles as they stand for. The
    random numbers of the seeds come from the bag's own coordinates: the same slide gives the same
    clusters in every batch and run, in training too. A cluster that loses all its tokens gives
    none.

    Args:
        dim: Width of the tokens.
        settings: How many clusters, and what is handed on of each.
    """

    def __init__(self, dim: int, settings: KMeansSettings) -> None:
        super().__init__(dim)
        self.k = settings.k
        self.token = settings.token
        self.iterations = settings.iterations

    @torch.no_grad()
    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep or make one token a cluster."""
        seeds = plus_plus_seeds(tokens, self.k)
        cluster, distance = lloyd(
            tokens.features.double(), tokens.size, tokens.mask, seeds.double(), self.iterations
        )
        nearest = _nearest_members(cluster, distance, tokens.mask, self.k)
        kept = keep_tokens(tokens, nearest)
        if self.token == "nearest":
            return kept
        return _merge_clusters(tokens, cluster, kept)


def plus_plus_seeds(tokens: TokenBatch, k: int) -> Tensor:
    """Draw k tokens, each with probability ∝ size · d², d its distance to those before it.

    Returns:
        (B, k, D) their features (Arthur & Vassilvitskii 2007). Bags of fewer distinct tokens
        repeat some.
    """
    draws = torch.stack([_draws(coords, k) for coords in _real_coords(tokens)])
    draws = draws.to(tokens.features.device)
    weight = tokens.size.double()
    rows = torch.arange(len(weight), device=weight.device)
    squared = torch.ones_like(weight)
    seeds = []
    for step in range(k):
        reached = (weight * squared).cumsum(dim=1)
        target = draws[:, step, None] * reached[:, -1:]
        chosen = torch.searchsorted(reached, target, right=True).squeeze(1)
        chosen = torch.minimum(chosen, tokens.lengths - 1)
        seeds.append(tokens.features[rows, chosen])
        to_new = (tokens.features - seeds[-1][:, None]).double().square().sum(dim=-1)
        squared = to_new if step == 0 else torch.minimum(squared, to_new)
    return torch.stack(seeds, dim=1)


def lloyd(
    features: Tensor, weight: Tensor, mask: Tensor, centroids: Tensor, iterations: int
) -> tuple[Tensor, Tensor]:
    """Move centroids to the weighted means of their tokens until no token changes its cluster.

    Args:
        features: (B, N, D); in double precision rounding, which differs with the company a bag
            keeps in its batch, moves no token to another cluster.
        weight: (B, N), 0 in padding.
        mask: (B, N) bool.
        centroids: (B, K, D) to begin with; one without tokens stays where it is.
        iterations: Most steps.

    Returns:
        Of each token the cluster, (B, N) int64, and the distance to its centroid, (B, N).
    """
    distance, cluster = _distances(features, centroids).min(dim=-1)
    for _ in range(iterations):
        index = cluster[..., None].expand_as(features)
        weights = weight.to(features.dtype)
        sums = torch.zeros_like(centroids).scatter_add(1, index, features * weights[..., None])
        sizes = torch.zeros_like(centroids[..., 0]).scatter_add(1, cluster, weights)
        means = sums / sizes.clamp(min=1e-12)[..., None]
        centroids = torch.where(sizes[..., None] > 0, means, centroids)
        distance, moved_to = _distances(features, centroids).min(dim=-1)
        settled = bool(((moved_to == cluster) | ~mask).all())
        cluster = moved_to
        if settled:
            break
    return cluster, distance


def _distances(features: Tensor, centroids: Tensor) -> Tensor:
    # Left to itself, torch would choose the method, and the rounding, by the size of the batch.
    return torch.cdist(features, centroids, compute_mode="use_mm_for_euclid_dist")


def _real_coords(tokens: TokenBatch) -> list[np.ndarray]:
    coords = tokens.coords.cpu().numpy()
    return [
        np.ascontiguousarray(row[:n_tokens])
        for row, n_tokens in zip(coords, tokens.lengths.tolist(), strict=True)
    ]


def _draws(coords: np.ndarray, k: int) -> Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(coords.tobytes()))
    return torch.rand(k, generator=generator, dtype=torch.float64)


def _nearest_members(cluster: Tensor, distance: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return (B, N) bool: the first of the tokens about nearest to each cluster's centroid."""
    distance = distance.masked_fill(~mask, torch.inf)
    empty = torch.full((len(mask), k), torch.inf, dtype=distance.dtype, device=mask.device)
    least = empty.scatter_reduce(1, cluster, distance, reduce="amin")
    n_tokens = mask.shape[1]
    position = torch.arange(n_tokens, device=mask.device).expand_as(cluster)
    is_least = mask & (distance <= least.gather(1, cluster) * _EQUALLY_NEAR)
    none = torch.full((len(mask), k), n_tokens, device=mask.device)
    first = none.scatter_reduce(
        1, cluster, position.masked_fill(~is_least, n_tokens), reduce="amin"
    )
    return mask & (position == first.gather(1, cluster))


def _merge_clusters(tokens: TokenBatch, cluster: Tensor, kept: Reduction) -> Reduction:
    """Make each kept token the mean of its cluster, with the cluster's size."""
    source = _source_of_members(cluster, kept.source)
    target = source.clamp(min=0)
    size = torch.zeros_like(kept.tokens.size).scatter_add(1, target, tokens.size)
    weighted = tokens.features * tokens.size[..., None].to(tokens.features.dtype)
    index = target[..., None].expand_as(weighted)
    sums = torch.zeros_like(kept.tokens.features).scatter_add(1, index, weighted)
    merged = replace(
        tokens,
        features=sums / size.clamp(min=1e-12)[..., None].to(sums.dtype),
        mask=kept.tokens.mask,
        coords=kept.tokens.coords,
        size=size,
    )
    return Reduction(tokens=merged, source=torch.where(tokens.mask, source, -1))


def _source_of_members(cluster: Tensor, kept_source: Tensor) -> Tensor:
    """Return the output token (B, N) of each token's cluster, from that of its kept member."""
    n_clusters = int(cluster.max()) + 1
    unset = torch.full((len(cluster), n_clusters), -1, device=cluster.device)
    output_of_cluster = unset.scatter_reduce(1, cluster, kept_source, reduce="amax")
    return output_of_cluster.gather(1, cluster)
