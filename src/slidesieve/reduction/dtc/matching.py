"""Who may merge with whom, and how much a slide would gain by it (section 2.4.1 of the paper).

Tokens alternate between two sets: A, at even positions, gives itself up to a token of B, at odd
positions. Nothing here is differentiable; gradients pass through the merging itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slidesieve.reduction.dtc.pool import Table, TokenPool
from slidesieve.reduction.dtc.settings import DTCSettings
from slidesieve.tokens import TokenBatch

# Most entries of a block of similarities between A and B held at once.
_BLOCK = 2**24
# Pairs of rows multiplied at once: as many as a cache holds.
_ROWS = 512


@dataclass(frozen=True)
class Candidates:
    """The pair each token of A would form, L = ⌈N/2⌉ of them.

    Attributes:
        giver: (B, L) position of the token of A.
        receiver: (B, L) position of its partner in B.
        utility: (B, L) u of the pair; −inf where there is none.
    """

    giver: Tensor
    receiver: Tensor
    utility: Tensor


@dataclass(frozen=True)
class Pairs:
    """The pairs that merge, best first.

    Attributes:
        giver: (B, K) position of the token that merges into the other.
        receiver: (B, K) position of the other; several givers may share one.
        chosen: (B, K) bool; slides with fewer merges than K are padded with False and givers
            that receive themselves.
    """

    giver: Tensor
    receiver: Tensor
    chosen: Tensor


@torch.no_grad()
def find_candidates(
    pool: TokenPool, tokens: TokenBatch, contrast: Tensor, settings: DTCSettings
) -> Candidates:
    """Find the best partner of every token of A by merge utility.

    u_ij = λ cos(h_i, h_j) − (1 − λ) min(|c_i − c_j|, 1)

    Args:
        pool: Holds the features.
        tokens: B bags of N ≥ 2 tokens by reference.
        contrast: (B, N) what the importance term compares, see `utility_importance`.
        settings: Matching (not "random"), window and λ are looked at.
    """
    sides = _Sides(pool, tokens, contrast.float(), settings.similarity_weight)
    receiver, utility = _MATCHINGS[settings.matching](sides, settings)
    giver = 2 * torch.arange(utility.shape[1], device=utility.device).expand_as(receiver)
    return Candidates(giver, 2 * receiver + 1, utility)


def random_candidates(mask: Tensor, keys: Tensor) -> Candidates:
    """Give every token of A a random token of B, each taken once ("random merging" of Table 4).

    Args:
        mask: (B, N) bool, True where a token is real.
        keys: (B, N) random numbers, independent of the features.
    """
    missing = (0, mask.shape[1] % 2)
    real_a, real_b = _split(functional.pad(mask, missing))
    half = real_a.shape[1]
    keys = functional.pad(keys, missing)
    receiver = keys[:, 1::2].masked_fill(~real_b, torch.inf).argsort(dim=1, stable=True)
    there = real_a & real_b.gather(1, receiver)
    giver = 2 * torch.arange(half, device=mask.device).expand_as(receiver)
    utility = keys[:, 0::2].masked_fill(~there, -torch.inf)
    return Candidates(giver, 2 * receiver + 1, utility)


def choose_pairs(candidates: Candidates, merges: Tensor) -> Pairs:
    """Choose the pairs of greatest utility; of equal pairs, the one that comes first.

    Args:
        candidates: L candidates in each bag.
        merges: (B,) number of pairs to merge.
    """
    n_pairs = int(merges.max())
    best = candidates.utility.argsort(dim=1, descending=True, stable=True)[:, :n_pairs]
    giver = candidates.giver.gather(1, best)
    chosen = torch.arange(n_pairs, device=merges.device) < merges[:, None]
    receiver = torch.where(chosen, candidates.receiver.gather(1, best), giver)
    return Pairs(giver, receiver, chosen)


class _Sides:
    """Sets A and B side by side: ⌈N/2⌉ tokens and ⌊N/2⌋ tokens.

    Args:
        pool: Holds the features.
        tokens: B bags of N tokens by reference.
        contrast: (B, N).
        similarity_weight: λ.
    """

    def __init__(
        self, pool: TokenPool, tokens: TokenBatch, contrast: Tensor, similarity_weight: float
    ) -> None:
        self.pool = pool
        numbers = tokens.features.squeeze(-1)
        self.number_a, self.number_b = _split(numbers)
        self.norm_a, self.norm_b = _split(pool.norms(numbers))
        self.contrast_a, self.contrast_b = _split(contrast)
        self.real_a, self.real_b = _split(tokens.mask)
        self.similarity_weight = similarity_weight

    def utility(self, cosine: Tensor, contrast_a: Tensor, contrast_b: Tensor) -> Tensor:
        """Return u from cosine similarities and what the importance term compares."""
        difference = (contrast_a - contrast_b).abs().clamp(max=1)
        return self.similarity_weight * cosine - (1 - self.similarity_weight) * difference

    def unit_rows(self, numbers: Tensor, norms: Tensor) -> Tensor:
        """Return (B, K) rows at length 1, (B, K, D) float32."""
        rows = self.pool.features.rows(numbers.flatten()).float()
        return rows.div_(norms.reshape(-1, 1)).unflatten(0, numbers.shape)

    def utility_at(self, offset: int) -> Tensor:
        """Return u of pairs (A_k, B_{k+offset}), (B, L), −inf where there is no such pair."""
        a, b = _overlap(offset, self.real_a.shape[1], self.real_b.shape[1])
        dot = _products(self.pool.features, self.number_a[:, a], self.number_b[:, b])
        cosine = dot / (self.norm_a[:, a] * self.norm_b[:, b])
        there = self.real_a[:, a] & self.real_b[:, b]
        utility = torch.full_like(self.norm_a, -torch.inf)
        utility[:, a] = self.utility(cosine, self.contrast_a[:, a], self.contrast_b[:, b])
        utility[:, a] = utility[:, a].masked_fill(~there, -torch.inf)
        return utility


def _aligned(sides: _Sides, settings: DTCSettings) -> tuple[Tensor, Tensor]:
    """Pair A_k with B_k, as Algorithm 1 does; O(N)."""
    utility = sides.utility_at(0)
    return torch.arange(utility.shape[1], device=utility.device).expand_as(utility), utility


def _window(sides: _Sides, settings: DTCSettings) -> tuple[Tensor, Tensor]:
    """Pair A_k with the best token of B at most `window` positions away; O(N · window)."""
    own, best = _aligned(sides, settings)
    partner = own
    reach = (settings.window + 1) // 2
    # B_{k+o} stands 2o + 1 positions after A_k; of equal partners the nearest is taken.
    for offset in sorted(range(-reach, reach), key=lambda o: (abs(2 * o + 1), -o))[1:]:
        utility = sides.utility_at(offset)
        partner = torch.where(utility > best, own + offset, partner)
        best = torch.maximum(utility, best)
    return partner, best


def _tome(sides: _Sides, settings: DTCSettings) -> tuple[Tensor, Tensor]:
    """Pair A_k with the best token of B on the slide, as ToMe does; O(N²), block by block."""
    batch, half = sides.real_a.shape
    unit_a = sides.unit_rows(sides.number_a, sides.norm_a)
    unit_b = sides.unit_rows(sides.number_b, sides.norm_b).transpose(1, 2)
    rows = max(1, _BLOCK // (batch * half))
    utilities, partners = [], []
    for start in range(0, half, rows):
        block = slice(start, start + rows)
        utility = sides.utility(
            unit_a[:, block] @ unit_b,
            sides.contrast_a[:, block, None],
            sides.contrast_b[:, None, :],
        )
        best, partner = utility.masked_fill(~sides.real_b[:, None], -torch.inf).max(dim=2)
        utilities.append(best)
        partners.append(partner)
    utility = torch.cat(utilities, dim=1).masked_fill(~sides.real_a, -torch.inf)
    return torch.cat(partners, dim=1), utility


_MATCHINGS: dict[str, Callable[[_Sides, DTCSettings], tuple[Tensor, Tensor]]] = {
    "aligned": _aligned,
    "window": _window,
    "tome": _tome,
}


def _products(table: Table, a: Tensor, b: Tensor) -> Tensor:
    """Return inner products of (B, K) rows of a table in float32, (B, K)."""
    pairs = torch.stack([a.flatten(), b.flatten()], dim=1)
    products = []
    for block in pairs.split(_ROWS):
        of_a, of_b = table.rows(block.flatten()).float().unflatten(0, (-1, 2)).unbind(dim=1)
        products.append(of_a.mul_(of_b).sum(dim=-1))
    return torch.cat(products).view(a.shape)


def _split(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values of A and of B, (B, ⌈N/2⌉, …) and (B, ⌊N/2⌋, …)."""
    return values[:, 0::2], values[:, 1::2]


def _overlap(offset: int, n_a: int, n_b: int) -> tuple[slice, slice]:
    """Return where k is in [0, n_a) and k + offset in [0, n_b), as slices of A and of B."""
    low, high = max(0, -offset), max(0, min(n_a, n_b - offset))
    low = min(low, high)
    return slice(low, high), slice(low + offset, high + offset)
