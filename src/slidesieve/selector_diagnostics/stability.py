"""How much of a selection stays when the features shake, or when another fold chooses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import hypergeom

from slidesieve.selector_diagnostics.seeds import seeded
from slidesieve.tokens import TokenBatch

# Standard deviations of the jitter, in those of each feature over the slide's tokens.
SIGMAS = (0.0, 0.05, 0.1, 0.2, 0.5)

Kept = NDArray[np.bool_]


def jaccard(one: Kept, other: Kept) -> float:
    """Return |A ∩ B| / |A ∪ B| of two selections (N,) of the same tokens."""
    return float((one & other).sum() / (one | other).sum())


def chance_jaccard(n_tokens: int, k: int) -> float:
    """Return the expected Jaccard index of two independent random selections of k of N tokens."""
    shared = np.arange(k + 1)
    probability = hypergeom(n_tokens, k, k).pmf(shared)
    return float((probability * shared / (2 * k - shared)).sum())


def jitter(tokens: TokenBatch, sigma: float, seed: int) -> TokenBatch:
    """Return one bag with noise on its features: x + σ s ε, s their sd over the bag, ε ~ N(0, I).

    Args:
        tokens: One bag without padding.
        sigma: σ.
        seed: Of the noise; the same for all σ, so that only its size differs.
    """
    features = tokens.features.float()
    spread = features.std(dim=1, correction=0, keepdim=True)
    with seeded(seed, features.device):
        noise = torch.randn_like(features)
    return tokens.with_features(features + sigma * spread * noise)


def agreement(selections: Sequence[Kept]) -> float:
    """Return the mean Jaccard index over all pairs of two or more selections of one slide."""
    return float(np.mean([jaccard(a, b) for a, b in combinations(selections, 2)]))
