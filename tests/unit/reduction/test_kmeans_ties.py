"""k-means must not let rounding choose between tokens that lie equally near."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.bags import Bag, collate
from slidesieve.reduction.registry import build_reducer


@given(seed=st.integers(0, 1000))
def test_of_two_tokens_in_a_cluster_the_first_is_kept(seed):
    rng = np.random.default_rng(seed)
    # Pairs far from one another: k-means++ and Lloyd find each pair as one cluster.
    centres = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    features = (centres[:, None] + rng.normal(size=(3, 2, 2))).reshape(6, 2).astype(np.float32)
    coords = np.stack([np.arange(6), np.zeros(6)], axis=1).astype(np.int64) * 256
    reduction = build_reducer({"name": "kmeans", "k": 3}, 2)(
        collate([Bag("s", "p", 0, features, coords)])
    )
    kept = reduction.tokens.coords[reduction.tokens.mask][:, 0] // 256
    assert torch.equal(kept, torch.tensor([0, 2, 4]))
